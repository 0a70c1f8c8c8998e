/* SPDX-License-Identifier: MIT */
/* What the monitor's commands share. */
#pragma once

#include <stdint.h>

#include "machines/core/vcpu.h"
#include "machines/core/vm.h"

/* One command that runs; words[0] is its name, a "/format" glued to it is words[1]. */
struct command_run {
        struct vm *vm;
        unsigned cpu;        /* the current vCPU */
        GString *out;
        char **words;
        unsigned n_words;
};

struct command {
        const char *name, *alias, *args, *doc;
        void (*fn)(struct command_run *r);
};

static inline struct vcpu *command_vcpu(const struct command_run *r)
{
        return r->vm->vcpus[r->cpu];
}

/* info.c: the list ends with a row of zeros */
extern const struct command info_commands[];
/* examine.c */
void command_x(struct command_run *r);
void command_xp(struct command_run *r);
void command_print(struct command_run *r);
void command_gva2gpa(struct command_run *r);
/* A number, $register, or a sum of them; false: the reason is in r->out. */
bool command_value(struct command_run *r, const char *text, uint64_t *value);
