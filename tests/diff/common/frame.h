/* SPDX-License-Identifier: MIT */
/*
 * What the comparison guests share: parameters, random values, rows of a decode table and their fields, and
 * the frame around cases, which prints a hash for each chunk of them. All randomness comes from the
 * parameters, so that two emulators run the same cases.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t u64;
typedef int64_t s64;
typedef uint32_t u32;
typedef uint16_t u16;
typedef uint8_t u8;

#define BIT(n) (1ull << (n))

/* ---- parameters: the script writes them into a copy of the program, found by their first word ---- */

#define PARAMS_MAGIC 0x736d617261705644ull
struct params {
        u64 magic;
        u64 seed;
        u64 part;                  /* the guest's enum part */
        u64 first_unit, last_unit; /* rows of the decode table, or what the part counts */
        u64 first_chunk, n_chunks;
        u64 n_words;               /* instructions or sequences a chunk */
        u64 n_sets;                /* operand sets for each */
        u64 trace;                 /* print each case's hash */
        u64 verbose;               /* the case to print in full, ~0: none */
};
extern volatile struct params params;

/* ---- rows (rows.h is made from the decode table); names of fields and classes are the guest's ---- */

struct field {
        u8 name, n_bits, is_signed, shift, add, width;
        u8 bits[8][2]; /* high, low; the most significant first */
};
struct row {
        u32 mask, match;
        u8 length, cls, size_log2;
        u8 precision; /* of FP sources: 's', 'd' or 0 */
        u8 address;   /* how an access is addressed, if the guest has several ways */
        u8 n_fields, n_excludes;
        u8 not_in_sequences;
        const struct field *fields;
        const u32 (*excludes)[2];
};
extern const struct row rows[];
extern const unsigned n_rows;

const struct field *row_field(const struct row *r, unsigned name);
s64 field_get(const struct field *f, u32 word);
u32 field_set(const struct field *f, u32 word, u64 value);
bool row_excludes(const struct row *r, u32 word);

/* ---- random values (values.c) ---- */

void rnd_seed(u64 a, u64 b, u64 c);
u64 rnd(void);
static inline unsigned rnd_below(unsigned n) { return (u32)(rnd() >> 33) % n; }
static inline bool rnd_one_in(unsigned n) { return rnd_below(n) == 0; }
u64 rnd_int(void);               /* biased integers */
u64 rnd_number(unsigned exp_bits, unsigned frac_bits); /* biased floating-point numbers */
u64 rnd_float(unsigned precision); /* 's' in a box of 64 bits, or 'd' */
bool is_among(unsigned value, const u8 *values, unsigned n);
/*
 * An offset in the 16 data pages, by the bits of @r: likely in one that can be used, at its ends, or aligned.
 */
u64 data_offset(u64 r, unsigned size_log2, unsigned tail_mask, bool aligned_mostly);

/* ---- cases (frame.c) ---- */

void case_mix(u64 value);
void case_mix_words(const u64 *values, unsigned n); /* the same, one after the other */
void case_end(void);
bool case_wanted(void);                 /* is this the case to print? */
void say(const char *what, u64 value);  /* a named word of the case to print, else nothing */
void say_numbered(const char *what, unsigned n, u64 value);
void say_insn(u64 pc, u32 word);
void say_memory(u64 address, u64 value);

void print(const char *s);
void print_hex(u64 v);
void print_dec(u64 v);
void expect(const char *what, u64 got, u64 want); /* a line if they differ */

/* ---- what the guest supplies ---- */

void guest_put_char(char c);
void guest_init(void);
void guest_chunk_begin(void);
bool guest_chunk_run(unsigned part, unsigned unit); /* false: there is nothing to compare */
u64 guest_chunk_hash(u64 h);            /* with all memory that cases may have changed */
void guest_say_after(void);             /* the state at the end of the case to print */

void frame_main(void);                  /* all of it; the guest's entry calls this */
