/* SPDX-License-Identifier: MIT */
/*
 * A bytecode interpreter: a register machine with 32-bit instructions, dispatched by one switch. It runs a
 * sieve, a recursive Fibonacci and a Collatz search written in its own bytecode. An unpredictable indirect
 * jump every ten or so instructions, as in any language runtime.
 */
#include "bench.h"

enum opcode {
        HALT, SET, MOVE, ADD, SUB, ADDI, MUL, AND, SHR, LOAD, STORE,
        JUMP, JLT, JEQ, JNE, CALL, RET, PUSH, POP,
};

#define OP(op, a, b, c) ((uint32_t)(op) | (a) << 8 | (b) << 16 | (uint32_t)(uint8_t)(c) << 24)

#define SIEVE 2000

static uint64_t memory[SIEVE], stack[256];

/* r0 is zero throughout; r1 counts primes below SIEVE. */
static const uint32_t sieve_code[] = {
        OP(SET, 2, 0, 2),               /*  0: candidate = 2 */
        OP(SET, 3, 0, 125),             /*  1: limit = 125 * 16 */
        OP(SET, 4, 0, 16),
        OP(MUL, 3, 3, 4),
        OP(MOVE, 5, 0, 0),              /*  4: clear */
        OP(STORE, 0, 5, 0),             /*  5: memory[r5] = r0 */
        OP(ADDI, 5, 5, 1),
        OP(JLT, 5, 3, -2),              /*  7: to 5 */
        OP(SET, 1, 0, 0),
        OP(LOAD, 6, 2, 0),              /*  9: outer */
        OP(JNE, 6, 0, 8),               /* 10: composite, to 18 */
        OP(ADDI, 1, 1, 1),
        OP(ADD, 7, 2, 2),
        OP(SET, 8, 0, 1),
        OP(JUMP, 0, 0, 3),              /* 14: to 17 */
        OP(STORE, 8, 7, 0),             /* 15: memory[r7] = 1 */
        OP(ADD, 7, 7, 2),
        OP(JLT, 7, 3, -2),              /* 17: to 15 */
        OP(ADDI, 2, 2, 1),              /* 18 */
        OP(JLT, 2, 3, -10),             /* 19: to 9 */
        OP(HALT, 1, 0, 0),
};

static const uint32_t fib_code[] = {
        OP(SET, 2, 0, 17),              /*  0: argument */
        OP(SET, 3, 0, 2),
        OP(CALL, 0, 0, 2),              /*  2: to 4 */
        OP(HALT, 1, 0, 0),
        OP(MOVE, 1, 2, 0),              /*  4: fib(r2) in r1 */
        OP(JLT, 2, 3, 11),              /*  5: to 16 */
        OP(PUSH, 2, 0, 0),
        OP(ADDI, 2, 2, -1),
        OP(CALL, 0, 0, -4),             /*  8: to 4 */
        OP(POP, 2, 0, 0),
        OP(PUSH, 1, 0, 0),
        OP(ADDI, 2, 2, -2),
        OP(CALL, 0, 0, -8),             /* 12: to 4 */
        OP(POP, 4, 0, 0),
        OP(ADD, 1, 1, 4),
        OP(RET, 0, 0, 0),
        OP(RET, 0, 0, 0),               /* 16 */
};

static const uint32_t collatz_code[] = {
        OP(SET, 2, 0, 1),               /*  0: start */
        OP(SET, 3, 0, 100),
        OP(ADD, 3, 3, 3),
        OP(SET, 4, 0, 1),
        OP(SET, 5, 0, 3),
        OP(MOVE, 6, 2, 0),              /*  5: n = start */
        OP(JEQ, 6, 4, 9),               /*  6: to 15 */
        OP(ADDI, 1, 1, 1),
        OP(AND, 7, 6, 4),
        OP(JEQ, 7, 0, 4),               /*  9: even, to 13 */
        OP(MUL, 6, 6, 5),
        OP(ADDI, 6, 6, 1),
        OP(JUMP, 0, 0, -6),             /* 12: to 6 */
        OP(SHR, 6, 6, 4),               /* 13 */
        OP(JUMP, 0, 0, -8),             /* 14: to 6 */
        OP(ADDI, 2, 2, 1),              /* 15 */
        OP(JLT, 2, 3, -11),             /* 16: to 5 */
        OP(HALT, 1, 0, 0),
};

static uint64_t execute(const uint32_t *pc)
{
        uint64_t r[16] = {0}, *sp = stack;

        for (;;) {
                uint32_t word = *pc;
                unsigned a = word >> 8 & 15, b = word >> 16 & 15;
                int c = (int32_t)word >> 24;

                switch ((enum opcode)(word & 255)) {
                case HALT: return r[a];
                case SET: r[a] = c; break;
                case MOVE: r[a] = r[b]; break;
                case ADD: r[a] = r[b] + r[c & 15]; break;
                case SUB: r[a] = r[b] - r[c & 15]; break;
                case ADDI: r[a] = r[b] + c; break;
                case MUL: r[a] = r[b] * r[c & 15]; break;
                case AND: r[a] = r[b] & r[c & 15]; break;
                case SHR: r[a] = r[b] >> (r[c & 15] & 63); break;
                case LOAD: r[a] = memory[r[b] % SIEVE]; break;
                case STORE: memory[r[b] % SIEVE] = r[a]; break;
                case JUMP: pc += c; continue;
                case JLT: pc += r[a] < r[b] ? c : 1; continue;
                case JEQ: pc += r[a] == r[b] ? c : 1; continue;
                case JNE: pc += r[a] != r[b] ? c : 1; continue;
                case CALL: *sp++ = (uintptr_t)(pc + 1); pc += c; continue;
                case RET: pc = (const uint32_t *)(uintptr_t)*--sp; continue;
                case PUSH: *sp++ = r[a]; break;
                case POP: r[a] = *--sp; break;
                }
                pc++;
        }
}

static uint64_t run(uint64_t size)
{
        uint64_t sum = 0;

        for (uint64_t round = 0; round < size; round++) {
                sum = bench_mix(sum, execute(sieve_code));
                sum = bench_mix(sum, execute(fib_code));
                sum = bench_mix(sum, execute(collatz_code));
        }
        return sum;
}

BENCH_PROGRAM(interp, "indirect", 300, run);
