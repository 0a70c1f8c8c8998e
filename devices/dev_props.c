/* SPDX-License-Identifier: MIT */
/*
 * Device properties: defaults, then -global, then -device or the machine's row, each checked against the
 * class's table. Names of back ends become pointers here.
 */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "devices/dev_priv.h"
#include "devices/host/block/block.h"
#include "devices/host/char/chardev.h"

const char *dev_prop_type_name(enum prop_type type)
{
        static const char *const names[] = {
                [PROP_BOOL] = "bool", [PROP_U32] = "uint32", [PROP_U64] = "uint64", [PROP_SIZE] = "size",
                [PROP_STRING] = "str", [PROP_CHARDEV] = "chardev", [PROP_DRIVE] = "drive",
        };

        return names[type];
}

const struct dev_prop *dev_prop_find(const struct dev_class *class, const char *name, GError **error)
{
        const char *near;
        GPtrArray *names = g_ptr_array_new();

        for (const struct dev_prop *p = class->props; p && p->name; p++) {
                if (!strcmp(p->name, name)) {
                        g_ptr_array_unref(names);
                        return p;
                }
                g_ptr_array_add(names, (gpointer)p->name);
        }
        g_ptr_array_add(names, NULL);
        near = error_nearest_name(name, (const char *const *)names->pdata);
        error_set(error, RHEA_ERROR_USAGE, "%s has no property %s%s%s%s", class->name, name,
                  near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
        g_ptr_array_unref(names);
        return NULL;
}

bool dev_parse_bool(const char *text, bool *value, GError **error)
{
        static const char *const yes[] = {"on", "yes", "true", "y", NULL};
        static const char *const no[] = {"off", "no", "false", "n", NULL};

        *value = g_strv_contains(yes, text);
        if (!*value && !g_strv_contains(no, text))
                return error_set(error, RHEA_ERROR_USAGE, "'%s' is neither on nor off", text);
        return true;
}

bool dev_parse_u64(const char *text, uint64_t *value, GError **error)
{
        char *end;

        errno = 0;
        *value = g_ascii_strtoull(text, &end, 0);
        if (end == text || *end || errno || strchr(text, '-'))
                return error_set(error, RHEA_ERROR_USAGE, "'%s' is not a number", text);
        return true;
}

bool dev_parse_size(const char *text, uint64_t *value, GError **error)
{
        static const char suffixes[] = "BKMGTP";
        const char *suffix;
        char *end;
        unsigned shift = 0;

        errno = 0;
        *value = g_ascii_strtoull(text, &end, 0);
        if (end != text && *end && !end[1] && (suffix = strchr(suffixes, g_ascii_toupper(*end)))) {
                shift = 10 * (suffix - suffixes);
                end++;
        }
        if (end == text || *end || errno || strchr(text, '-') || (*value << shift) >> shift != *value)
                return error_set(error, RHEA_ERROR_USAGE, "'%s' is not a size; write 512M or 4G", text);
        *value <<= shift;
        return true;
}

static bool prop_set_backend(struct dev *d, const struct dev_prop *p, const char *text, GError **error)
{
        void **slot = (void **)((char *)d + p->offset);

        if (p->type == PROP_CHARDEV) {
                struct chardev *c = chardev_find(d->vm, text, error);

                if (!c || !chardev_claim(c, d->id, error))
                        return false;
                *slot = c;
        } else {
                struct block_backend *b = block_find(d->vm, text, error);

                if (!b || !block_claim(b, d->id, error))
                        return false;
                *slot = b;
        }
        return true;
}

static bool prop_set(struct dev *d, const struct dev_prop *p, const char *text, GError **error)
{
        void *slot = (char *)d + p->offset;
        uint64_t v;

        switch (p->type) {
        case PROP_BOOL:
                return dev_parse_bool(text, slot, error);
        case PROP_U32:
                if (!dev_parse_u64(text, &v, error))
                        return false;
                if (v > UINT32_MAX)
                        return error_set(error, RHEA_ERROR_USAGE, "%s does not fit into 32 bits", text);
                *(uint32_t *)slot = v;
                return true;
        case PROP_U64:
                return dev_parse_u64(text, slot, error);
        case PROP_SIZE:
                return dev_parse_size(text, slot, error);
        case PROP_STRING:
                g_free(*(char **)slot);
                *(char **)slot = g_strdup(text);
                return true;
        case PROP_CHARDEV:
        case PROP_DRIVE:
                return prop_set_backend(d, p, text, error);
        }
        return false;
}

static bool prop_set_named(struct dev *d, const char *name, const char *text, GError **error)
{
        const struct dev_prop *p = dev_prop_find(d->class, name, error);

        if (!p)
                return false;
        if (!prop_set(d, p, text, error))
                return error_prefix(error, "property %s", name);
        return true;
}

bool dev_props_set(struct dev *d, const struct dev_setting *settings, unsigned n_settings, GError **error)
{
        size_t class_len = strlen(d->class->name);

        for (const struct dev_prop *p = d->class->props; p && p->name; p++) {
                if (p->default_value && !prop_set(d, p, p->default_value, error))
                        return error_prefix(error, "property %s", p->name);
        }
        for (unsigned i = 0; i < d->vm->n_globals; i++) {
                const struct dev_setting *g = &d->vm->globals[i];

                if (g_str_has_prefix(g->name, d->class->name) && g->name[class_len] == '.' &&
                    !prop_set_named(d, g->name + class_len + 1, g->value, error))
                        return false;
        }
        for (unsigned i = 0; i < n_settings && settings[i].name; i++) {
                if (!prop_set_named(d, settings[i].name, settings[i].value, error))
                        return false;
        }
        return true;
}

void dev_props_clear(struct dev *d)
{
        for (const struct dev_prop *p = d->class->props; p && p->name; p++) {
                void **slot = (void **)((char *)d + p->offset);

                if (p->type == PROP_STRING)
                        g_clear_pointer((char **)slot, g_free);
                else if (p->type == PROP_CHARDEV && *slot)
                        chardev_release(*slot);
                else if (p->type == PROP_DRIVE && *slot)
                        block_release(*slot);
        }
}
