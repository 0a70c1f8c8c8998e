/* SPDX-License-Identifier: MIT */
/*
 * Textual IR tests. A file holds tests that begin with "; test: name";
 * the lines after it are IR and, in comments:
 *
 *   ; slot x1 = 5            ; mem 0x10000 = 01 02 03     state before
 *   ; poll                   ; budget 3                   ; fault 2 (that access faults)
 *   ; expect: exit link      ; expect: pc 0x400010        state after; on every engine, optimised or not
 *   ; expect: insn 1         ; expect: slot x2 = 7        ; expect: mem 0x10008 = 2a
 *   ; expect: address 0x5000 ; expect: flags 0x10
 *   ; invalid: words         parser or verifier refuse the region with a message that has these words
 *   ; output:                and lines "; | text": the region after ir_reduce and ir_optimise, as printed;
 *                            written by test-ir --bless, not by hand
 *
 * Addresses: tests/ir/world.h. Numbers are decimal or 0x.
 */
#include "tests/ir/check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "ir/flags.h"

static void test_free(void *p)
{
        struct text_test *t = p;

        g_free(t->name);
        g_strfreev(t->lines);
        g_free(t);
}

GPtrArray *text_load(const char *path, GError **error)
{
        GPtrArray *tests;
        char *all, **parts, *base;

        if (!g_file_get_contents(path, &all, NULL, error))
                return NULL;
        tests = g_ptr_array_new_with_free_func(test_free);
        base = g_path_get_basename(path);
        parts = g_strsplit(all, "; test: ", -1);
        for (char **p = parts + 1; *parts && *p; p++) {
                struct text_test *t = g_new0(struct text_test, 1);

                t->lines = g_strsplit(*p, "\n", -1);
                t->name = g_strdup_printf("%s/%s", base, g_strstrip(t->lines[0]));
                memset(t->lines[0], 0, strlen(t->lines[0])); /* the name is no IR */
                g_ptr_array_add(tests, t);
        }
        g_strfreev(parts);
        g_free(base);
        g_free(all);
        return tests;
}

/* What follows @word in a comment line, or NULL. */
static const char *directive(const char *line, const char *word)
{
        if (!g_str_has_prefix(line, "; ") || !g_str_has_prefix(line + 2, word))
                return NULL;
        line += 2 + strlen(word);
        while (*line == ' ')
                line++;
        return line;
}

static const char *find_directive(const struct text_test *t, const char *word)
{
        for (char **l = t->lines; *l; l++)
                if (directive(*l, word))
                        return directive(*l, word);
        return NULL;
}

/* "name = value" */
static bool parse_slot(const char *s, uint32_t *slot, uint64_t *value)
{
        char name[16];
        char *end;

        if (sscanf(s, "%15s = ", name) != 1 || !strchr(s, '='))
                return false;
        for (*slot = 0; *slot < SLOT_COUNT; (*slot)++)
                if (!strcmp(world_guest.slots[*slot].name, name))
                        break;
        s = strchr(s, '=') + 1;
        while (*s == ' ')
                s++;
        *value = *s == '-' ? -strtoull(s + 1, &end, 0) : strtoull(s, &end, 0);
        if (*slot < SLOT_COUNT && world_guest.slots[*slot].type == IR_FLAGS) /* as a mask */
                *value = ir_flags_make(*value);
        return *slot < SLOT_COUNT;
}

/* "v0 = low high" */
static bool parse_vec(const char *s, uint32_t *slot, struct ir_v128 *value)
{
        unsigned n;

        if (sscanf(s, "v%u = %" SCNx64 " %" SCNx64, &n, &value->w[0], &value->w[1]) != 3)
                return false;
        *slot = SLOT_V0 + n;
        return *slot < SLOT_COUNT;
}

