/* SPDX-License-Identifier: MIT */
/*
 * An interrupt line: whoever drives it calls irq_set; whoever owns the other end supplied the function.
 * Setting a line takes no lock of the fabric (decision 24): receivers post atomically or queue.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct irq_line {
        void (*set)(void *opaque, unsigned n, bool level);
        void *opaque;
        unsigned n;
};

/* An unconnected line (set == NULL) swallows its levels. */
static inline void irq_set(const struct irq_line *line, bool level)
{
        if (line->set)
                line->set(line->opaque, line->n, level);
}
