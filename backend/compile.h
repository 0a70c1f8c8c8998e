/* SPDX-License-Identifier: MIT */
/*
 * The whole pipeline in one function (decision 1): decode and build (the frontend's translate) -> verify
 * (debug) -> optimise -> allocate and emit. One struct compiler a vCPU thread.
 */
#pragma once

#include "backend/host.h"
#include "frontend/cpu.h"

struct compiler;
struct log;

struct compiler *compiler_new(const struct host_ops *host, void *host_data, const struct cpu_ops *cpu,
                              struct log *log);
void compiler_free(struct compiler *c);

/*
 * Translates the guest block that @req describes and emits it into @out. @gva is for the log only. On return
 * *@ir is the optimised region, in the compiler's arena until the next call (the interpreter engine uses it
 * and passes host == NULL). False: no room in out->buf, nothing written.
 */
bool compile_region(struct compiler *c, struct translate_req *req, gva_t gva, struct compiled *out,
                    const struct ir_region **ir);