/* "address = byte byte ..."; how many bytes, 0 if it is not that. */
static size_t parse_bytes(const char *s, uint64_t *address, uint8_t *bytes, size_t max)
{
        char *end;
        size_t n = 0;

        *address = strtoull(s, &end, 0);
        s = strchr(end, '=');
        while (s && n < max) {
                unsigned long v = strtoul(++s, &end, 16);

                if (end == s)
                        break;
                bytes[n++] = v;
                s = end - 1;
        }
        return *address >= WORLD_RAM_AT && *address - WORLD_RAM_AT + n <= WORLD_RAM ? n : 0;
}

static bool set_up(const struct text_test *t, struct world *w, GError **error)
{
        world_init(w);
        for (char **l = t->lines; *l; l++) {
                const char *s;
                uint32_t slot;
                uint64_t v;
                uint8_t bytes[64];
                size_t n;

                if ((s = directive(*l, "slot "))) {
                        if (!parse_slot(s, &slot, &v))
                                return error_set(error, RHEA_ERROR_FAILED, "bad line: %s", *l);
                        world_slot_put(w, slot, v);
                } else if ((s = directive(*l, "vec "))) {
                        struct ir_v128 value;

                        if (!parse_vec(s, &slot, &value))
                                return error_set(error, RHEA_ERROR_FAILED, "bad line: %s", *l);
                        world_vec_put(w, slot, value);
                } else if ((s = directive(*l, "mem "))) {
                        n = parse_bytes(s, &v, bytes, sizeof(bytes));
                        if (!n)
                                return error_set(error, RHEA_ERROR_FAILED, "bad line: %s", *l);
                        memcpy(w->ram + (v - WORLD_RAM_AT), bytes, n);
                } else if ((s = directive(*l, "budget "))) {
                        w->budget = strtoll(s, NULL, 0);
                } else if ((s = directive(*l, "fault "))) {
                        w->fault_at = strtoll(s, NULL, 0);
                } else if (directive(*l, "poll")) {
                        w->poll = 1;
                }
        }
        return true;
}

static const char *const exits[IR_EXIT_COUNT] = {
        [IR_EXIT_LOOKUP] = "lookup", [IR_EXIT_EXCEPTION] = "exception", [IR_EXIT_HALT] = "halt",
        [IR_EXIT_POLL] = "poll", [IR_EXIT_BUDGET] = "budget", [IR_EXIT_DEBUG] = "debug",
        [IR_EXIT_EXCLUSIVE] = "exclusive", [IR_EXIT_LINK] = "link", [IR_EXIT_INDIRECT] = "indirect",
        [IR_EXIT_YIELD] = "yield", [IR_EXIT_ONCE] = "once",
};

/* Both are "go on at pc": how is the backend's business. */
static bool exit_is(const char *name, enum ir_exit exit)
{
        if (exit == IR_EXIT_LINK || exit == IR_EXIT_INDIRECT)
                return !strcmp(name, exits[IR_EXIT_LINK]) || !strcmp(name, exits[IR_EXIT_INDIRECT]);
        return !strcmp(name, exits[exit]);
}

static bool expectation_holds(const char *s, const struct world *w)
{
        uint8_t bytes[64];
        uint64_t v;
        uint32_t slot;
        size_t n;

        if (g_str_has_prefix(s, "exit "))
                return exit_is(s + 5, w->exit);
        if (g_str_has_prefix(s, "pc "))
                return w->pc == strtoull(s + 3, NULL, 0);
        if (g_str_has_prefix(s, "insn "))
                return w->insn == strtoull(s + 5, NULL, 0);
        if (g_str_has_prefix(s, "address "))
                return w->fault_address == strtoull(s + 8, NULL, 0);
        if (g_str_has_prefix(s, "flags "))
                return w->fp_flags == strtoull(s + 6, NULL, 0);
        if (g_str_has_prefix(s, "vec ")) {
                struct ir_v128 want, have;

                if (!parse_vec(s + 4, &slot, &want))
                        return false;
                have = world_vec_get(w, slot);
                return !memcmp(&want, &have, sizeof(want));
        }
        if (g_str_has_prefix(s, "mem ")) {
                n = parse_bytes(s + 4, &v, bytes, sizeof(bytes));
                return n && !memcmp(w->ram + (v - WORLD_RAM_AT), bytes, n);
        }
        if (!g_str_has_prefix(s, "slot ") || !parse_slot(s + 5, &slot, &v))
                return false;
        if (world_guest.slots[slot].type == IR_I32 || world_guest.slots[slot].type == IR_F32)
                v = (uint32_t)v;
        return world_slot_get(w, slot) == v;
}

