/* SPDX-License-Identifier: MIT */
/* Lists of name=value as options take them. */
#include "ui/optlist.h"

#include <string.h>

#include "base/error.h"

/* The text up to the next single comma, with double ones made single; *text moves behind the comma. */
static char *next_word(const char **text)
{
        GString *word = g_string_new(NULL);
        const char *p = *text;

        while (*p && (*p != ',' || p[1] == ',')) {
                g_string_append_c(word, *p);
                p += *p == ',' ? 2 : 1;
        }
        *text = *p ? p + 1 : p;
        return g_string_free(word, FALSE);
}

struct optlist *optlist_parse(const char *text, const char *implied, GError **error)
{
        struct optlist *list = g_new0(struct optlist, 1);
        bool first = true;

        list->array = g_array_new(FALSE, FALSE, sizeof(struct dev_setting));
        list->strings = g_string_chunk_new(256);
        while (*text) {
                g_autofree char *word = next_word(&text);
                char *equals = strchr(word, '=');

                if (!*word || equals == word) {
                        error_set(error, RHEA_ERROR_USAGE,
                                  "'%s' has no name before its value; write name=value,...", word);
                        optlist_free(list);
                        return NULL;
                }
                if (equals) {
                        *equals = '\0';
                        optlist_add(list, word, equals + 1);
                } else if (first && implied) {
                        optlist_add(list, implied, word);
                } else {
                        optlist_add(list, word, "on");
                }
                first = false;
        }
        return list;
}

void optlist_free(struct optlist *list)
{
        if (!list)
                return;
        g_array_unref(list->array);
        g_string_chunk_free(list->strings);
        g_free(list);
}

void optlist_add(struct optlist *list, const char *name, const char *value)
{
        struct dev_setting s = {g_string_chunk_insert(list->strings, name),
                                g_string_chunk_insert(list->strings, value)};

        g_array_append_val(list->array, s);
        list->items = (struct dev_setting *)list->array->data;
        list->n = list->array->len;
}

const char *optlist_get(const struct optlist *list, const char *name)
{
        for (unsigned i = list->n; i-- > 0;) {
                if (!strcmp(list->items[i].name, name))
                        return list->items[i].value;
        }
        return NULL;
}

const char *optlist_take(struct optlist *list, const char *name)
{
        const char *value = optlist_get(list, name);

        for (unsigned i = list->n; value && i-- > 0;) {
                if (!strcmp(list->items[i].name, name))
                        g_array_remove_index(list->array, i);
        }
        list->items = (struct dev_setting *)list->array->data;
        list->n = list->array->len;
        return value;
}

bool optlist_take_bool(struct optlist *list, const char *name, bool *value, GError **error)
{
        const char *text = optlist_take(list, name);

        return !text || dev_parse_bool(text, value, error) || error_prefix(error, "%s", name);
}

bool optlist_take_number(struct optlist *list, const char *name, uint64_t max, uint64_t *value,
                         GError **error)
{
        const char *text = optlist_take(list, name);

        if (!text)
                return true;
        if (!dev_parse_u64(text, value, error))
                return error_prefix(error, "%s", name);
        if (*value > max)
                return error_set(error, RHEA_ERROR_USAGE, "%s=%s is more than %" G_GUINT64_FORMAT, name, text,
                                 max);
        return true;
}

bool optlist_unknown(GError **error, const char *what, const char *name, const char *const *names,
                     const char *hint)
{
        const char *near = error_nearest_name(name, names);

        if (near)
                return error_set(error, RHEA_ERROR_USAGE, "%s '%s' does not exist; did you mean '%s'?", what,
                                 name, near);
        return error_set(error, RHEA_ERROR_USAGE, "%s '%s' does not exist%s%s", what, name, hint ? "; " : "",
                         hint ? hint : "");
}
