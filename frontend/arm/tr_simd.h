/* SPDX-License-Identifier: MIT */
/*
 * What the translators of vector instructions share (tr_simd*.c).
 */
#pragma once

#include "frontend/arm/translate.h"

/* The lower halves of both, x below y. */
ir_ref simd_concat(struct tctx *t, ir_ref x, ir_ref y);
ir_ref simd_ones(struct tctx *t);
ir_ref simd_zero(struct tctx *t);
/* A constant in all lanes. */
ir_ref simd_splat(struct tctx *t, enum ir_lane lane, uint64_t value);
/* The vector, or (not q) its lower half with zeros above. */
ir_ref simd_sel_lane(struct tctx *t, bool q, ir_ref v);
/* The lowest lane with zeros above. */
ir_ref simd_lowest(struct tctx *t, enum ir_lane lane, ir_ref v);
/* FPSR.QC becomes 1 if the two differ. */
void simd_note_saturation(struct tctx *t, ir_ref saturated, ir_ref wrapped);
/* Even and odd lanes of x followed by y, of their lower halves if not q: then the upper halves repeat. */
void simd_pairs(struct tctx *t, bool q, enum ir_lane lane, ir_ref x, ir_ref y, ir_ref *even, ir_ref *odd);
