/* SPDX-License-Identifier: MIT */
/*
 * Indirect calls: a tree of expression nodes evaluated through a method pointer in each, and a sort whose
 * comparison is a callback. Targets vary from call to call, as virtual methods' do.
 */
#include "bench.h"

#define NODES 4095
#define ITEMS 1024

struct node {
        uint64_t (*evaluate)(const struct node *node, uint64_t x);
        const struct node *left, *right;
        uint64_t constant;
};

static struct node nodes[NODES];
static uint32_t items[ITEMS];

static uint64_t evaluate(const struct node *node, uint64_t x)
{
        return node->evaluate(node, x);
}

static uint64_t eval_constant(const struct node *node, uint64_t x)
{
        return node->constant + x;
}

static uint64_t eval_variable(const struct node *node, uint64_t x)
{
        return x ^ node->constant;
}

static uint64_t eval_sum(const struct node *node, uint64_t x)
{
        return evaluate(node->left, x) + evaluate(node->right, x);
}

static uint64_t eval_product(const struct node *node, uint64_t x)
{
        return evaluate(node->left, x) * (evaluate(node->right, x) | 1);
}

static uint64_t eval_xor(const struct node *node, uint64_t x)
{
        return evaluate(node->left, x + 1) ^ evaluate(node->right, x);
}

static uint64_t eval_shift(const struct node *node, uint64_t x)
{
        return evaluate(node->left, x) >> 3 ^ evaluate(node->right, x + 3);
}

static void build_tree(void)
{
        static uint64_t (*const inner[])(const struct node *, uint64_t) = {
                eval_sum, eval_product, eval_xor, eval_shift,
        };
        uint64_t seed = 11;

        for (uint32_t i = 0; i < NODES; i++) {
                uint64_t r = bench_random(&seed);

                nodes[i].constant = r >> 8;
                if (2 * i + 2 < NODES) {
                        nodes[i].evaluate = inner[r % 4];
                        nodes[i].left = &nodes[2 * i + 1];
                        nodes[i].right = &nodes[2 * i + 2];
                } else {
                        nodes[i].evaluate = r & 1 ? eval_constant : eval_variable;
                }
        }
}

static int by_value(uint32_t a, uint32_t b)
{
        return a < b ? -1 : a > b;
}

static int by_low_half(uint32_t a, uint32_t b)
{
        return by_value(a << 16 | a >> 16, b << 16 | b >> 16);
}

static int by_value_down(uint32_t a, uint32_t b)
{
        return by_value(b, a);
}

/* Shell sort with Ciura's gaps; opaque so that the comparison stays a call through a pointer. */
static void BENCH_OPAQUE sort_by(uint32_t *v, int n, int (*compare)(uint32_t, uint32_t))
{
        static const int gaps[] = {701, 301, 132, 57, 23, 10, 4, 1};

        for (unsigned g = 0; g < sizeof(gaps) / sizeof(*gaps); g++)
                for (int i = gaps[g]; i < n; i++) {
                        uint32_t x = v[i];
                        int j = i;

                        for (; j >= gaps[g] && compare(v[j - gaps[g]], x) > 0; j -= gaps[g])
                                v[j] = v[j - gaps[g]];
                        v[j] = x;
                }
}

static uint64_t run(uint64_t size)
{
        static int (*const orders[])(uint32_t, uint32_t) = {by_value, by_low_half, by_value_down};
        uint64_t sum = 0, seed = 13;

        build_tree();
        for (uint64_t round = 0; round < size; round++) {
                for (uint64_t x = 0; x < 4; x++)
                        sum = bench_mix(sum, evaluate(nodes, round + x));
                for (int i = 0; i < ITEMS; i++)
                        items[i] = (uint32_t)bench_random(&seed);
                sort_by(items, ITEMS, orders[round % 3]);
                sum = bench_mix(sum, items[ITEMS / 2]);
        }
        return sum;
}

BENCH_PROGRAM(indirect, "indirect", 600, run);
