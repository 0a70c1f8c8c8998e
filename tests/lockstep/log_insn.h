/* SPDX-License-Identifier: MIT */
/* What following a leader must know of an instruction, by guest. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vcpu;

enum { LOG_INSN_BYTES = 16, LOG_INSN_TAKEN = 4 };

struct log_insn {
        uint64_t pc;
        uint8_t bytes[LOG_INSN_BYTES];
        unsigned n_bytes;        /* that could be read */
        bool alone;              /* not within a block that is run as a whole */
        bool repeated;           /* x86: an instruction that may leave pc as it is */
        uint32_t undefined;      /* flags that have no defined value behind it */
        bool any_result;         /* the manual leaves the result open: the leader's counts */
        const char *taken[LOG_INSN_TAKEN]; /* get what no specification fixes: time, the CPU's maker */
};

/* Fills what follows from the bytes, the registers before it, and where the leader went on. */
void log_insn_aarch64(struct vcpu *v, struct log_insn *i, uint64_t rcx, uint64_t next);
void log_insn_x86_64(struct vcpu *v, struct log_insn *i, uint64_t rcx, uint64_t next);
