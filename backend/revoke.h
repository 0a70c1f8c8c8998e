/* SPDX-License-Identifier: MIT */
/*
 * The revocation ring (decision 14): the one way in which a thread withdraws what other vCPUs have cached. An
 * event gets a sequence number; each vCPU serves the events in order at polls and when it enters, and
 * publishes how far it came in vcpu.revoke_seen. An event is complete when every vCPU has served it or is
 * outside. docs/memory.md.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "machines/core/engine.h"

struct runtime;
struct vcpu;

/* What an event withdraws. */
enum revoke_reason {
        REVOKE_NOTHING = 0,     /* only the acknowledgement counts */
        REVOKE_WRITE = 1 << 0,  /* direct stores to one host page: it holds code now, or a watched line */
        REVOKE_REGION = 1 << 1, /* one region's door in jump caches, and return stacks */
        REVOKE_JUMPS = 1 << 2,  /* all of the jump caches and return stacks */
        REVOKE_TLB = 1 << 3,    /* as a TLB flush says */
        REVOKE_MAP = 1 << 4,    /* the physical memory map changed: everything */
};

struct revoke_event {
        uint32_t reasons;
        uint32_t flush;       /* REVOKE_TLB: enum tlb_flush */
        /* REVOKE_WRITE: the page's host address; the address of its word of code_lines */
        uint64_t host, lines;
        uint64_t door;        /* REVOKE_REGION */
        /* REVOKE_REGION: the door's offset in its page; REVOKE_TLB: the guest address */
        uint64_t where;
        uint64_t space;       /* REVOKE_TLB */
};

enum { REVOKE_RING = 4096 };

struct revoke_ring {
        _Atomic uint64_t head; /* sequence number of the latest event; written under runtime.lock */
        struct revoke_event events[REVOKE_RING]; /* under runtime.lock */
};

/* Appends an event; its sequence number. Returns at once: the event completes later. runtime.lock is held. */
uint64_t revoke_post_locked(struct runtime *rt, const struct revoke_event *ev);

/* The same with the lock taken here. A vCPU that calls this serves it at its next poll. */
uint64_t revoke_post(struct runtime *rt, const struct revoke_event *ev);

/* If the calling thread is a vCPU of this VM: it looks at the ring at its next poll. */
void revoke_kick_self(struct runtime *rt);

/*
 * Serves what this vCPU has not seen. Its own thread, between two stays in generated code: within one,
 * lookups may be in registers, and what they grant must not be declared withdrawn.
 */
void revoke_serve_slow(struct vcpu *v);

/* Has every vCPU served @seq, or is it outside? */
bool revoke_complete(struct runtime *rt, uint64_t seq);

/* The highest number that is complete. */
uint64_t revoke_completed(struct runtime *rt);

/* Tells those that have not served @seq to do so at their next poll. */
void revoke_hurry(struct runtime *rt, uint64_t seq);

/*
 * Waits until @seq is complete, serving the queue of the calling vCPU (NULL: none) meanwhile. No lock is
 * held; not from within generated code.
 */
void revoke_wait(struct runtime *rt, struct vcpu *v, uint64_t seq);

/*
 * Copies events (from, to] that are still in the ring, at most @max; how many, or -1 if some were
 * overwritten.
 */
int revoke_copy(struct runtime *rt, uint64_t from, uint64_t to, struct revoke_event *events, int max);
