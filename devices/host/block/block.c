/* SPDX-License-Identifier: MIT */
/*
 * Block back ends: names, who uses which, and the way of a request through the worker threads and back to the
 * VM's context. Requests of one back end may overtake each other, as a disk's may.
 */
#include "devices/host/block/block.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/lock.h"
#include "devices/host/block/raw.h"
#include "machines/core/vm.h"

enum { BLOCK_THREADS = 4 };

struct block_queue {
        struct block_request *first, **last;
};

struct block_backend {
        struct vm *vm;
        char *id, *file, *claimed_by;
        struct raw_image raw;
        GThreadPool *pool;
        GSource *source;           /* on the VM's context: completions */
        GMutex lock;               /* rank LOCK_FABRIC */
        GCond finished;
        struct block_queue waiting, done;
        unsigned in_flight;        /* submitted, done not yet called */
        unsigned executing;        /* submitted, not yet in the list done */
};

static void queue_init(struct block_queue *q)
{
        q->first = NULL;
        q->last = &q->first;
}

static void queue_push(struct block_queue *q, struct block_request *req)
{
        req->next = NULL;
        *q->last = req;
        q->last = &req->next;
}

static struct block_request *queue_pop(struct block_queue *q)
{
        struct block_request *req = q->first;

        if (req) {
                q->first = req->next;
                if (!q->first)
                        q->last = &q->first;
        }
        return req;
}

/* ---- requests ---- */

static void block_worker(gpointer token, gpointer opaque)
{
        struct block_backend *b = opaque;
        struct block_request *req;

        lock_take(&b->lock, LOCK_FABRIC);
        req = queue_pop(&b->waiting);
        lock_drop(&b->lock, LOCK_FABRIC);
        if (!req)
                return;
        req->result = raw_execute(&b->raw, req);
        lock_take(&b->lock, LOCK_FABRIC);
        queue_push(&b->done, req);
        b->executing--;
        g_cond_broadcast(&b->finished);
        g_source_set_ready_time(b->source, 0);
        lock_drop(&b->lock, LOCK_FABRIC);
}

static void block_complete(struct block_backend *b)
{
        struct block_request *req;

        lock_take(&b->lock, LOCK_FABRIC);
        while ((req = queue_pop(&b->done))) {
                lock_drop(&b->lock, LOCK_FABRIC);
                req->done(req);
                lock_take(&b->lock, LOCK_FABRIC);
                b->in_flight--;
        }
        lock_drop(&b->lock, LOCK_FABRIC);
}

static bool range_valid(const struct block_backend *b, const struct block_request *req)
{
        return req->op == BLOCK_FLUSH ||
                (req->offset <= b->raw.size && req->len <= b->raw.size - req->offset);
}

bool block_submit(struct block_backend *b, struct block_request *req)
{
        if (!range_valid(b, req)) {
                req->result = -EIO;
                return true;
        }
        if (b->vm->deterministic) {
                req->result = raw_execute(&b->raw, req);
                return true;
        }
        lock_take(&b->lock, LOCK_FABRIC);
        queue_push(&b->waiting, req);
        b->in_flight++;
        b->executing++;
        lock_drop(&b->lock, LOCK_FABRIC);
        g_thread_pool_push(b->pool, b, NULL);
        return false;
}

void block_settle(struct block_backend *b)
{
        lock_take(&b->lock, LOCK_FABRIC);
        while (b->executing)
                lock_wait(&b->finished, &b->lock);
        lock_drop(&b->lock, LOCK_FABRIC);
}

void block_drain(struct block_backend *b)
{
        lock_take(&b->lock, LOCK_FABRIC);
        while (b->in_flight) {
                while (!b->done.first)
                        lock_wait(&b->finished, &b->lock);
                lock_drop(&b->lock, LOCK_FABRIC);
                block_complete(b);
                lock_take(&b->lock, LOCK_FABRIC);
        }
        lock_drop(&b->lock, LOCK_FABRIC);
}

/* ---- life ---- */

