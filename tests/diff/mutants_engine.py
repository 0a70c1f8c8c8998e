# SPDX-License-Identifier: MIT
"""
What scripts/mutants breaks in what both new guests asked of the IR and the x86-64 backend: flags, fields and
vectors. (file, text that stands there once, what replaces it, where it should show first). The last is `ir`
for tests/ir and tests/codegen, or a guest with a row of its decode table, and `interp` where the JIT does not do it.
"""

MUTANTS = (
    # evaluation
    ('ir/eval_flags.c', '(((a ^ r) & (b ^ r)) >> (w - 1) & 1 ? IR_FLAG_V : 0)', '(((a ^ r) | (b ^ r)) >> (w - 1) & 1 ? IR_FLAG_V : 0)', 'ir'),
    ('ir/eval_flags.c', 'borrows = (~a & b) | ((~a | b) & r);', 'borrows = (~a & b) | ((~a & b) & r);', 'x86 sbb interp'),
    ('ir/eval_flags.c', 'case IR_FL_LEU: holds = c || z; break;', 'case IR_FL_LEU: holds = c; break;', 'x86 setcc interp'),
    ('ir/eval_flags.c', 'return n ? lo >> n | hi << (w - n) : lo;', 'return n ? lo >> n | hi << (w - n - 1) : lo;', 'ir'),
    ('ir/vec.c', 'case IR_OP_vtrne: return (n & ~1u) + (n & 1) * count;', 'case IR_OP_vtrne: return n + (n & 1) * count;', 'arm trn1 interp'),
    ('ir/vec.c', 'case IR_OP_vshufhi: return n < 4 ? n : 4 + (imm >> 2 * (n - 4) & 3);', 'case IR_OP_vshufhi: return n < 4 ? n : 4 + (imm >> 2 * (n & 1) & 3);', 'x86 pshufhw interp'),
    ('ir/vec.c', 'return n ^ (per_group - 1);', 'return n ^ 1;', 'arm rev64_v interp'),
    ('ir/vec.c', 'args[1].w[0] < 255 ? args[1].w[0] : 255;', 'args[1].w[0] & 255;', 'x86 psllw interp'),
    ('ir/vec.c', 'if (!b->r->raw && i->op == IR_OP_vput && i->imm == 0 && ir_lane_of(i) == lane &&',
     'if (!b->r->raw && i->op == IR_OP_vput && ir_lane_of(i) == lane &&', 'ir'),
    # the plan for flags
    ('backend/flagplan.c', 'if (!p->t->reader_keeps(i, &p->ins[n], reader->cond))\n                                return;', '', 'ir'),
    ('backend/flagplan.c', '} else if (reader->pair || !p->t->keeps(i)) {', '} else if (reader->pair) {', 'ir'),
    ('backend/flagplan.c', 'return i->op != IR_OP_fl_adc && i->op != IR_OP_fl_sbc && p->t->tells(p->r, i, cond);', 'return p->t->tells(p->r, i, cond);', 'ir'),
    ('backend/flagplan.c', 'if (p->plan[k].pair || !p->t->keeps(i))', 'if (p->plan[k].pair)', 'ir'),
    ('backend/flagplan.c', 'return p->want[f->arg[0]].uses == 1 ? f->arg[0] : 0;', 'return f->arg[0];', 'ir'),
    ('backend/flagplan.c', 'return i->cond == IR_EQ ? t->cond ^ 1 : t->cond;', 'return t->cond;', 'ir'),
    ('backend/flagplan.c', 'if (value->type != (w == 64 ? IR_I64 : IR_I32) || w < 32)', 'if (w < 32)', 'ir'),
    ('backend/flagplan.c', 'i->op != IR_OP_neg && flag_same_sum(p->r, i, &p->ins[n])', 'flag_same_sum(p->r, i, &p->ins[n])', 'ir'),
    # the backend
    ('backend/x86_64/flags.c', '!(need & IR_FLAG_A)', 'true', 'x86 sub'),
    ('backend/x86_64/flags.c', '(i->aux & IR_FL_NOT_C) && (need & IR_FLAG_C)', '(i->aux & IR_FL_NOT_C) && false', 'arm adds_imm'),
    ('backend/x86_64/flags.c', 'if (plan->cond == IR_FL_NC)\n                invert_carry(e);', '', 'arm adcs'),
    ('backend/x86_64/flags.c', 'if (cond >= IR_FL_LES)\n                x86_alu_imm(&e->a, ALU_AND, false, SCRATCH, IR_WORD_N);', '', 'ir'),
    ('backend/x86_64/flags.c', 'if (is_fcmp_by_sign(from) && (cond & ~1) == IR_FL_Z) {', 'if (false) {', 'ir'),
    ('backend/x86_64/flags.c', '{{CC_B, -1}, {CC_E, 0}, {CC_P, 2}}', '{{CC_B, -1}, {CC_P, 2}, {CC_E, 0}}', 'arm fcmp'),
    ('backend/x86_64/flags.c', 'if ((flags->aux & IR_FL_WIDTH) != (wide(value) ? 64 : 32))\n                        return false;', '', 'x86 and'),
    ('backend/x86_64/flags.c', 'x86_shift_imm(&e->a, sign ? SH_SAR : SH_SHR, w, d, full - len);', 'x86_shift_imm(&e->a, SH_SHR, w, d, full - len);', 'arm sbfm'),
    ('backend/x86_64/flags.c', 'x86_rr(&e->a, X86_OP(0, 1, 0xad) | x86_w(w), hi, SCRATCH);', 'x86_rr(&e->a, X86_OP(0, 1, 0xad) | x86_w(true), hi, SCRATCH);', 'ir'),
    ('backend/x86_64/vector.c', 'shift_imm(e, P66(0x71), 6, FSCRATCH, FSCRATCH, 8);', 'shift_imm(e, P66(0x71), 6, FSCRATCH, FSCRATCH, 7);', 'arm mul_v'),
    ('backend/x86_64/thunks.c', '0xffu >> n : 0x80u >> n;', '0xffu >> n : 0x40u >> n;', 'arm sshr_vi'),
    ('backend/x86_64/vector.c', 'n = kind == SHIFT_SIGN ? w - 1 : w;', 'n = w - 1;', 'x86 psrlw'),
    ('backend/x86_64/vector.c', 'op3_mem(e, P66(0xef), FSCRATCH, y, m);', 'op3(e, P66(0x6f), FSCRATCH, 0, y), (void)m;', 'arm cmhi_v'),
    ('backend/x86_64/vector.c', 'op3(e, P66(0xdf), FSCRATCH, m, y);', 'op3(e, P66(0xdb), FSCRATCH, m, y);', 'arm bsl_v'),
)
