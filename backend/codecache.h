/* SPDX-License-Identifier: MIT */
/*
 * The code cache of a VM: regions found by their key, listed by the guest pages that they were made from,
 * linked to one another, and dropped when those bytes change. docs/code-cache.md tells the life of a region.
 *
 * Guarded by runtime.lock; functions named _locked want it held. A dropped region can still be executing on
 * other vCPUs: it is freed when every vCPU has been quiet since (struct vcpu_engine.quiet) or is outside.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "backend/host.h"
#include "backend/os/jitmem.h"
#include "backend/region.h"

struct runtime;
struct vcpu;

enum { CODE_SEGMENT_SIZE = 1 << 20, CODE_CACHE_SIZE = 64 << 20, CODE_THUNKS_SIZE = 1 << 16,
       CODE_SCRATCH_SIZE = 1 << 17, CODE_MAX_INTERP_REGIONS = 1 << 17,
       CODE_PAGE_PARTS = 16, CODE_PROVISIONAL_HURRY = 256 };

enum segment_state { SEGMENT_FREE, SEGMENT_OPEN, SEGMENT_FULL, SEGMENT_RETIRED };

/* A stretch of code memory that one vCPU fills and that is reclaimed as a whole. */
struct code_segment {
        struct code_buf buf;
        enum segment_state state;
        uint64_t opened;      /* order of opening: the oldest is reclaimed first */
        uint64_t retired;     /* revocation after which nobody enters it */
        GPtrArray *regions;   /* struct code_region *, by rising address; dead ones too */
};

/* A guest page with regions or watched lines. */
struct code_page {
        struct ram_block *ram;
        uint64_t page;                      /* byte offset in ram */
        uint64_t lines, watched, listened;  /* their union is the page's word of code_lines */
        uint64_t marked;                    /* revocation that completes the latest marks */
        struct code_region *first[CODE_PAGE_PARTS]; /* by the part they start in; linked by page_next */
        struct code_region *second;         /* straddlers that end here, by page2_next */
        unsigned longest;                   /* bytes of the longest region here, ever */
        uint16_t regions[64], watchers[64]; /* how many regions and reservations each line has */
};

struct codecache {
        struct jitmem mem;
        struct code_buf thunks;
        struct code_segment *segments;
        unsigned n_segments;
        size_t segment_size;
        uint64_t opened;
        struct code_region **buckets;
        unsigned bucket_bits;
        unsigned n_regions;                  /* live or provisional */
        GHashTable *pages;                   /* host address of the page -> struct code_page */
        struct code_region *provisional, **provisional_tail; /* oldest first */
        unsigned n_provisional;
        struct code_region *retired;         /* without a segment, to be freed, by settle_next */
        uint64_t n_dropped;
        /* Regions written so far; up to which of them nobody can hold what was in memory before (reads_ahead). */
        uint64_t written, fetched;
};

/* @size bytes of code in all, at least what all vCPUs need to go on; 0 for the interpreter. */
bool codecache_init(struct runtime *rt, size_t size, size_t segment_size, GError **error);
void codecache_fini(struct runtime *rt);

/*
 * The region for @key, or NULL. If only a region whose first instruction goes on in the following page could
 * match and @key does not say which that is, *@straddler becomes true.
 */
struct code_region *codecache_lookup_locked(struct runtime *rt, const struct region_key *key,
                                            bool *straddler);

/*
 * Installs @r, which was made from the copies @bytes (from its first on) and @bytes2 (of the following page):
 * marks, revokes direct stores to the lines and compares. Returns the region to run: @r, or another vCPU's
 * for the same key (@r is freed then); NULL if the bytes have changed meanwhile (@r is freed).
 */
struct code_region *codecache_install(struct vcpu *v, struct code_region *r, const uint8_t *bytes,
                                      const uint8_t *bytes2);

/*
 * Bytes of RAM were stored to: drops the regions made from any of them. A vCPU holds the lock from before its store
 * until after this: codecache_fence takes it, so whoever has read what was stored and then fences finds nothing that
 * was made from what was there before.
 */
void codecache_drop_stored_locked(struct runtime *rt, struct ram_block *ram, uint64_t offset, uint64_t len);

/* Is some region made from these bytes, which lie in one page? */
bool codecache_holds(struct runtime *rt, struct ram_block *ram, uint64_t offset, unsigned len);

/* Marks a line for a reservation, or takes the mark away; the number of the revocation that completes it. */
uint64_t codecache_watch_locked(struct runtime *rt, struct ram_block *ram, uint64_t offset, bool on);

/* Drops every region. Any thread. */
void codecache_drop_all(struct runtime *rt);

/*
 * Patches @link, taken by @v just now, to go straight to @to, if both live and that is sound; true if so. Notes in the
 * link if it never will be.
 */
bool codecache_link(struct vcpu *v, struct code_link *link, struct code_region *to);

/*
 * Compares what provisional regions were made from with memory as it is now: those that differ are dropped;
 * those whose revocation is complete become live. After it, no region is older than the stores that the
 * caller has seen.
 */
void codecache_fence(struct runtime *rt);

/* The same for those whose revocation is complete only; cheap. */
void codecache_settle_locked(struct runtime *rt);

/* The region whose code holds @exec_addr, dead or alive, or NULL. From that code's own slow paths. */
struct code_region *codecache_find(struct vcpu *v, const void *exec_addr);

void code_region_free(struct code_region *r);
struct code_region *code_region_new(const struct region_key *key);

/* What hot.jump_cache holds for a region: where its code begins; for the interpreter, the region itself. */
static inline uint64_t code_region_door(const struct code_region *r)
{
        return r->code ? (uint64_t)(uintptr_t)r->code : (uint64_t)(uintptr_t)r;
}

/* ---- codeseg.c ---- */
bool codeseg_init(struct runtime *rt, size_t size, size_t segment_size, GError **error);
void codeseg_fini(struct runtime *rt);
/*
 * A fresh segment for @v instead of its full one. Reclaims the oldest when there is none; may wait for
 * others.
 */
struct code_segment *codeseg_open(struct vcpu *v);
/* @v's own buffer for one-shot regions, emptied. */
struct code_segment *codeseg_scratch(struct vcpu *v);
/* Gives @v's segment back when it ends. */
void codeseg_close(struct vcpu *v);

/* Frees retired regions that no vCPU can hold any more. */
void codecache_collect_locked(struct runtime *rt);
void codecache_drop_region_locked(struct runtime *rt, struct code_region *r, bool post);
