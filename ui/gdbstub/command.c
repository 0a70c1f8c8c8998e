/* SPDX-License-Identifier: MIT */
/*
 * What gdb asks: registers, memory, breakpoints, running and stopping. Threads are vCPUs, numbered from 1.
 * While gdb looks at the machine it is paused; breakpoints belong to the VM and are taken out when gdb goes.
 *
 * A step is made of the asked-for vCPU alone: the others stand still meanwhile, and interrupts wait. Either
 * all vCPUs are told to go on or one, as gdb does to get over a breakpoint by way of another behind it.
 * Breakpoints are not written to memory, so Z0 and Z1 are the same thing. A watchpoint stops behind the
 * instruction that made the access. Several vCPUs may hit one at once: those whose stop was not told yet are
 * told when gdb lets the machine go on, before it does.
 */
#include <inttypes.h>
#include <string.h>

#include "machines/core/engine.h"
#include "machines/cpu.h"
#include "ui/debug.h"
#include "ui/gdbstub/gdb_priv.h"
#include "ui/monitor/monitor.h"

enum { SIG_INT = 2, SIG_TRAP = 5, MAX_GENERAL_REGS = 64, MAX_WATCHPOINTS = 256 };

static void send_error(struct gdbstub *g)
{
        gdb_send_text(g, "E01");
}

static void send_result(struct gdbstub *g, bool ok)
{
        gdb_send_text(g, ok ? "OK" : "E01");
}

/* ---- threads ---- */

static unsigned thread_id(const struct vcpu *v)
{
        return v->index + 1;
}

/* 0 and -1, any and all, mean the current one. */
static struct vcpu *find_thread(struct gdbstub *g, const char **text)
{
        uint64_t n;

        if (!strncmp(*text, "-1", 2)) {
                *text += 2;
                return g->current;
        }
        if (!gdb_hex_number(text, &n) || n > g->vm->n_vcpus)
                return NULL;
        return n ? g->vm->vcpus[n - 1] : g->current;
}

static void send_stop(struct gdbstub *g, int signal)
{
        static const char *const kinds[] = {
                [VM_WATCH_WRITE] = "watch", [VM_WATCH_READ] = "rwatch",
                [VM_WATCH_READ | VM_WATCH_WRITE] = "awatch",
        };
        struct vcpu *v = g->stopped;
        g_autofree char *text = g_strdup_printf("T%02xthread:%x;", signal, thread_id(v));

        if (v->watch_hit.kinds) {
                g_autofree char *plain = g_steal_pointer(&text);

                text = g_strdup_printf("%s%s:%" PRIx64 ";", plain, kinds[v->watch_hit.kinds],
                                       v->watch_hit.gva);
                v->watch_hit.kinds = 0;
        }
        g->running = false;
        g->current = v;
        gdb_send_text(g, text);
}

/* ---- running and stopping ---- */

/* @only, or all if it is NULL. */
static void let_run(struct gdbstub *g, const struct vcpu *only)
{
        for (unsigned i = 0; i < g->vm->n_vcpus; i++) {
                struct vcpu *v = g->vm->vcpus[i];

                if (v->watch_hit.kinds && (!only || v == only)) {
                        g->stopped = v;
                        send_stop(g, SIG_TRAP);
                        return;
                }
        }
        g->running = true;
        vm_hold_others(g->vm, only);
        vm_resume(g->vm);
}

void gdb_interrupt(struct gdbstub *g)
{
        if (!g->running)
                return;
        vm_pause(g->vm);
        send_stop(g, SIG_INT);
}

void gdb_debug_stopped(struct vm *vm, struct vcpu *v)
{
        struct gdbstub *g = vm->debugger;

        if (!g->running || !(v->stopped_by_debugger || v->watch_hit.kinds)) {
                /* another vCPU's stop was told first; this one will arrive here again */
                if (g->running)
                        vm_resume(vm);
                return;
        }
        g->stopped = v;
        send_stop(g, SIG_TRAP);
}

static void step_one(struct gdbstub *g, struct vcpu *v)
{
        v->watch_hit.kinds = 0;
        debug_step(v);
        g->stopped = v;
        /*
         * What was executed may have asked the machine to end: the main loop will see to it. So it does to a
         * reset, before the next packet, and the machine stays stopped.
         */
        if (atomic_load(&g->vm->request) == VM_REQ_NONE ||
            (atomic_load(&g->vm->request) == VM_REQ_RESET && !g->vm->no_reboot))
                send_stop(g, SIG_TRAP);
        else
                g->running = true;
}

