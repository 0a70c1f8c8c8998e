/* SPDX-License-Identifier: MIT */
/*
 * The execution log. The mask is read without a lock on every use; all else is under the log's recursive
 * lock, which log_lock hands out so that several lines come out together. Filters are set before the machine
 * runs.
 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/error.h"

#define GUEST_ERRORS_PER_SECOND 10

struct range {
        uint64_t first, last; /* inclusive */
};

struct log {
        uint32_t mask; /* log_on reads it here */
        FILE *to;
        bool owned;    /* close it at the end */
        GRecMutex lock;
        GArray *filter; /* struct range */
        uint64_t guest_errors;
        int64_t second;      /* the second that the next two count */
        unsigned shown, hidden;
};

static const struct {
        uint32_t item;
        const char *name, *doc;
} items[] = {
        {LOG_IN_ASM, "in_asm", "guest code of each translated block"},
        {LOG_OP, "op", "intermediate representation of each block"},
        {LOG_OP_OPT, "op_opt", "the same after optimisation"},
        {LOG_OUT_ASM, "out_asm", "generated host code"},
        {LOG_EXEC, "exec", "each block that is entered"},
        {LOG_INT, "int", "interrupts and exceptions"},
        {LOG_MMU, "mmu", "address translation: page walks, faults, invalidations"},
        {LOG_UNIMP, "unimp", "what the guest asked for and is not modelled"},
        {LOG_GUEST_ERRORS, "guest_errors",
         "what the guest did against a device's or the architecture's rules"},
        {LOG_CPU, "cpu", "registers before each block"},
        {LOG_NOCHAIN, "nochain", "do not chain blocks, so that exec shows each one"},
        {LOG_TRACE, "trace", "device register accesses"},
        {LOG_STATS, "stats", "counters at the end"},
};

struct log *log_new(void)
{
        struct log *log = g_new0(struct log, 1);

        log->to = stderr;
        g_rec_mutex_init(&log->lock);
        log->filter = g_array_new(FALSE, FALSE, sizeof(struct range));
        return log;
}

void log_free(struct log *log)
{
        if (!log)
                return;
        if (log->owned)
                fclose(log->to);
        g_rec_mutex_clear(&log->lock);
        g_array_free(log->filter, TRUE);
        g_free(log);
}

static const char *nearest_item(const char *name)
{
        const char *names[G_N_ELEMENTS(items) + 1] = {NULL};

        for (size_t i = 0; i < G_N_ELEMENTS(items); i++)
                names[i] = items[i].name;
        return error_nearest_name(name, names);
}

bool log_parse_items(const char *list, uint32_t *mask, GError **error)
{
        char **words = g_strsplit(list, ",", -1);
        bool ok = true;

        *mask = 0;
        for (char **w = words; ok && *w; w++) {
                size_t i = 0;

                while (i < G_N_ELEMENTS(items) && strcmp(items[i].name, *w))
                        i++;
                if (i < G_N_ELEMENTS(items)) {
                        *mask |= items[i].item;
                } else {
                        const char *near = nearest_item(*w);

                        ok = error_set(error, RHEA_ERROR_USAGE, "log item '%s' does not exist; %s%s%s", *w,
                                       near ? "did you mean '" : "-d help lists them", near ? near : "",
                                       near ? "'?" : "");
                }
        }
        g_strfreev(words);
        return ok;
}

void log_print_items(FILE *to)
{
        for (size_t i = 0; i < G_N_ELEMENTS(items); i++)
                fprintf(to, "%-14s %s\n", items[i].name, items[i].doc);
}

void log_set_mask(struct log *log, uint32_t mask)
{
        __atomic_store_n(&log->mask, mask, __ATOMIC_RELAXED);
}

bool log_open_file(struct log *log, const char *path, GError **error)
{
        FILE *f = fopen(path, "w");

        if (!f)
                return error_set(error, RHEA_ERROR_FILE, "cannot write the log to '%s': %s", path,
                                 g_strerror(errno));
        setvbuf(f, NULL, _IOLBF, 0);
        g_rec_mutex_lock(&log->lock);
        if (log->owned)
                fclose(log->to);
        log->to = f;
        log->owned = true;
        g_rec_mutex_unlock(&log->lock);
        return true;
}