static bool check_run(const struct text_test *t, const struct ir_region *r, const char *form,
                      const struct ir_engine *e, struct world *w, GError **error)
{
        if (!set_up(t, w, error) || !e->run(r, w, error))
                return false;
        while (r->loops && w->exit == IR_EXIT_LINK && w->pc == WORLD_PAGE + r->start_offset)
                if (!e->run(r, w, error)) /* round by round, as far as the region itself does not go round */
                        return false;
        for (char **l = t->lines; *l; l++) {
                const char *s = directive(*l, "expect:");

                if (s && !expectation_holds(s, w))
                        return error_set(error, RHEA_ERROR_FAILED, "%s on %s: not so: %s", form, e->name, s);
        }
        return true;
}

/* On all engines: as expected, and as the first engine ran the first form (@first; filled if not yet). */
static bool check_form(const struct text_test *t, const struct ir_region *r, const char *form,
                       ir_engines engines, struct world *first, bool *have_first, GError **error)
{
        struct world *w = g_new(struct world, 1);
        bool ok = true;

        for (; ok && *engines; engines++) {
                ok = check_run(t, r, form, *engines, w, error);
                if (ok && !*have_first) {
                        *first = *w;
                        *have_first = true;
                } else if (ok) {
                        char *difference = world_difference(first, w);

                        if (difference)
                                ok = error_set(error, RHEA_ERROR_FAILED, "%s on %s differs: %s", form,
                                               (*engines)->name, difference);
                        g_free(difference);
                }
        }
        g_free(w);
        return ok;
}

char *region_text(const struct ir_region *r)
{
        char *text;
        size_t n;
        FILE *f = open_memstream(&text, &n);
        char *copy;

        ir_print(f, r);
        fclose(f);
        copy = g_strdup(text);
        free(text);
        return copy;
}

static struct ir_region *parse_and_verify(struct arena *a, const char *text, GError **error)
{
        struct ir_region *r = ir_parse(a, &world_guest, text, error);

        return r && ir_verify(r, error) ? r : NULL;
}

static bool check_round_trip(struct arena *a, const struct ir_region *r, GError **error)
{
        char *once = region_text(r), *twice = NULL;
        struct ir_region *again = parse_and_verify(a, once, error);
        bool ok = again;

        if (ok) {
                twice = region_text(again);
                if (strcmp(once, twice))
                        ok = error_set(error, RHEA_ERROR_FAILED, "printing what was parsed differs:\n%s\n%s",
                                       once, twice);
        }
        g_free(once);
        g_free(twice);
        return ok;
}

static bool check_invalid(struct arena *a, const char *text, const char *words, GError **error)
{
        GError *e = NULL;
        bool ok;

        if (parse_and_verify(a, text, &e))
                return error_set(error, RHEA_ERROR_FAILED, "this region should be refused: %s", words);
        ok = strstr(e->message, words);
        if (!ok)
                error_set(error, RHEA_ERROR_FAILED, "refused with '%s' instead of '%s'", e->message, words);
        g_error_free(e);
        return ok;
}

/* The text under "; output:", or NULL. */
static char *expected_output(const struct text_test *t)
{
        GString *s;

        if (!find_directive(t, "output:"))
                return NULL;
        s = g_string_new(NULL);
        for (char **l = t->lines; *l; l++)
                if (g_str_has_prefix(*l, "; | "))
                        g_string_append_printf(s, "%s\n", *l + 4);
        return g_string_free(s, FALSE);
}