/*
 * ";c", ";s:1;c", ";C05:2": the first action that fits a thread is its own. If any steps, that one alone
 * does; else just one goes on if just that is named, and all of them otherwise.
 */
static void vcont(struct gdbstub *g, const char *actions)
{
        struct vcpu *only = NULL;
        unsigned named = 0, unnamed = 0;

        while (*actions == ';') {
                char letter = *++actions, action = g_ascii_tolower(letter);
                struct vcpu *v = g->current;
                bool names = false;
                uint64_t signal;

                actions += letter ? 1 : 0;
                if (letter != action && !gdb_hex_number(&actions, &signal)) /* upper case: with a signal */
                        break;
                if (*actions == ':') {
                        names = strncmp(++actions, "-1", 2) != 0;
                        v = find_thread(g, &actions);
                }
                if (!v || (action != 's' && action != 'c'))
                        break;
                if (action == 's') {
                        step_one(g, v);
                        return;
                }
                only = v;
                named += names;
                unnamed += !names;
        }
        if ((named || unnamed) && !*actions)
                let_run(g, named == 1 && !unnamed ? only : NULL);
        else
                send_error(g);
}

/* c and s, with an optional address; C and S, with a signal that guests do not have. */
static void old_continue(struct gdbstub *g, const char *args, bool step, bool signal)
{
        uint64_t value;

        if (signal) {
                if (!gdb_hex_number(&args, &value)) {
                        send_error(g);
                        return;
                }
                args += *args == ';' ? 1 : 0;
        }
        if (*args) {
                uint64_t words[CPU_REG_WORDS] = {0};

                if (!gdb_hex_number(&args, &words[0]) || *args ||
                    !debug_reg_set(g->current, vcpu_reg_find(g->current, "pc"), words)) {
                        send_error(g);
                        return;
                }
        }
        if (step)
                step_one(g, g->current);
        else
                let_run(g, NULL);
}

/* ---- registers ---- */

static void append_reg(GString *s, struct vcpu *v, const struct cpu_reg *r)
{
        uint64_t value[CPU_REG_WORDS];

        debug_reg_get(v, r, value);
        for (unsigned i = 0; i < CPU_REG_WORDS; i++)
                value[i] = GUINT64_TO_LE(value[i]);
        gdb_hex_append(s, value, r->bits / 8);
}

static void read_all_regs(struct gdbstub *g)
{
        const struct cpu_reg *regs[MAX_GENERAL_REGS];
        unsigned n = gdb_general_regs(g->current->ops, regs, MAX_GENERAL_REGS);
        g_autoptr(GString) s = g_string_new(NULL);

        for (unsigned i = 0; i < n; i++)
                append_reg(s, g->current, regs[i]);
        gdb_send_text(g, s->str);
}

static bool put_reg(struct vcpu *v, const struct cpu_reg *r, const char *hex)
{
        uint64_t value[CPU_REG_WORDS] = {0};

        if (!gdb_hex_bytes(hex, value, r->bits / 8))
                return false;
        for (unsigned i = 0; i < CPU_REG_WORDS; i++)
                value[i] = GUINT64_FROM_LE(value[i]);
        return debug_reg_set(v, r, value);
}

static void write_all_regs(struct gdbstub *g, const char *hex)
{
        const struct cpu_reg *regs[MAX_GENERAL_REGS];
        unsigned n = gdb_general_regs(g->current->ops, regs, MAX_GENERAL_REGS);
        bool ok = true;

        for (unsigned i = 0; i < n && ok && *hex; i++) {
                unsigned digits = regs[i]->bits / 4;
                g_autofree char *one = g_strndup(hex, digits);

                ok = strlen(one) == digits && put_reg(g->current, regs[i], one);
                hex += strlen(one);
        }
        send_result(g, ok);
}

static void read_reg(struct gdbstub *g, const char *args)
{
        g_autoptr(GString) s = g_string_new(NULL);
        const struct cpu_reg *r;
        uint64_t n;

        if (!gdb_hex_number(&args, &n) || *args || !(r = gdb_find_reg(g->current->ops, n))) {
                send_error(g);
                return;
        }
        append_reg(s, g->current, r);
        gdb_send_text(g, s->str);
}

