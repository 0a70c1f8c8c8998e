/* SPDX-License-Identifier: MIT */
/* The monitor's x, xp and print: memory and values in gdb's formats. */
#include <string.h>

#include "machines/cpu.h"
#include "ui/debug.h"
#include "ui/monitor/command.h"

enum { MAX_ITEMS = 65536, MAX_INSN = 16 };

struct format {
        uint64_t count;
        char kind;     /* x d u o c s i */
        unsigned size; /* 1 2 4 8 */
};

static bool one_value(struct command_run *r, const char *text, uint64_t *value)
{
        char *end;

        if (*text == '$') {
                if (vcpu_get_reg(command_vcpu(r), text + 1, value))
                        return true;
                g_string_append_printf(r->out, "there is no register '%s'\n", text + 1);
                return false;
        }
        *value = g_ascii_strtoull(text, &end, 0);
        if (end != text && !*end && *text != '-')
                return true;
        g_string_append_printf(r->out, "'%s' is no number and no $register\n", text);
        return false;
}

bool command_value(struct command_run *r, const char *text, uint64_t *value)
{
        char sign = '+';

        *value = 0;
        for (;;) {
                size_t n = strcspn(text, "+-");
                g_autofree char *word = g_strndup(text, n);
                uint64_t v;

                if (!one_value(r, word, &v))
                        return false;
                *value += sign == '+' ? v : -v;
                if (!text[n])
                        return true;
                sign = text[n];
                text += n + 1;
        }
}

/* "/10xw"; what is missing keeps its value. */
static bool parse_format(struct command_run *r, const char *text, struct format *f)
{
        char *end;

        if (g_ascii_isdigit(*++text)) {
                f->count = g_ascii_strtoull(text, &end, 10);
                text = end;
        }
        for (; *text; text++) {
                const char *size = strchr("bhwg", *text);

                if (size) {
                        f->size = 1u << (size - "bhwg");
                } else if (strchr("xduocsi", *text)) {
                        f->kind = *text;
                } else {
                        g_string_append_printf(r->out, "'%c' is no format: x d u o c s i, b h w g\n", *text);
                        return false;
                }
        }
        f->count = MIN(f->count, MAX_ITEMS);
        return true;
}

static void print_value(GString *out, const struct format *f, uint64_t value)
{
        int64_t sign = (int64_t)(value << (64 - 8 * f->size)) >> (64 - 8 * f->size);

        switch (f->kind) {
        case 'd':
                g_string_append_printf(out, "%" PRId64, sign);
                break;
        case 'u':
                g_string_append_printf(out, "%" PRIu64, value);
                break;
        case 'o':
                g_string_append_printf(out, "0%" PRIo64, value);
                break;
        case 'c':
                if (g_ascii_isprint((char)value))
                        g_string_append_printf(out, "'%c'", (char)value);
                else
                        g_string_append_printf(out, "'\\x%02x'", (unsigned)value & 0xff);
                break;
        default:
                g_string_append_printf(out, "0x%0*" PRIx64, 2 * (int)f->size, value);
        }
}

static bool fetch(struct command_run *r, bool physical, uint64_t address, void *buf, size_t len)
{
        return physical ? debug_read_phys(r->vm, address, buf, len)
                        : debug_read(command_vcpu(r), address, buf, len);
}

static void cannot_read(struct command_run *r, uint64_t address)
{
        g_string_append_printf(r->out, "cannot read memory at 0x%" PRIx64 "\n", address);
}

static void examine_values(struct command_run *r, const struct format *f, bool physical, uint64_t address)
{
        unsigned per_line = f->kind == 'c' ? 8 : 16 / f->size;

        for (uint64_t i = 0; i < f->count; i++, address += f->size) {
                uint64_t value = 0;

                if (i % per_line == 0)
                        g_string_append_printf(r->out, "%s%016" PRIx64 ":", i ? "\n" : "", address);
                if (!fetch(r, physical, address, &value, f->size)) {
                        g_string_append_c(r->out, '\n');
                        cannot_read(r, address);
                        return;
                }
                g_string_append_c(r->out, ' ');
                print_value(r->out, f, value);
        }
        g_string_append_c(r->out, '\n');
}

