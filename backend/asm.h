/* SPDX-License-Identifier: MIT */
/*
 * Where the assemblers of all hosts write. Nothing here checks for room: callers keep free what one IR
 * instruction may come to.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct asm_out {
        uint8_t *p;         /* next byte */
        uint8_t *start;     /* of what is being emitted */
        int64_t exec_delta; /* add to a writable address for the executable one */
        bool too_far;       /* a branch did not reach: what was emitted is worthless */
};

static inline void asm_u8(struct asm_out *a, uint8_t v)
{
        *a->p++ = v;
}

static inline void asm_u32(struct asm_out *a, uint32_t v)
{
        memcpy(a->p, &v, 4);
        a->p += 4;
}

static inline void asm_u64(struct asm_out *a, uint64_t v)
{
        memcpy(a->p, &v, 8);
        a->p += 8;
}

static inline const uint8_t *asm_exec(const struct asm_out *a, const uint8_t *rw)
{
        return rw + a->exec_delta;
}
