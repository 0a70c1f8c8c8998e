/* SPDX-License-Identifier: MIT */
/*
 * The rank check of lock.h: a count of held locks for each rank and thread. Debugging state only, so that it
 * may be thread-local (decision 23 names the exceptions that carry behaviour).
 */
#include "base/lock.h"

#ifndef NDEBUG

static __thread unsigned char held[LOCK_RANKS];

void lock_check_take(enum lock_rank rank)
{
        for (unsigned r = rank; r < LOCK_RANKS; r++) {
                if (held[r])
                        g_critical("lock of rank %d taken while one of rank %u is held", rank, r);
        }
        held[rank]++;
}

void lock_check_drop(enum lock_rank rank)
{
        held[rank]--;
}

#endif