static void write_reg(struct gdbstub *g, const char *args)
{
        const struct cpu_reg *r;
        uint64_t n;

        if (!gdb_hex_number(&args, &n) || *args++ != '=' || !(r = gdb_find_reg(g->current->ops, n)))
                send_error(g);
        else
                send_result(g, put_reg(g->current, r, args));
}

/* ---- memory ---- */

/* "address,length" and then @end; lengths are limited to what a packet holds. */
static bool parse_range(const char **args, char end, uint64_t *address, uint64_t *len)
{
        if (!gdb_hex_number(args, address) || *(*args)++ != ',' || !gdb_hex_number(args, len) ||
            **args != end)
                return false;
        *args += end ? 1 : 0;
        return *len <= GDB_PACKET_MAX / 2 && *address + *len >= *address;
}

static void read_memory(struct gdbstub *g, const char *args)
{
        g_autoptr(GString) s = g_string_new(NULL);
        uint8_t buf[GDB_PACKET_MAX / 2];
        uint64_t address, len;

        if (!parse_range(&args, '\0', &address, &len) || !debug_read(g->current, address, buf, len)) {
                send_error(g);
                return;
        }
        gdb_hex_append(s, buf, len);
        gdb_send_text(g, s->str);
}

static void write_memory(struct gdbstub *g, const char *args, const char *end, bool binary)
{
        uint8_t buf[GDB_PACKET_MAX / 2];
        uint64_t address, len;
        bool ok = parse_range(&args, ':', &address, &len);

        if (ok && binary) {
                ok = (uint64_t)(end - args) == len;
                if (ok)
                        memcpy(buf, args, len);
        } else if (ok) {
                ok = gdb_hex_bytes(args, buf, len);
        }
        send_result(g, ok && debug_write(g->current, address, buf, len));
}

/* ---- breakpoints ---- */

static struct gdb_breakpoint *find_breakpoint(struct gdbstub *g, gva_t gva)
{
        for (guint i = 0; i < g->breakpoints->len; i++) {
                struct gdb_breakpoint *b = &g_array_index(g->breakpoints, struct gdb_breakpoint, i);

                if (b->gva == gva)
                        return b;
        }
        return NULL;
}

static void breakpoint_insert(struct gdbstub *g, gva_t gva, unsigned kind)
{
        struct gdb_breakpoint *b = find_breakpoint(g, gva), fresh = {gva, kind};

        if (b) {
                b->kinds |= kind;
        } else {
                g_array_append_val(g->breakpoints, fresh);
                vm_breakpoint_add(g->vm, gva);
        }
}

static void breakpoint_remove(struct gdbstub *g, gva_t gva, unsigned kind)
{
        struct gdb_breakpoint *b = find_breakpoint(g, gva);

        if (!b)
                return;
        b->kinds &= ~kind;
        if (b->kinds)
                return;
        g_array_remove_index_fast(g->breakpoints,
                                  b - &g_array_index(g->breakpoints, struct gdb_breakpoint, 0));
        vm_breakpoint_remove(g->vm, gva);
}

/* "address,length" of a watchpoint of gdb's type @type. */
static void watchpoint_packet(struct gdbstub *g, char type, const char *args, bool insert)
{
        static const unsigned kinds[] = {VM_WATCH_WRITE, VM_WATCH_READ, VM_WATCH_READ | VM_WATCH_WRITE};
        struct vm_watchpoint w = {.kinds = kinds[type - '2']};

        if (!gdb_hex_number(&args, &w.gva) || *args++ != ',' || !gdb_hex_number(&args, &w.len) || *args ||
            !w.len || w.gva + w.len - 1 < w.gva || (insert && g->vm->watchpoints->len >= MAX_WATCHPOINTS)) {
                send_error(g);
                return;
        }
        /* twice the same is once, as with breakpoints */
        if (insert)
                vm_watchpoint_add(g->vm, &w);
        else
                vm_watchpoint_remove(g->vm, &w);
        gdb_send_text(g, "OK");
}

static void watchpoints_clear(struct gdbstub *g)
{
        while (g->vm->watchpoints->len) {
                struct vm_watchpoint w = g_array_index(g->vm->watchpoints, struct vm_watchpoint, 0);

                vm_watchpoint_remove(g->vm, &w);
        }
        for (unsigned i = 0; i < g->vm->n_vcpus; i++)
                g->vm->vcpus[i]->watch_hit.kinds = 0;
}

