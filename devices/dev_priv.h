/* SPDX-License-Identifier: MIT */
/* What dev.c, dev_props.c and dev_state.c share. */
#pragma once

#include "devices/dev.h"

bool dev_props_set(struct dev *d, const struct dev_setting *settings, unsigned n_settings, GError **error);
void dev_props_clear(struct dev *d);
