/* SPDX-License-Identifier: MIT */
/*
 * Device trees on top of libfdt (Devicetree Specification 0.4). libfdt's editing calls put a new node first
 * among its siblings, and their order is the order in which Linux probes; so the tree is kept in nodes of our
 * own and serialised at the end. Owned by the thread that builds the machine.
 */
#include "machines/core/dt.h"

#include <libfdt.h>
#include <string.h>

#include "base/error.h"

struct dt_prop {
        char *name;
        uint8_t *data;
        size_t len;
};

struct dt_node {
        char *name;
        GPtrArray *props;    /* struct dt_prop * */
        GPtrArray *children; /* struct dt_node * */
};

struct dt {
        struct dt_node *root;
        uint32_t phandle;
        uint32_t boot_cpuid;
        GArray *reserved;    /* pairs of uint64_t */
        GError *error;       /* the first one */
        void *blob;
};

static void prop_free(gpointer p)
{
        struct dt_prop *prop = p;

        g_free(prop->name);
        g_free(prop->data);
        g_free(prop);
}

static void node_free(gpointer p)
{
        struct dt_node *n = p;

        g_ptr_array_unref(n->props);
        g_ptr_array_unref(n->children);
        g_free(n->name);
        g_free(n);
}

static struct dt_node *node_new(const char *name, size_t len)
{
        struct dt_node *n = g_new0(struct dt_node, 1);

        n->name = g_strndup(name, len);
        n->props = g_ptr_array_new_with_free_func(prop_free);
        n->children = g_ptr_array_new_with_free_func(node_free);
        return n;
}

struct dt *dt_new(void)
{
        struct dt *f = g_new0(struct dt, 1);

        f->root = node_new("", 0);
        f->phandle = 1;
        f->reserved = g_array_new(FALSE, FALSE, sizeof(uint64_t));
        return f;
}

void dt_free(struct dt *f)
{
        if (!f)
                return;
        node_free(f->root);
        g_array_unref(f->reserved);
        g_clear_error(&f->error);
        g_free(f->blob);
        g_free(f);
}

static void dt_fail(struct dt *f, const char *path, const char *what)
{
        if (!f->error)
                error_set(&f->error, RHEA_ERROR_FAILED, "device tree: %s: %s", path, what);
}

static struct dt_node *node_child(struct dt_node *n, const char *name, size_t len)
{
        for (unsigned i = 0; i < n->children->len; i++) {
                struct dt_node *c = g_ptr_array_index(n->children, i);

                if (strlen(c->name) == len && !memcmp(c->name, name, len))
                        return c;
        }
        return NULL;
}

/*
 * The node at @path, without its last component if @parent; NULL if there is none. *@last is that component.
 */
static struct dt_node *node_walk(const struct dt *f, const char *path, bool parent, const char **last)
{
        struct dt_node *n = f->root;
        const char *p = path;

        while (n) {
                size_t len;

                while (*p == '/')
                        p++;
                if (last)
                        *last = p;
                len = strcspn(p, "/");
                if (!len || (parent && !p[len]))
                        return n;
                n = node_child(n, p, len);
                p += len;
        }
        return NULL;
}

bool dt_has_node(const struct dt *f, const char *path)
{
        return node_walk(f, path, false, NULL) != NULL;
}

void dt_node(struct dt *f, const char *path)
{
        const char *name;
        struct dt_node *up = node_walk(f, path, true, &name);

        if (!up)
                dt_fail(f, path, "its parent is missing");
        else if (!*name || node_child(up, name, strlen(name)))
                dt_fail(f, path, "is there already");
        else
                g_ptr_array_add(up->children, node_new(name, strlen(name)));
}

void dt_node_if_absent(struct dt *f, const char *path)
{
        if (!dt_has_node(f, path))
                dt_node(f, path);
}

static struct dt_prop *node_prop(struct dt_node *n, const char *name)
{
        for (unsigned i = 0; i < n->props->len; i++) {
                struct dt_prop *p = g_ptr_array_index(n->props, i);

                if (!strcmp(p->name, name))
                        return p;
        }
        return NULL;
}

static void node_set_prop(struct dt_node *n, const char *name, const void *data, size_t len)
{
        struct dt_prop *p = node_prop(n, name);

        if (!p) {
                p = g_new0(struct dt_prop, 1);
                p->name = g_strdup(name);
                g_ptr_array_add(n->props, p);
        }
        g_free(p->data);
        p->data = len ? g_memdup2(data, len) : NULL;
        p->len = len;
}

void dt_bytes(struct dt *f, const char *path, const char *name, const void *data, size_t len)
{
        struct dt_node *n = node_walk(f, path, false, NULL);

        if (n)
                node_set_prop(n, name, data, len);
        else
                dt_fail(f, path, "there is no such node");
}

void dt_flag(struct dt *f, const char *path, const char *name)
{
        dt_bytes(f, path, name, NULL, 0);
}

void dt_string(struct dt *f, const char *path, const char *name, const char *value)
{
        dt_bytes(f, path, name, value, strlen(value) + 1);
}

void dt_strings(struct dt *f, const char *path, const char *name, const char *const *values)
{
        GByteArray *all = g_byte_array_new();

        for (; *values; values++)
                g_byte_array_append(all, (const uint8_t *)*values, strlen(*values) + 1);
        dt_bytes(f, path, name, all->data, all->len);
        g_byte_array_unref(all);
}

void dt_cells(struct dt *f, const char *path, const char *name, const uint32_t *cells, unsigned n)
{
        uint32_t *be = g_new(uint32_t, n);

        for (unsigned i = 0; i < n; i++)
                be[i] = cpu_to_fdt32(cells[i]);
        dt_bytes(f, path, name, be, n * sizeof(*be));
        g_free(be);
}

