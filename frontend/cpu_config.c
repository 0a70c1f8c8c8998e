/* SPDX-License-Identifier: MIT */
/*
 * CPU models and features: what -cpu says, checked against the guest's table.
 */
#include "frontend/cpu_config.h"

#include <string.h>

#include "base/error.h"
#include "frontend/cpu.h"

/* "; did you mean 'x'?" as the arguments of "%s%s%s" */
#define DID_YOU_MEAN(name) (name) ? "; did you mean '" : "", (name) ? (name) : "", (name) ? "'?" : ""

/* One "name=on|off". */
static bool set_feature(struct cpu_features *features, const struct cpu_models *m, const char *setting,
                        GError **error)
{
        g_autofree const char **names = g_new0(const char *, m->n_features + 1);
        g_autofree char *name = g_strndup(setting, strcspn(setting, "="));
        const char *value = strchr(setting, '='), *nearest;
        bool on = !value || !strcmp(value, "=on") || !strcmp(value, "=true");

        for (unsigned i = 0; i < m->n_features; i++) {
                names[i] = m->features[i].name;
                if (!g_ascii_strcasecmp(name, names[i])) {
                        if (!on && strcmp(value, "=off") && strcmp(value, "=false"))
                                return error_set(error, RHEA_ERROR_USAGE, "CPU feature '%s' takes on or off, not '%s'",
                                                 name, value + 1);
                        cpu_features_set(features, m->features[i].feature, on);
                        return true;
                }
        }
        nearest = error_nearest_name(name, names);
        return error_set(error, RHEA_ERROR_USAGE, "unknown CPU feature '%s'%s%s%s; -cpu help lists them",
                         name, DID_YOU_MEAN(nearest));
}

static const char *feature_name(const struct cpu_models *m, unsigned feature)
{
        for (unsigned i = 0; i < m->n_features; i++) {
                if (m->features[i].feature == feature)
                        return m->features[i].name;
        }
        return "?";
}

static bool check_needs(const struct cpu_features *features, const struct cpu_models *m, GError **error)
{
        for (unsigned i = 0; i < m->n_features; i++) {
                const struct cpu_feature *f = &m->features[i];
                const char *needs = feature_name(m, f->needs);

                if (cpu_has(features, f->feature) && !cpu_has(features, f->needs))
                        return error_set(error, RHEA_ERROR_USAGE,
                                         "CPU feature '%s' needs '%s'; add %s=on or %s=off", f->name, needs,
                                         needs, f->name);
        }
        return true;
}

static bool parse(struct cpu_features *features, const struct cpu_models *m, const char *model,
                  GError **error)
{
        g_auto(GStrv) parts = g_strsplit(model, ",", -1);
        const char *name = parts[0] ? parts[0] : "";

        if (!g_strv_contains(m->names, name)) {
                const char *nearest = error_nearest_name(name, m->names);

                return error_set(error, RHEA_ERROR_USAGE, "unknown CPU model '%s'%s%s%s; see -cpu help", name,
                                 DID_YOU_MEAN(nearest));
        }
        cpu_features_set(features, m->always, true);
        for (unsigned i = 0; i < m->n_features; i++) {
                if (!m->has || m->has(name, m->features[i].feature))
                        cpu_features_set(features, m->features[i].feature, true);
        }
        for (unsigned i = 1; parts[i]; i++) {
                if (!set_feature(features, m, parts[i], error))
                        return false;
        }
        return (!m->check || m->check(features, error)) && check_needs(features, m, error);
}

/* What another vCPU of the same guest has already. */
static struct cpu_config *find_shared(struct vcpu *v, const struct cpu_features *features)
{
        for (unsigned i = 0; v->vm && i < v->vm->n_vcpus; i++) {
                struct vcpu *other = v->vm->vcpus[i];
                const struct cpu_config *config = other && other != v && other->ops == v->ops
                        ? v->ops->config(other) : NULL;

                if (config && !memcmp(&config->features, features, sizeof(*features)))
                        return (struct cpu_config *)config;
        }
        return NULL;
}

const struct cpu_config *cpu_config_new(struct vcpu *v, const char *model, GError **error)
{
        struct cpu_features features = {0};
        struct cpu_config *config;

        if (!parse(&features, v->ops->models, model, error))
                return NULL;
        config = find_shared(v, &features);
        if (!config) {
                config = g_new0(struct cpu_config, 1);
                config->features = features;
        }
        config->users++;
        return config;
}

void cpu_config_drop(const struct cpu_config *config)
{
        struct cpu_config *c = (struct cpu_config *)config;

        if (c && --c->users == 0)
                g_free(c);
}