static void examine_string(struct command_run *r, const struct format *f, bool physical, uint64_t address)
{
        for (uint64_t i = 0; i < f->count; i++) {
                char c = 0;

                g_string_append_printf(r->out, "%016" PRIx64 ": \"", address);
                for (unsigned n = 0; n < 4096 && fetch(r, physical, address++, &c, 1) && c; n++) {
                        if (g_ascii_isprint(c))
                                g_string_append_c(r->out, c);
                        else
                                g_string_append_printf(r->out, "\\x%02x", (uint8_t)c);
                }
                g_string_append(r->out, "\"\n");
        }
}

/* As many bytes of an instruction as can be read, of at most MAX_INSN. */
static size_t fetch_insn(struct command_run *r, bool physical, uint64_t address, uint8_t *buf)
{
        size_t n = 0;

        while (n < MAX_INSN && fetch(r, physical, address + n, buf + n, 2))
                n += 2;
        return n;
}

static void examine_insns(struct command_run *r, const struct format *f, bool physical, uint64_t address)
{
        struct vcpu *v = command_vcpu(r);

        for (uint64_t i = 0; i < f->count; i++) {
                uint8_t bytes[MAX_INSN];
                char text[128];
                size_t n = fetch_insn(r, physical, address, bytes), len;

                if (!n) {
                        cannot_read(r, address);
                        return;
                }
                len = v->ops->disas(v->ops->config(v), address, bytes, n, text, sizeof(text));
                if (!len) {
                        len = 2;
                        g_snprintf(text, sizeof(text), ".short 0x%02x%02x", bytes[1], bytes[0]);
                }
                g_string_append_printf(r->out, "%016" PRIx64 ": %s\n", address, text);
                address += len;
        }
}

static void examine(struct command_run *r, bool physical)
{
        struct format f = {1, 'x', 4};
        unsigned at = 1;
        uint64_t address;
        bool ran = debug_hold(r->vm);

        if (r->n_words > 1 && r->words[1][0] == '/' && !parse_format(r, r->words[at++], &f))
                ;
        else if (at >= r->n_words)
                g_string_append(r->out, "an address is missing: x/10i $pc\n");
        else if (!command_value(r, r->words[at], &address))
                ;
        else if (f.kind == 'i')
                examine_insns(r, &f, physical, address);
        else if (f.kind == 's')
                examine_string(r, &f, physical, address);
        else
                examine_values(r, &f, physical, address);
        debug_release(r->vm, ran);
}

void command_x(struct command_run *r)
{
        examine(r, false);
}

void command_xp(struct command_run *r)
{
        examine(r, true);
}

void command_print(struct command_run *r)
{
        struct format f = {1, 'x', 8};
        unsigned at = 1;
        uint64_t value;
        bool ran = debug_hold(r->vm);

        if (r->n_words > 1 && r->words[1][0] == '/' && !parse_format(r, r->words[at++], &f)) {
                /* said why */
        } else if (at >= r->n_words) {
                g_string_append(r->out, "a value is missing: print $pc+4\n");
        } else if (command_value(r, r->words[at], &value)) {
                f.size = 8;
                print_value(r->out, &f, value);
                g_string_append_c(r->out, '\n');
        }
        debug_release(r->vm, ran);
}

void command_gva2gpa(struct command_run *r)
{
        bool ran = debug_hold(r->vm);
        uint64_t gva;
        gpa_t gpa;

        if (r->n_words < 2)
                g_string_append(r->out, "an address is missing\n");
        else if (!command_value(r, r->words[1], &gva))
                ;
        else if (debug_translate(command_vcpu(r), gva, &gpa))
                g_string_append_printf(r->out, "0x%016" PRIx64 "\n", gpa);
        else
                g_string_append(r->out, "not mapped\n");
        debug_release(r->vm, ran);
}