static void breakpoints_clear(struct gdbstub *g)
{
        while (g->breakpoints->len)
                breakpoint_remove(g, g_array_index(g->breakpoints, struct gdb_breakpoint, 0).gva, ~0u);
}

static void breakpoint_packet(struct gdbstub *g, const char *args, bool insert)
{
        enum { MAX_BREAKPOINTS = 1024 };
        char type = *args;
        uint64_t gva, kind;

        if (type >= '2' && type <= '4' && args[1] == ',') {
                watchpoint_packet(g, type, args + 2, insert);
                return;
        }
        if ((type != '0' && type != '1') || args[1] != ',') {
                send_error(g);
                return;
        }
        args += 2;
        if (!gdb_hex_number(&args, &gva) || *args++ != ',' || !gdb_hex_number(&args, &kind) ||
            (insert && g->breakpoints->len >= MAX_BREAKPOINTS)) {
                send_error(g);
                return;
        }
        if (insert)
                breakpoint_insert(g, gva, 1u << (type - '0'));
        else
                breakpoint_remove(g, gva, 1u << (type - '0'));
        gdb_send_text(g, "OK");
}

/* ---- queries ---- */

static void send_threads(struct gdbstub *g, bool first)
{
        g_autoptr(GString) s = g_string_new("m");

        if (first)
                g->next_thread = 0;
        if (g->next_thread >= g->vm->n_vcpus) {
                gdb_send_text(g, "l");
                return;
        }
        for (unsigned i = 0; i < 64 && g->next_thread < g->vm->n_vcpus; i++, g->next_thread++)
                g_string_append_printf(s, "%s%x", i ? "," : "", g->next_thread + 1);
        gdb_send_text(g, s->str);
}

static void send_thread_info(struct gdbstub *g, const char *args)
{
        struct vcpu *v = find_thread(g, &args);
        g_autoptr(GString) s = g_string_new(NULL);
        g_autofree char *text = NULL;

        if (!v) {
                send_error(g);
                return;
        }
        text = g_strdup_printf("vCPU %u%s", v->index, v->halted ? ", waits for an interrupt" : "");
        gdb_hex_append(s, text, strlen(text));
        gdb_send_text(g, s->str);
}

/* "target.xml:offset,length" */
static void send_features(struct gdbstub *g, const char *args)
{
        static const char annex[] = "target.xml:";
        g_autoptr(GString) s = g_string_new(NULL);
        uint64_t offset, len, total;

        if (strncmp(args, annex, strlen(annex))) {
                gdb_send_text(g, "E00");
                return;
        }
        args += strlen(annex);
        if (!g->target_xml)
                g->target_xml = gdb_target_xml(g->vm->vcpus[0]->ops);
        total = strlen(g->target_xml);
        if (!gdb_hex_number(&args, &offset) || *args++ != ',' || !gdb_hex_number(&args, &len) || *args ||
            offset > total) {
                send_error(g);
                return;
        }
        len = MIN(MIN(len, GDB_PACKET_MAX / 2 - 8), total - offset);
        g_string_append_c(s, offset + len == total ? 'l' : 'm');
        g_string_append_len(s, g->target_xml + offset, len);
        gdb_send(g, s->str, s->len);
}

/* gdb's "monitor" command: the monitor's, in hex both ways. */
static void run_monitor(struct gdbstub *g, const char *hex)
{
        size_t n = strlen(hex) / 2;
        g_autofree char *line = g_malloc0(n + 1), *answer = NULL;

        if (!gdb_hex_bytes(hex, line, n)) {
                send_error(g);
                return;
        }
        g->monitor_cpu = g->current->index;
        answer = monitor_run(g->vm, &g->monitor_cpu, line);
        for (size_t at = 0, len = strlen(answer); at < len; at += n) {
                g_autoptr(GString) s = g_string_new("O");

                n = MIN(len - at, GDB_PACKET_MAX / 2 - 8);
                gdb_hex_append(s, answer + at, n);
                gdb_send_text(g, s->str);
        }
        gdb_send_text(g, "OK");
}

