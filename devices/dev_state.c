/* SPDX-License-Identifier: MIT */
/*
 * Saving and restoring devices. A device is a record: magic, class, id, number of fields; then each field
 * with its name, type and element count before the elements. All little-endian; strings are a byte of length
 * and the bytes. A record is checked whole against the class's table before anything is changed; then the
 * class's `loaded` judges the values. The VM stands still meanwhile.
 */
#include <string.h>

#include "base/error.h"
#include "devices/dev.h"

static const char dev_magic[4] = "RDv1";

static unsigned field_size(enum field_type type)
{
        switch (type) {
        case FIELD_U8:
        case FIELD_BOOL:
        case FIELD_BYTES:
                return 1;
        case FIELD_U16:
                return 2;
        case FIELD_U32:
                return 4;
        case FIELD_U64:
        case FIELD_TIMER:
                return 8;
        }
        return 1;
}

static uint32_t field_count(const struct dev_field *f)
{
        return f->count ? f->count : 1;
}

static void *field_at(struct dev *d, const struct dev_field *f, uint32_t i)
{
        size_t packed = f->type == FIELD_TIMER ? sizeof(struct timer *) : field_size(f->type);

        return (char *)d + f->offset + i * (f->stride ? f->stride : packed);
}

static uint64_t field_get(struct dev *d, const struct dev_field *f, uint32_t i)
{
        void *p = field_at(d, f, i);

        switch (f->type) {
        case FIELD_U8:
        case FIELD_BYTES:
                return *(uint8_t *)p;
        case FIELD_BOOL:
                return *(bool *)p;
        case FIELD_U16:
                return *(uint16_t *)p;
        case FIELD_U32:
                return *(uint32_t *)p;
        case FIELD_U64:
                return *(uint64_t *)p;
        case FIELD_TIMER:
                return timer_deadline(*(struct timer **)p);
        }
        return 0;
}

static void field_put(struct dev *d, const struct dev_field *f, uint32_t i, uint64_t v)
{
        void *p = field_at(d, f, i);

        switch (f->type) {
        case FIELD_U8:
        case FIELD_BYTES:
                *(uint8_t *)p = v;
                break;
        case FIELD_BOOL:
                *(bool *)p = v != 0;
                break;
        case FIELD_U16:
                *(uint16_t *)p = v;
                break;
        case FIELD_U32:
                *(uint32_t *)p = v;
                break;
        case FIELD_U64:
                *(uint64_t *)p = v;
                break;
        case FIELD_TIMER:
                timer_arm(*(struct timer **)p, v);
                break;
        }
}

static void put_word(GByteArray *to, uint64_t v, unsigned size)
{
        uint8_t b[8];

        for (unsigned i = 0; i < size; i++)
                b[i] = v >> (8 * i);
        g_byte_array_append(to, b, size);
}

static void put_string(GByteArray *to, const char *s)
{
        size_t len = MIN(strlen(s), 255);

        put_word(to, len, 1);
        g_byte_array_append(to, (const uint8_t *)s, len);
}

void dev_save(struct dev *d, GByteArray *to)
{
        uint32_t n = 0;

        if (d->class->settle)
                d->class->settle(d);
        dev_enter(d);
        for (const struct dev_field *f = d->class->state; f && f->name; f++)
                n++;
        g_byte_array_append(to, (const uint8_t *)dev_magic, sizeof(dev_magic));
        put_string(to, d->class->name);
        put_string(to, d->id);
        put_word(to, n, 4);
        for (const struct dev_field *f = d->class->state; f && f->name; f++) {
                put_string(to, f->name);
                put_word(to, f->type, 1);
                put_word(to, field_count(f), 4);
                for (uint32_t i = 0; i < field_count(f); i++)
                        put_word(to, field_get(d, f, i), field_size(f->type));
        }
        dev_leave(d);
}

struct reader {
        const uint8_t *p;
        size_t left;
        bool bad;
};

static const uint8_t *get_bytes(struct reader *r, size_t n)
{
        const uint8_t *p = r->p;

        if (r->bad || n > r->left) {
                r->bad = true;
                return NULL;
        }
        r->p += n;
        r->left -= n;
        return p;
}

static uint64_t get_word(struct reader *r, unsigned size)
{
        const uint8_t *p = get_bytes(r, size);
        uint64_t v = 0;

        for (unsigned i = 0; p && i < size; i++)
                v |= (uint64_t)p[i] << (8 * i);
        return v;
}

static bool get_string(struct reader *r, char buf[256])
{
        size_t len = get_word(r, 1);
        const uint8_t *p = get_bytes(r, len);

        buf[0] = 0;
        if (!p)
                return false;
        memcpy(buf, p, len);
        buf[len] = 0;
        return true;
}

/* One pass over the record: the first checks, the second (@apply) stores. */
static bool dev_load_pass(struct dev *d, struct reader *r, bool apply, GError **error)
{
        char name[256], id[256];
        const uint8_t *magic = get_bytes(r, sizeof(dev_magic));
        const struct dev_field *f = d->class->state;
        uint32_t n;

        if (!magic || memcmp(magic, dev_magic, sizeof(dev_magic)) || !get_string(r, name) ||
            !get_string(r, id))
                return error_set(error, RHEA_ERROR_FILE, "%s: this is not a device's state", d->id);
        if (strcmp(name, d->class->name) || strcmp(id, d->id))
                return error_set(error, RHEA_ERROR_FILE, "%s (%s): the state is that of %s (%s)", d->id,
                                 d->class->name, id, name);
        n = get_word(r, 4);
        for (; f && f->name; f++, n--) {
                unsigned type;
                uint32_t count;

                if (!n || !get_string(r, name) || strcmp(name, f->name))
                        return error_set(error, RHEA_ERROR_FILE, "%s: the state lacks %s", d->id, f->name);
                type = get_word(r, 1);
                count = get_word(r, 4);
                if (type != f->type || count != field_count(f) ||
                    r->left < (size_t)count * field_size(f->type))
                        return error_set(error, RHEA_ERROR_FILE, "%s: %s has another type or size", d->id,
                                         f->name);
                for (uint32_t i = 0; i < count; i++) {
                        uint64_t v = get_word(r, field_size(f->type));

                        if (apply)
                                field_put(d, f, i, v);
                }
        }
        if (n || r->bad)
                return error_set(error, RHEA_ERROR_FILE,
                                 "%s: the state has fields that this version does not know",
                                 d->id);
        return true;
}

bool dev_load(struct dev *d, const uint8_t *from, size_t len, size_t *used, GError **error)
{
        struct reader r = {from, len, false};
        bool ok = true;

        if (!dev_load_pass(d, &r, false, error))
                return false;
        if (used)
                *used = len - r.left;
        r = (struct reader){from, len, false};
        dev_enter(d);
        dev_load_pass(d, &r, true, NULL);
        if (d->class->loaded)
                ok = d->class->loaded(d, error);
        if (!ok && d->class->reset)
                d->class->reset(d); /* better than a state that makes no sense */
        dev_leave(d);
        if (!ok)
                error_prefix(error, "%s", d->id);
        return ok;
}
