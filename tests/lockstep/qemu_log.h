/* SPDX-License-Identifier: MIT */
/*
 * What QEMU writes with "-d cpu,fpu" and one instruction a block, as states: all registers before each
 * instruction. It is the one output of QEMU that has x86's flags in between instructions.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { LOG_MAX_FIELDS = 80 };

/* A field of the log: "NAME=value", or two values of which the first is the high half (or not). */
enum log_shape { LOG_ONE, LOG_HIGH_LOW, LOG_LOW_HIGH };

struct log_field {
        const char *name;
        const char *reg;        /* ours; NULL: it is compared otherwise, or not */
        enum log_shape shape;
        uint64_t mask;          /* bits that are compared; 0: all */
};

/* Of a guest; the program counter's field begins the table. */
struct log_format {
        const char *guest;
        const char *first;      /* text that begins a state */
        const struct log_field *fields;
        unsigned n_fields;
};

struct log_state {
        uint64_t value[LOG_MAX_FIELDS][2];
        bool known[LOG_MAX_FIELDS];
};

struct log_reader {
        const struct log_format *format;
        FILE *from;
        char *line;             /* the first of the next state, read already */
        size_t size;
        bool have_line;
};

extern const struct log_format log_aarch64, log_x86_64;

/* False at the end. Fields that the log leaves out are not known. */
bool log_read(struct log_reader *r, struct log_state *to);