static bool parse_number(const char **s, uint64_t *value)
{
        char *end;

        errno = 0;
        *value = g_ascii_strtoull(*s, &end, 0);
        if (end == *s || errno || **s == '-' || **s == '+')
                return false;
        *s = end;
        return true;
}

/* One range; an END, or a length of at least 1, must not run past the ends of the address space. */
static bool parse_range(const char *s, struct range *r)
{
        uint64_t a, b;
        char how;

        if (!parse_number(&s, &a))
                return false;
        if (!strncmp(s, "..", 2)) {
                how = '.';
                s += 2;
        } else {
                how = *s++;
        }
        if ((how != '.' && how != '+' && how != '-') || !parse_number(&s, &b) || *s)
                return false;
        if (how == '.')
                *r = (struct range){a, b};
        else if (b == 0)
                return false;
        else if (how == '+')
                *r = (struct range){a, a + (b - 1)};
        else
                *r = (struct range){a - (b - 1), a};
        return r->first <= r->last;
}

bool log_set_filter(struct log *log, const char *ranges, GError **error)
{
        char **words = g_strsplit(ranges, ",", -1);
        bool ok = true;

        g_array_set_size(log->filter, 0);
        for (char **w = words; ok && *w; w++) {
                struct range r;

                if (parse_range(*w, &r))
                        g_array_append_val(log->filter, r);
                else
                        ok = error_set(
                                error, RHEA_ERROR_USAGE,
                                "'%s' is no address range; write START..END, START+LENGTH or START-LENGTH",
                                *w);
        }
        g_strfreev(words);
        return ok;
}

bool log_in_filter(const struct log *log, uint64_t guest_addr)
{
        if (!log->filter->len)
                return true;
        for (guint i = 0; i < log->filter->len; i++) {
                const struct range *r = &g_array_index(log->filter, struct range, i);

                if (r->first <= guest_addr && guest_addr <= r->last)
                        return true;
        }
        return false;
}

void log_printf(struct log *log, const char *fmt, ...)
{
        va_list ap;

        g_rec_mutex_lock(&log->lock);
        va_start(ap, fmt);
        vfprintf(log->to, fmt, ap);
        va_end(ap);
        g_rec_mutex_unlock(&log->lock);
}

void log_lock(struct log *log)
{
        g_rec_mutex_lock(&log->lock);
}

void log_unlock(struct log *log)
{
        g_rec_mutex_unlock(&log->lock);
}

/* Whether one more line may be shown in this second; tells how many were not. Under the lock. */
static bool guest_error_admit_locked(struct log *log)
{
        int64_t now = g_get_monotonic_time() / G_USEC_PER_SEC;

        if (now != log->second) {
                if (log->hidden)
                        fprintf(log->to, "(%u more guest errors not shown)\n", log->hidden);
                log->second = now;
                log->shown = log->hidden = 0;
        }
        if (log->shown == GUEST_ERRORS_PER_SECOND) {
                log->hidden++;
                return false;
        }
        log->shown++;
        return true;
}

void log_guest_error(struct log *log, const char *fmt, ...)
{
        __atomic_add_fetch(&log->guest_errors, 1, __ATOMIC_RELAXED);
        if (!log_on(log, LOG_GUEST_ERRORS))
                return;
        g_rec_mutex_lock(&log->lock);
        if (guest_error_admit_locked(log)) {
                va_list ap;
                size_t n = strlen(fmt);

                va_start(ap, fmt);
                vfprintf(log->to, fmt, ap);
                va_end(ap);
                if (!n || fmt[n - 1] != '\n')
                        putc('\n', log->to);
        }
        g_rec_mutex_unlock(&log->lock);
}

uint64_t log_guest_error_count(const struct log *log)
{
        return __atomic_load_n(&log->guest_errors, __ATOMIC_RELAXED);
}