static void query(struct gdbstub *g, const char *q)
{
        static const char extra[] = "ThreadExtraInfo,", features[] = "Xfer:features:read:";
        static const char command[] = "Rcmd,";

        if (g_str_has_prefix(q, "Supported")) {
                g_autofree char *text = g_strdup_printf("PacketSize=%x;qXfer:features:read+;vContSupported+;"
                                                        "QStartNoAckMode+", GDB_PACKET_MAX);

                gdb_send_text(g, text);
        } else if (!strcmp(q, "C")) {
                g_autofree char *text = g_strdup_printf("QC%x", thread_id(g->current));

                gdb_send_text(g, text);
        } else if (!strcmp(q, "fThreadInfo") || !strcmp(q, "sThreadInfo")) {
                send_threads(g, *q == 'f');
        } else if (g_str_has_prefix(q, extra)) {
                send_thread_info(g, q + strlen(extra));
        } else if (g_str_has_prefix(q, features)) {
                send_features(g, q + strlen(features));
        } else if (g_str_has_prefix(q, command)) {
                run_monitor(g, q + strlen(command));
        } else if (g_str_has_prefix(q, "Attached")) {
                gdb_send_text(g, "1");
        } else {
                gdb_send_text(g, "");
        }
}

/* ---- packets ---- */

static void select_thread(struct gdbstub *g, const char *args)
{
        const char *id = args + 1;
        struct vcpu *v = *args ? find_thread(g, &id) : NULL;

        if (!v) {
                send_error(g);
                return;
        }
        if (*args == 'g')
                g->current = v;
        gdb_send_text(g, "OK");
}

static void detach(struct gdbstub *g)
{
        gdb_send_text(g, "OK");
        g->close = true;
}

static void kill_machine(struct gdbstub *g, bool answer)
{
        if (answer)
                gdb_send_text(g, "OK");
        vm_request(g->vm, VM_REQ_EXIT_CODE, 0);
}

static void v_packet(struct gdbstub *g, const char *body)
{
        if (!strcmp(body, "vCont?"))
                gdb_send_text(g, "vCont;c;C;s;S");
        else if (g_str_has_prefix(body, "vCont"))
                vcont(g, body + 5);
        else if (g_str_has_prefix(body, "vKill"))
                kill_machine(g, true);
        else
                gdb_send_text(g, "");
}

void gdb_handle(struct gdbstub *g, const char *body, size_t len)
{
        const char *args = body + 1;

        if (g->running)
                return; /* gdb must wait for the stop, or interrupt */
        if (atomic_load(&g->vm->state) != VM_PAUSED)
                vm_pause(g->vm); /* somebody let it go on behind gdb's back */
        switch (*body) {
        case '?':
                send_stop(g, SIG_TRAP);
                break;
        case 'g':
                read_all_regs(g);
                break;
        case 'G':
                write_all_regs(g, args);
                break;
        case 'p':
                read_reg(g, args);
                break;
        case 'P':
                write_reg(g, args);
                break;
        case 'm':
                read_memory(g, args);
                break;
        case 'M':
        case 'X':
                write_memory(g, args, body + len, *body == 'X');
                break;
        case 'c':
        case 's':
        case 'C':
        case 'S':
                old_continue(g, args, g_ascii_tolower(*body) == 's', g_ascii_isupper(*body));
                break;
        case 'Z':
        case 'z':
                breakpoint_packet(g, args, *body == 'Z');
                break;
        case 'H':
                select_thread(g, args);
                break;
        case 'T':
                send_result(g, find_thread(g, &args) != NULL);
                break;
        case 'D':
                detach(g);
                break;
        case 'k':
                kill_machine(g, false);
                break;
        case 'q':
                query(g, args);
                break;
        case 'Q':
                if (!strcmp(args, "StartNoAckMode")) {
                        gdb_send_text(g, "OK");
                        g->no_ack = true;
                } else {
                        gdb_send_text(g, "");
                }
                break;
        case 'v':
                v_packet(g, body);
                break;
        default:
                gdb_send_text(g, "");
        }
}

/* ---- coming and going ---- */

void gdb_connected(struct gdbstub *g)
{
        vm_pause(g->vm);
        g->state = GDB_IDLE;
        g->no_ack = g->running = g->close = false;
        g->current = g->stopped = g->vm->vcpus[0];
        g_clear_pointer(&g->last, g_free);
}

void gdb_disconnected(struct gdbstub *g)
{
        if (g->running)
                vm_pause(g->vm);
        breakpoints_clear(g);
        watchpoints_clear(g);
        vm_hold_others(g->vm, NULL);
        g->running = false;
        vm_resume(g->vm);
}

void gdb_exited(struct gdbstub *g, int status)
{
        g_autofree char *text = g_strdup_printf("W%02x", status & 0xff);

        if (g->running)
                gdb_send_text(g, text);
}
