/* SPDX-License-Identifier: MIT */
/*
 * CPU models and their features as -cpu names them: "MODEL,NAME=on|off,...". Each guest has one table of them
 * (struct cpu_models); what was chosen is a struct cpu_config. vCPUs of a VM whose features are equal share
 * one, so that they share translations; it is made and freed on the thread that makes and frees vCPUs, and
 * only read in between.
 */
#pragma once

#include <glib.h>

#include "frontend/cpu_features.h"

struct vcpu;

struct cpu_config {
        struct cpu_features features;
        unsigned users; /* vCPUs that share it */
};

/* A feature that -cpu switches. */
struct cpu_feature {
        const char *name;
        uint8_t feature, needs; /* by the guest's enumeration; one that needs none names itself */
};

struct cpu_models {
        const char *const *names; /* NULL-terminated */
        const struct cpu_feature *features;
        unsigned n_features;
        const char *const *docs; /* by the guest's enumeration: what -cpu help says of the features */
        uint8_t always;          /* what every model has besides features */
        /* Has a model a feature until it is switched? NULL: each model has all. */
        bool (*has)(const char *model, unsigned feature);
        /* Can a CPU with these features run anything? NULL: always. */
        bool (*check)(const struct cpu_features *features, GError **error);
};

/* The configuration that @model says for a vCPU, by its ops' models. Give it back with cpu_config_drop. */
const struct cpu_config *cpu_config_new(struct vcpu *v, const char *model, GError **error);

/* The last that drops a configuration frees it; NULL is none. */
void cpu_config_drop(const struct cpu_config *config);
