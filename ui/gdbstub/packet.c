/* SPDX-License-Identifier: MIT */
/* Packets of gdb's remote protocol: $body#sum, acknowledged by + or refused by - until both agree not to. */
#include <string.h>

#include "ui/gdbstub/gdb_priv.h"

void gdb_hex_append(GString *to, const void *data, size_t len)
{
        const uint8_t *p = data;

        for (size_t i = 0; i < len; i++)
                g_string_append_printf(to, "%02x", p[i]);
}

bool gdb_hex_bytes(const char *hex, void *data, size_t len)
{
        uint8_t *p = data;

        for (size_t i = 0; i < len; i++) {
                int high = g_ascii_xdigit_value(hex[2 * i]);
                int low = high < 0 ? -1 : g_ascii_xdigit_value(hex[2 * i + 1]);

                if (low < 0)
                        return false;
                p[i] = high << 4 | low;
        }
        return !hex[2 * len];
}

bool gdb_hex_number(const char **text, uint64_t *value)
{
        const char *p = *text;

        *value = 0;
        for (; g_ascii_isxdigit(*p); p++) {
                if (*value >> 60)
                        return false;
                *value = *value << 4 | g_ascii_xdigit_value(*p);
        }
        if (p == *text)
                return false;
        *text = p;
        return true;
}

/* ---- out ---- */

static void send_framed(struct gdbstub *g, const char *framed)
{
        gdb_send_raw(g, framed, strlen(framed));
}

void gdb_send(struct gdbstub *g, const char *body, size_t len)
{
        GString *s = g_string_sized_new(len + 8);
        uint8_t sum = 0;

        /* zero bytes are escaped too, which the protocol allows: packets stay strings */
        g_string_append_c(s, '$');
        for (size_t i = 0; i < len; i++) {
                if (!body[i] || strchr("$#}*", body[i])) {
                        g_string_append_c(s, '}');
                        g_string_append_c(s, body[i] ^ 0x20);
                } else {
                        g_string_append_c(s, body[i]);
                }
        }
        for (size_t i = 1; i < s->len; i++)
                sum += (uint8_t)s->str[i];
        g_string_append_printf(s, "#%02x", sum);
        g_free(g->last);
        g->last = g_string_free(s, FALSE);
        send_framed(g, g->last);
}

void gdb_send_text(struct gdbstub *g, const char *text)
{
        gdb_send(g, text, strlen(text));
}

/* ---- in ---- */

/* Undoes the escapes in place. */
static size_t unescape(uint8_t *body, size_t len)
{
        size_t out = 0;

        for (size_t i = 0; i < len; i++) {
                if (body[i] == '}' && i + 1 < len)
                        body[out++] = body[++i] ^ 0x20;
                else
                        body[out++] = body[i];
        }
        return out;
}

static void packet_done(struct gdbstub *g)
{
        bool good = g->no_ack || (g->sum == g->sum_given && !g->overlong);
        size_t len;

        g->state = GDB_IDLE;
        if (!g->no_ack)
                gdb_send_raw(g, good ? "+" : "-", 1);
        if (!good || g->overlong)
                return;
        len = unescape(g->body->data, g->body->len);
        g_byte_array_set_size(g->body, len);
        g_byte_array_append(g->body, (const uint8_t *)"", 1);
        gdb_handle(g, (const char *)g->body->data, len);
}

static void idle_byte(struct gdbstub *g, uint8_t byte)
{
        switch (byte) {
        case '$':
                g->state = GDB_BODY;
                g->sum = 0;
                g->overlong = false;
                g_byte_array_set_size(g->body, 0);
                break;
        case '+':
                g_clear_pointer(&g->last, g_free);
                break;
        case '-':
                if (g->last && !g->no_ack)
                        send_framed(g, g->last);
                break;
        case 3: /* Ctrl-C */
                gdb_interrupt(g);
                break;
        }
}

void gdb_take_byte(struct gdbstub *g, uint8_t byte)
{
        switch (g->state) {
        case GDB_IDLE:
                idle_byte(g, byte);
                break;
        case GDB_BODY:
                if (byte == '#') {
                        g->state = GDB_SUM1;
                        break;
                }
                g->sum += byte;
                if (g->body->len < GDB_PACKET_MAX)
                        g_byte_array_append(g->body, &byte, 1);
                else
                        g->overlong = true;
                break;
        case GDB_SUM1:
                g->sum_given = g_ascii_isxdigit(byte) ? g_ascii_xdigit_value(byte) << 4 : 0;
                g->state = GDB_SUM2;
                break;
        case GDB_SUM2:
                g->sum_given |= g_ascii_isxdigit(byte) ? g_ascii_xdigit_value(byte) : 0;
                packet_done(g);
                break;
        }
}
