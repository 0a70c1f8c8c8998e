/* SPDX-License-Identifier: MIT */
/*
 * The follower of a lockstep run: steps one vCPU along the records of a leader and stops at the first
 * difference.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct ring;
struct vcpu;

struct follow {
        struct ring *ring;
        uint64_t max_insns;      /* 0: until the leader ends */
        FILE *report;
        /* results */
        uint64_t insns, interrupts, copied, states, aliases;
        bool differs;
};

/* On the vCPU's own thread. */
void follow_run(struct vcpu *v, struct follow *f);
