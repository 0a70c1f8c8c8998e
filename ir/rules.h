/* SPDX-License-Identifier: MIT */
/*
 * Names of the rewrite rules in rules.def. Constant data.
 */
#pragma once

enum ir_rule {
        IR_RULE_none,
#define RULE(name, doc) IR_RULE_##name,
#include "ir/rules.def"
#undef RULE
        IR_RULE_COUNT
};

struct ir_rule_info {
        const char *name, *doc;
};
extern const struct ir_rule_info ir_rules[IR_RULE_COUNT];
