/* SPDX-License-Identifier: MIT */
/*
 * What the files of the gdb stub share. The protocol is in "Debugging with GDB", appendix E. Everything here
 * is the main thread's; nothing that arrives is trusted.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "frontend/cpu.h"
#include "ui/gdbstub/gdbstub.h"

enum { GDB_PACKET_MAX = 0x4000 /* bytes between $ and #, both ways */, GDB_OUT_MAX = 1 << 20 };

/* Where the reader is in the stream. */
enum gdb_state { GDB_IDLE, GDB_BODY, GDB_SUM1, GDB_SUM2 };

struct gdb_breakpoint {
        gva_t gva;
        unsigned kinds; /* bit 0: Z0, bit 1: Z1 */
};

struct gdbstub {
        struct vm *vm;
        /* server.c */
        int listen_fd, fd;
        GSource *listen_source, *source;
        gpointer tag;
        GByteArray *out;
        char *unlink_path;
        /* packet.c */
        enum gdb_state state;
        GByteArray *body;
        uint8_t sum, sum_given;
        bool overlong, no_ack;
        char *last; /* the last packet sent, in case gdb asks for it again */
        /* command.c */
        struct vcpu *current;      /* Hg: whose registers and memory */
        struct vcpu *stopped;      /* who stopped last */
        bool running;              /* gdb waits for a stop reply */
        bool close;                /* after the answer */
        unsigned next_thread;      /* of qsThreadInfo */
        unsigned monitor_cpu;
        GArray *breakpoints;       /* struct gdb_breakpoint */
        char *target_xml;
};

/* server.c */
void gdb_send_raw(struct gdbstub *g, const void *data, size_t len);
/* packet.c */
void gdb_take_byte(struct gdbstub *g, uint8_t byte);
/* Frames and sends @body, of @len bytes, which may be binary. */
void gdb_send(struct gdbstub *g, const char *body, size_t len);
void gdb_send_text(struct gdbstub *g, const char *text);
void gdb_hex_append(GString *to, const void *data, size_t len);
/* Decodes exactly @len bytes; false if @hex is anything but that many pairs of digits. */
bool gdb_hex_bytes(const char *hex, void *data, size_t len);
/* A hex number; *text moves behind it. False if there is none, or more than 64 bits. */
bool gdb_hex_number(const char **text, uint64_t *value);
/* command.c */
void gdb_connected(struct gdbstub *g);
void gdb_disconnected(struct gdbstub *g);
void gdb_handle(struct gdbstub *g, const char *body, size_t len);
void gdb_interrupt(struct gdbstub *g);
void gdb_exited(struct gdbstub *g, int status);
void gdb_debug_stopped(struct vm *vm, struct vcpu *v);
/* target.c */
char *gdb_target_xml(const struct cpu_ops *ops);
const struct cpu_reg *gdb_find_reg(const struct cpu_ops *ops, uint64_t number);
/* The registers of a g packet: those of the first feature, by number. */
unsigned gdb_general_regs(const struct cpu_ops *ops, const struct cpu_reg **regs, unsigned max);
