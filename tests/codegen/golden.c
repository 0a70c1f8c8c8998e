/* SPDX-License-Identifier: MIT */
/*
 * Golden host code: a change of what a region costs shows as a difference to bless. Addresses outside the
 * region depend on where the thunks lie, and offsets of struct vcpu_hot on what else is in a vCPU: they are
 * written as "thunk", "pool" (or "literal") and "hot".
 */
#include "tests/codegen/golden.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "machines/core/vcpu.h"
#include "tests/codegen/engine.h"

/*
 * One line of print_code with what depends on the layout replaced; labels are offsets from the region's
 * start.
 */
#ifdef __aarch64__
static void add_line(GString *to, const char *line)
{
        const char *text = strstr(line, ":  "), *vcpu = strstr(line, "[x28, #"), *target;
        char *end = NULL;
        uint64_t at;

        if (text && !strncmp(text + 3, ".quad", 5)) {
                g_string_append_printf(to, "%.*s.quad literal\n", (int)(text + 3 - line), line);
                return;
        }
        target = text && (text[3] == 'b' || !strncmp(text + 3, "cb", 2) || !strncmp(text + 3, "tb", 2))
                         ? strstr(text, "#0xffff") : NULL;
        if (target) {
                g_string_append_printf(to, "%.*sthunk\n", (int)(target - line), line);
                return;
        }
        at = vcpu ? g_ascii_strtoull(vcpu + 7, &end, 0) : 0;
        if (!vcpu)
                g_string_append_printf(to, "%s\n", line);
        else if (at < offsetof(struct vcpu, state))
                g_string_append_printf(to, "%.*s[x28, #hot%s\n", (int)(vcpu - line), line, end);
        else
                g_string_append_printf(to, "%.*s[x28, #state + 0x%x%s\n", (int)(vcpu - line), line,
                                       (unsigned)(at - offsetof(struct vcpu, state)), end);
}
#else
static void add_line(GString *to, const char *line)
{
        const char *text = strstr(line, ":  "), *rip = strstr(line, "[rip "), *hot = strstr(line, "- 0x");
        bool branch = text && (!strncmp(text + 3, "j", 1) || !strncmp(text + 3, "call", 4));
        const char *target = branch ? strstr(text, "0x") : NULL;

        if (target && strlen(target) > 8 && !strchr(target, ']'))
                g_string_append_printf(to, "%.*sthunk\n", (int)(target - line), line);
        else if (rip && strstr(line, "- 0x"))
                g_string_append_printf(to, "%.*s[pool]\n", (int)(rip - line), line);
        /* struct vcpu_hot: below -0x100 */
        else if (hot && strstr(line, "[rbp ") && strchr(hot, ']') > hot + 6)
                g_string_append_printf(to, "%.*s- hot%s\n", (int)(hot - line), line, strchr(hot, ']'));
        else
                g_string_append_printf(to, "%s\n", line);
}
#endif

/* The code of the region in @ir, without the no-ops that fill up its end. */
static char *code_of(const char *ir, GError **error)
{
        struct arena *a = arena_new(1 << 14);
        struct ir_region *r = ir_parse(a, &world_guest, ir, error);
        GString *code = g_string_new(NULL);
        char *text, **lines;
        unsigned n;

        if (!r || !ir_verify(r, error)) {
                arena_free(a);
                g_string_free(code, TRUE);
                return NULL;
        }
        text = host_code_text(r, &n);
        lines = g_strsplit(g_strchomp(text), "\n", -1);
        n = g_strv_length(lines);
        while (n && strstr(lines[n - 1], "nop"))
                n--;
        g_string_append_printf(code, "; code: %u instructions\n", n);
        for (unsigned k = 0; k < n; k++)
                add_line(code, lines[k]);
        g_strfreev(lines);
        free(text);
        arena_free(a);
        return g_string_free(code, FALSE);
}

/* One test: its text from after "; test: " to the next one. Appends what it should be to @out. */
static bool check_one(const char *test, GString *out, GError **error)
{
        char *code = strstr(test, "\n; code:"), *name = g_strndup(test, strcspn(test, "\n")), *ir, *now;
        const char *body = test + strlen(name);

        ir = code ? g_strndup(body, code + 1 - body) : g_strdup(body);
        g_strchomp(ir);
        now = code_of(ir, error);
        if (!now)
                error_prefix(error, "%s", name);
        else
                g_string_append_printf(out, "; test: %s%s\n%s\n", name, ir, now);
        g_free(name);
        g_free(ir);
        g_free(now);
        return now != NULL;
}

bool golden_text(const char *path, const char *now, bool bless, GError **error)
{
        char *text = NULL;
        unsigned at = 0, line = 1;
        bool ok;

        if (bless)
                return g_file_set_contents(path, now, -1, error);
        ok = g_file_get_contents(path, &text, NULL, error);
        if (ok && strcmp(now, text)) {
                for (; now[at] == text[at]; at++)
                        line += text[at] == '\n';
                while (at && now[at - 1] != '\n')
                        at--;
                ok = error_set(error, RHEA_ERROR_USAGE, "%s, line %u: it is now: %.*s (--bless takes it)",
                               path, line, (int)strcspn(now + at, "\n"), now + at);
        }
        g_free(text);
        return ok;
}

bool golden_check(const char *path, bool bless, GError **error)
{
        GString *out = g_string_new(NULL);
        char *text = NULL, **tests;
        bool ok = g_file_get_contents(path, &text, NULL, error);

        tests = g_strsplit(ok ? text : "", "; test: ", -1);
        if (ok)
                g_string_append(out, tests[0]);
        for (unsigned n = 1; ok && tests[n]; n++)
                ok = check_one(tests[n], out, error);
        ok = ok && golden_text(path, out->str, bless, error);
        g_strfreev(tests);
        g_free(text);
        g_string_free(out, TRUE);
        return ok;
}