static bool check_output(const struct text_test *t, const struct ir_region *r, GError **error)
{
        char *want = expected_output(t), *got = region_text(r);
        bool ok = !want || !strcmp(want, got);

        if (!ok)
                error_set(error, RHEA_ERROR_FAILED, "output differs; expected:\n%sgot:\n%s", want, got);
        g_free(want);
        g_free(got);
        return ok;
}

/* The four forms of a test's region: as written, through the builder, and each of these optimised. */
static bool check_forms(struct arena *a, const struct text_test *t, const char *text, ir_engines engines,
                        uint16_t mutant, GError **error)
{
        static const char *const names[4] = {"as written", "optimised", "reduced", "reduced and optimised"};
        struct world *first = g_new0(struct world, 1);
        bool have_first = false, ok = true;

        for (unsigned form = 0; ok && form < 4; form++) {
                struct ir_region *r = parse_and_verify(a, text, error);

                r->mutant = mutant;
                if (form & 2)
                        r = ir_reduce(a, r);
                if (form & 1)
                        ir_optimise(r);
                ok = ir_verify(r, error) && check_round_trip(a, r, error) &&
                     (form != 3 || check_output(t, r, error)) &&
                     check_form(t, r, names[form], engines, first, &have_first, error);
                if (!ok)
                        error_prefix(error, "%s", names[form]);
        }
        g_free(first);
        return ok;
}

bool text_check(const struct text_test *t, ir_engines engines, uint16_t mutant, GError **error)
{
        struct arena *a = arena_new(1 << 16);
        char *text = g_strjoinv("\n", t->lines);
        const char *invalid = find_directive(t, "invalid:");
        bool ok;

        if (invalid)
                ok = check_invalid(a, text, invalid, error);
        else
                ok = parse_and_verify(a, text, error) && check_forms(a, t, text, engines, mutant, error);
        if (!ok)
                error_prefix(error, "%s", t->name);
        g_free(text);
        arena_free(a);
        return ok;
}

/* ---- blessing ---- */

static char *output_now(const struct text_test *t, GError **error)
{
        struct arena *a = arena_new(1 << 16);
        char *text = g_strjoinv("\n", t->lines), *output = NULL;
        struct ir_region *r = parse_and_verify(a, text, error);

        if (r) {
                r = ir_reduce(a, r);
                ir_optimise(r);
                output = region_text(r);
        }
        g_free(text);
        arena_free(a);
        return output;
}

static bool bless_test(const struct text_test *t, GString *out, GError **error)
{
        const char *name = strchr(t->name, '/') + 1;

        g_string_append_printf(out, "; test: %s\n", name);
        for (char **l = t->lines + 1; *l; l++) {
                char *now, **lines;

                if (g_str_has_prefix(*l, "; | "))
                        continue;
                g_string_append_printf(out, l[1] ? "%s\n" : "%s", *l);
                if (!directive(*l, "output:"))
                        continue;
                now = output_now(t, error);
                if (!now)
                        return false;
                lines = g_strsplit(g_strchomp(now), "\n", -1);
                for (char **k = lines; *k; k++)
                        g_string_append_printf(out, "; | %s\n", *k);
                g_strfreev(lines);
                g_free(now);
        }
        return true;
}

bool text_bless(const char *path, GError **error)
{
        GPtrArray *tests = text_load(path, error);
        char *all = NULL, *head;
        GString *out;
        bool ok = true;

        if (!tests || !g_file_get_contents(path, &all, NULL, error))
                return false;
        head = strstr(all, "; test: ");
        out = g_string_new_len(all, head ? head - all : (gssize)strlen(all));
        for (guint k = 0; ok && k < tests->len; k++)
                ok = bless_test(tests->pdata[k], out, error);
        if (ok && strcmp(out->str, all))
                ok = g_file_set_contents(path, out->str, out->len, error);
        g_string_free(out, TRUE);
        g_ptr_array_unref(tests);
        g_free(all);
        return ok;
}
