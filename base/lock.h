/* SPDX-License-Identifier: MIT */
/*
 * Mutexes with ranks (decision 24): a thread takes them in rising order only. Builds with assertions check it
 * and print a critical message on a violation. They are plain GMutexes; the wrappers also tell
 * ThreadSanitizer, which cannot look into GLib, what is ordered with what.
 */
#pragma once

#include <glib.h>

#if defined(__SANITIZE_THREAD__)
#define LOCK_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define LOCK_TSAN 1
#endif
#endif

#ifdef LOCK_TSAN
#include <sanitizer/tsan_interface.h>
#define lock_order_send(p) __tsan_release((void *)(p))
#define lock_order_receive(p) __tsan_acquire((void *)(p))
#else
/*
 * What a thread did before send happens before what another does after receive of the same address; the
 * ordering itself is made by some GLib call between the two (a thread pool, a main context).
 */
#define lock_order_send(p) ((void)(p))
#define lock_order_receive(p) ((void)(p))
#endif

enum lock_rank {
        LOCK_OUTER,  /* machine-wide work that calls into devices */
        LOCK_DEVICE, /* one device's state */
        LOCK_FABRIC, /* buses, address-space writers, back ends */
        LOCK_INTC,   /* interrupt controllers */
        LOCK_ENGINE, /* code cache, revocation */
        LOCK_RUN,    /* run loop and clocks */
        LOCK_LEAF,   /* nothing is taken inside */
        LOCK_RANKS
};

#ifndef NDEBUG
void lock_check_take(enum lock_rank rank);
void lock_check_drop(enum lock_rank rank);
#else
static inline void lock_check_take(enum lock_rank rank) { (void)rank; }
static inline void lock_check_drop(enum lock_rank rank) { (void)rank; }
#endif

static inline void lock_take(GMutex *m, enum lock_rank rank)
{
        lock_check_take(rank);
        g_mutex_lock(m);
        lock_order_receive(m);
}

static inline void lock_drop(GMutex *m, enum lock_rank rank)
{
        lock_order_send(m);
        g_mutex_unlock(m);
        lock_check_drop(rank);
}

static inline void lock_wait(GCond *cond, GMutex *m)
{
        lock_order_send(m);
        g_cond_wait(cond, m);
        lock_order_receive(m);
}

/* False when g_get_monotonic_time() passed @end_us. */
static inline gboolean lock_wait_until(GCond *cond, GMutex *m, gint64 end_us)
{
        gboolean woken;

        lock_order_send(m);
        woken = g_cond_wait_until(cond, m, end_us);
        lock_order_receive(m);
        return woken;
}
