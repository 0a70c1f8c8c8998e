/* SPDX-License-Identifier: MIT */
/*
 * The pipeline (decision 1): compile_region shows all of it. One struct compiler a vCPU thread; it owns the
 * arena in which a region's IR lives until the next one. With RHEA_VERIFY set in the environment every region
 * is verified after building and after optimising, and one that breaks a rule is reported in the log and run
 * all the same.
 */
#include "backend/compile.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/log.h"

struct compiler {
        const struct host_ops *host; /* NULL: the interpreter's */
        void *host_data;
        const struct cpu_ops *cpu;
        struct log *log;
        struct arena *arena;
        bool verify;
};

struct compiler *compiler_new(const struct host_ops *host, void *host_data, const struct cpu_ops *cpu,
                              struct log *log)
{
        struct compiler *c = g_new0(struct compiler, 1);

        c->host = host;
        c->host_data = host_data;
        c->cpu = cpu;
        c->log = log;
        c->arena = arena_new(256 * 1024);
        c->verify = getenv("RHEA_VERIFY") != NULL;
        return c;
}

void compiler_free(struct compiler *c)
{
        if (!c)
                return;
        arena_free(c->arena);
        g_free(c);
}

/* ---- the log ---- */

static bool logs(const struct compiler *c, uint32_t item, gva_t gva)
{
        return c->log && log_on(c->log, item) && log_in_filter(c->log, gva);
}

static void log_guest_code(struct compiler *c, const struct translate_req *req, const struct ir_region *r,
                           gva_t gva)
{
        uint8_t bytes[GUEST_PAGE_SIZE + 16] = {0};
        uint32_t done = 0, n = MIN(r->guest_bytes, GUEST_PAGE_SIZE - req->offset);

        memcpy(bytes, req->bytes + req->offset, n);
        if (r->guest_bytes > n && req->next)
                memcpy(bytes + n, req->next, MIN(r->guest_bytes - n, 16));
        log_lock(c->log);
        log_printf(c->log, "----------------\nIN: mode 0x%" PRIx64 "\n", req->mode);
        while (done < r->guest_bytes) {
                char text[128] = "";
                size_t len = c->cpu->disas(req->config, gva + done, bytes + done, r->guest_bytes - done, text,
                                           sizeof(text));

                log_printf(c->log, "0x%08" PRIx64 ":  ", gva + done);
                if (!len) {
                        log_printf(c->log, "does not decode\n");
                        break;
                }
                for (size_t k = len; k-- > 0;)
                        log_printf(c->log, "%02x", bytes[done + k]);
                log_printf(c->log, "%*s%s\n", len < 4 ? 6 : 2, "", text);
                done += len;
        }
        log_printf(c->log, "\n");
        log_unlock(c->log);
}

static void log_text(struct compiler *c, const char *title, char *text, size_t len)
{
        log_lock(c->log);
        log_printf(c->log, "%s\n%.*s\n", title, (int)len, text ? text : "");
        log_unlock(c->log);
        free(text);
}

static void log_ir(struct compiler *c, const char *title, const struct ir_region *r)
{
        char *text = NULL;
        size_t len = 0;
        FILE *f = open_memstream(&text, &len);

        if (!f)
                return;
        ir_print(f, r);
        fclose(f);
        log_text(c, title, text, len);
}

static void log_host_code(struct compiler *c, const struct code_buf *buf, size_t start)
{
        char *text = NULL, title[64];
        size_t len = 0;
        FILE *f = open_memstream(&text, &len);

        if (!f)
                return;
        c->host->print_code(f, buf->rw + start, buf->used - start, (uintptr_t)(buf->exec + start));
        fclose(f);
        g_snprintf(title, sizeof(title), "OUT: [size=%zu]", buf->used - start);
        log_text(c, title, text, len);
}

static void verify(struct compiler *c, const struct ir_region *r, const char *when, gva_t gva)
{
        GError *error = NULL;

        if (!c->verify || ir_verify(r, &error))
                return;
        if (c->log)
                log_printf(c->log, "IR of 0x%" PRIx64 " breaks a rule %s: %s\n", gva, when, error->message);
        g_clear_error(&error);
}

/* ---- the pipeline ---- */

bool compile_region(struct compiler *c, struct translate_req *req, gva_t gva, struct compiled *out,
                    const struct ir_region **ir)
{
        for (;;) {
                struct ir_region *r;
                size_t start = out && out->buf ? out->buf->used : 0;

                arena_reset(c->arena);
                *ir = r = ir_region_new(c->arena, c->cpu->guest);
                r->deterministic = req->deterministic;
#ifndef __x86_64__
                r->keep_deps = true;
#endif
                req->loops = req->loops && c->host && c->host->loops && !req->n_breakpoints && !req->hooks &&
                             !req->deterministic;
                c->cpu->translate(r, req);
                r->loops = req->loops;
                if (req->needs_next)
                        return true;
                verify(c, r, "after building", gva);
                if (logs(c, LOG_IN_ASM, gva))
                        log_guest_code(c, req, r, gva);
                if (logs(c, LOG_OP, gva))
                        log_ir(c, "OP:", r);

                ir_optimise(r);
                verify(c, r, "after optimising", gva);
                if (logs(c, LOG_OP_OPT, gva))
                        log_ir(c, "OP after optimisation:", r);
                if (!c->host)
                        return true;

                switch (c->host->emit(c->host_data, r, out)) {
                case EMIT_OK:
                        if (logs(c, LOG_OUT_ASM, gva))
                                log_host_code(c, out->buf, start);
                        return true;
                case EMIT_NO_ROOM:
                        return false;
                case EMIT_TOO_COMPLEX:
                        if (r->n_guest_insns <= 1)
                                return false;
                        req->max_insns = r->n_guest_insns / 2;
                        break;
                }
        }
}