void dt_u32(struct dt *f, const char *path, const char *name, uint32_t value)
{
        dt_cells(f, path, name, &value, 1);
}

void dt_u64(struct dt *f, const char *path, const char *name, uint64_t value)
{
        dt_cells(f, path, name, (uint32_t[]){value >> 32, value}, 2);
}

void dt_reg64(struct dt *f, const char *path, uint64_t address, uint64_t size)
{
        dt_cells(f, path, "reg", (uint32_t[]){address >> 32, address, size >> 32, size}, 4);
}

void dt_remove_prop(struct dt *f, const char *path, const char *name)
{
        struct dt_node *n = node_walk(f, path, false, NULL);
        struct dt_prop *p = n ? node_prop(n, name) : NULL;

        if (p)
                g_ptr_array_remove(n->props, p);
}

uint32_t dt_new_phandle(struct dt *f)
{
        return f->phandle++;
}

/* ---- from and to bytes ---- */

/*
 * Copies the node at @offset of @blob and what is under it. False on broken input; @depth bounds the
 * recursion.
 */
static bool node_read(struct dt *f, const void *blob, int offset, struct dt_node *n, unsigned depth)
{
        int p, child;

        fdt_for_each_property_offset(p, blob, offset) {
                const char *name;
                int len;
                const void *data = fdt_getprop_by_offset(blob, p, &name, &len);

                if (!data || len < 0)
                        return false;
                node_set_prop(n, name, data, len);
                if (!strcmp(name, "phandle") && len == 4)
                        f->phandle = MAX(f->phandle, fdt32_ld(data) + 1);
        }
        fdt_for_each_subnode(child, blob, offset) {
                int len;
                const char *name = fdt_get_name(blob, child, &len);
                struct dt_node *c;

                if (!name || !depth)
                        return false;
                c = node_new(name, len);
                g_ptr_array_add(n->children, c);
                if (!node_read(f, blob, child, c, depth - 1))
                        return false;
        }
        return p == -FDT_ERR_NOTFOUND && child == -FDT_ERR_NOTFOUND;
}

static const char *blob_fault(int rc)
{
        switch (-rc) {
        case FDT_ERR_TRUNCATED: return "it is shorter than it says";
        case FDT_ERR_BADMAGIC: return "it does not begin like one";
        case FDT_ERR_BADVERSION: return "it is of an unknown version";
        case FDT_ERR_BADSTRUCTURE: return "its nodes are damaged";
        case FDT_ERR_BADOFFSET: return "it points outside itself";
        default: return fdt_strerror(rc);
        }
}

struct dt *dt_open(const void *blob, size_t len, GError **error)
{
        struct dt *f;
        int rc = len >= FDT_V1_SIZE ? fdt_check_full(blob, len) : -FDT_ERR_TRUNCATED;

        if (rc) {
                error_set(error, RHEA_ERROR_FILE,
                          "this is not a device tree blob: %s; make it again with dtc", blob_fault(rc));
                return NULL;
        }
        f = dt_new();
        f->boot_cpuid = fdt_boot_cpuid_phys(blob);
        for (int i = 0; i < fdt_num_mem_rsv(blob); i++) {
                uint64_t pair[2];

                if (fdt_get_mem_rsv(blob, i, &pair[0], &pair[1]) == 0)
                        g_array_append_vals(f->reserved, pair, 2);
        }
        if (!node_read(f, blob, 0, f->root, 64)) {
                error_set(error, RHEA_ERROR_FILE, "the device tree blob is broken");
                dt_free(f);
                return NULL;
        }
        return f;
}

static int node_write(void *blob, const struct dt_node *n)
{
        int rc = fdt_begin_node(blob, n->name);

        for (unsigned i = 0; !rc && i < n->props->len; i++) {
                const struct dt_prop *p = g_ptr_array_index(n->props, i);

                rc = fdt_property(blob, p->name, p->data, p->len);
        }
        for (unsigned i = 0; !rc && i < n->children->len; i++)
                rc = node_write(blob, g_ptr_array_index(n->children, i));
        return rc ? rc : fdt_end_node(blob);
}

static int tree_write(const struct dt *f, void *blob, size_t size)
{
        int rc = fdt_create(blob, size);

        for (unsigned i = 0; !rc && i + 1 < f->reserved->len; i += 2)
                rc = fdt_add_reservemap_entry(blob, g_array_index(f->reserved, uint64_t, i),
                                              g_array_index(f->reserved, uint64_t, i + 1));
        if (!rc)
                rc = fdt_finish_reservemap(blob);
        if (!rc)
                rc = node_write(blob, f->root);
        return rc ? rc : fdt_finish(blob);
}

const void *dt_finish(struct dt *f, size_t *len, GError **error)
{
        int rc = -FDT_ERR_NOSPACE;

        if (f->error) {
                if (error)
                        *error = g_error_copy(f->error);
                return NULL;
        }
        for (size_t size = 16384; rc == -FDT_ERR_NOSPACE && size <= (16u << 20); size *= 2) {
                g_free(f->blob);
                f->blob = g_malloc0(size);
                rc = tree_write(f, f->blob, size);
        }
        if (rc) {
                error_set(error, RHEA_ERROR_FAILED, "device tree: %s", fdt_strerror(rc));
                return NULL;
        }
        fdt_set_boot_cpuid_phys(f->blob, f->boot_cpuid);
        *len = fdt_totalsize(f->blob);
        return f->blob;
}
