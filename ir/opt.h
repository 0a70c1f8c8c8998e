/* SPDX-License-Identifier: MIT */
/*
 * The passes of ir_optimise. Each works on a complete region in place.
 */
#pragma once

#include "ir/ir.h"

void ir_opt_lookup(struct ir_region *r);
void ir_opt_loop(struct ir_region *r);
void ir_opt_flags(struct ir_region *r);
void ir_opt_dead(struct ir_region *r);

/* ---- values of the end of a block, by what slots hold then (express.c) ---- */

enum { EXPRESS_SPARES = 2 };

struct ir_builder;

struct express {
        struct ir_region *r;
        struct ir_builder *b;
        ir_ref first, end;      /* the block */
        const ir_ref *final;    /* by slot: the put that holds at the end, the get of what is not put; or 0 */
        bool halves;            /* a slot tells the value of 32 bits whose extension it holds, too */
        /*
         * values that no slot tells, and that whoever leaves the block has to put into the guest's spare
         * slots
         */
        ir_ref spare[EXPRESS_SPARES];
        unsigned n_spare, max_spare;
};

/* Value @v of the block, built where the builder stands; or 0. */
ir_ref ir_express(struct express *x, ir_ref v);