struct block_source {
        GSource source;
        struct block_backend *b;
};

static gboolean source_dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
        g_source_set_ready_time(source, -1);
        block_complete(((struct block_source *)source)->b);
        return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {.dispatch = source_dispatch};

static void block_destroy(gpointer p)
{
        struct block_backend *b = p;
        const struct block_request flush = {.op = BLOCK_FLUSH};

        /* devices are gone and have drained their requests */
        g_thread_pool_free(b->pool, FALSE, TRUE);
        lock_order_receive(&b->lock);
        raw_execute(&b->raw, &flush);
        raw_close(&b->raw);
        g_source_destroy(b->source);
        g_source_unref(b->source);
        g_cond_clear(&b->finished);
        g_mutex_clear(&b->lock);
        g_free(b->claimed_by);
        g_free(b->file);
        g_free(b->id);
        g_free(b);
}

struct block_backend *block_open(struct vm *vm, const struct block_options *opt, GError **error)
{
        struct raw_image raw;
        struct block_backend *b;

        if (block_find(vm, opt->id, NULL)) {
                error_set(error, RHEA_ERROR_USAGE, "there are two drives with the id %s", opt->id);
                return NULL;
        }
        if (opt->format && strcmp(opt->format, "raw")) {
                error_set(error, RHEA_ERROR_UNSUPPORTED, "drive %s: format %s is not known; raw is", opt->id,
                          opt->format);
                return NULL;
        }
        if (!raw_open(&raw, opt, error))
                return NULL;
        b = g_new0(struct block_backend, 1);
        b->vm = vm;
        b->id = g_strdup(opt->id);
        b->file = g_strdup(opt->file);
        b->raw = raw;
        g_mutex_init(&b->lock);
        g_cond_init(&b->finished);
        queue_init(&b->waiting);
        queue_init(&b->done);
        b->pool = g_thread_pool_new(block_worker, b, BLOCK_THREADS, FALSE, NULL);
        b->source = g_source_new(&source_funcs, sizeof(struct block_source));
        ((struct block_source *)b->source)->b = b;
        g_source_attach(b->source, vm->context);
        g_ptr_array_set_free_func(vm->drives, block_destroy);
        g_ptr_array_add(vm->drives, b);
        return b;
}

struct block_backend *block_find(struct vm *vm, const char *id, GError **error)
{
        GPtrArray *names = g_ptr_array_new();
        const char *near;

        for (unsigned i = 0; i < vm->drives->len; i++) {
                struct block_backend *b = g_ptr_array_index(vm->drives, i);

                if (!strcmp(b->id, id)) {
                        g_ptr_array_unref(names);
                        return b;
                }
                g_ptr_array_add(names, b->id);
        }
        g_ptr_array_add(names, NULL);
        near = error_nearest_name(id, (const char *const *)names->pdata);
        error_set(error, RHEA_ERROR_USAGE,
                  "there is no drive %s%s%s%s; make one with -drive if=none,id=%s,file=...", id,
                  near ? "; did you mean " : "", near ? near : "", near ? "?" : "", id);
        g_ptr_array_unref(names);
        return NULL;
}

bool block_claim(struct block_backend *b, const char *user, GError **error)
{
        if (b->claimed_by)
                return error_set(error, RHEA_ERROR_USAGE, "drive %s is in use by %s", b->id, b->claimed_by);
        b->claimed_by = g_strdup(user);
        return true;
}

void block_release(struct block_backend *b)
{
        g_clear_pointer(&b->claimed_by, g_free);
}

const char *block_claimed_by(const struct block_backend *b)
{
        return b->claimed_by;
}

const char *block_id(const struct block_backend *b)
{
        return b->id;
}

const char *block_file(const struct block_backend *b)
{
        return b->file;
}

uint64_t block_size(const struct block_backend *b)
{
        return b->raw.size;
}

bool block_read_only(const struct block_backend *b)
{
        return b->raw.read_only;
}

bool block_can_discard(const struct block_backend *b)
{
        return b->raw.can_discard;
}
