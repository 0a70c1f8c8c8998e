/* SPDX-License-Identifier: MIT */
/*
 * The execution log behind -d and -D, and the rate-limited count of guest mistakes. One struct log hangs from
 * each struct vm; any thread may write to it, whole lines at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <glib.h>

enum log_item {
        LOG_IN_ASM = 1 << 0,
        LOG_OP = 1 << 1,
        LOG_OP_OPT = 1 << 2,
        LOG_OUT_ASM = 1 << 3,
        LOG_EXEC = 1 << 4,
        LOG_INT = 1 << 5,
        LOG_MMU = 1 << 6,
        LOG_UNIMP = 1 << 7,
        LOG_GUEST_ERRORS = 1 << 8,
        LOG_CPU = 1 << 9,
        LOG_NOCHAIN = 1 << 10,
        LOG_TRACE = 1 << 11,
        LOG_STATS = 1 << 12,
};

struct log;

struct log *log_new(void);
void log_free(struct log *log);

/* Parses a -d list ("in_asm,int"); "help" is the caller's business. */
bool log_parse_items(const char *list, uint32_t *mask, GError **error);

/* Prints the items with one line of doc each. */
void log_print_items(FILE *to);

void log_set_mask(struct log *log, uint32_t mask);
bool log_open_file(struct log *log, const char *path, GError **error);

/* -dfilter ranges "START..END", "START+LEN", "START-LEN", comma-separated. Empty means everything. */
bool log_set_filter(struct log *log, const char *ranges, GError **error);
bool log_in_filter(const struct log *log, uint64_t guest_addr);

/* The first field of struct log, so that the test costs one load. */
static inline bool log_on(const struct log *log, uint32_t item)
{
        return __atomic_load_n((const uint32_t *)log, __ATOMIC_RELAXED) & item;
}

void log_printf(struct log *log, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/* Between these two, the calling thread's log_printf calls come out together. */
void log_lock(struct log *log);
void log_unlock(struct log *log);

/* A guest's mistake: always counted, logged under guest_errors at no more than 10 lines a second. */
void log_guest_error(struct log *log, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
uint64_t log_guest_error_count(const struct log *log);
