#include "batch/decoder.h"

#include "base/check.h"
#include "base/unpack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct decoder {
    enum decoder_kind kind;
    struct unpack *unpack;
    bool inside;   /* of a member or frame */
    bool has_more; /* it may have output without further input */
    char error[160];
};

static const unsigned char gzip_magic[] = {0x1f, 0x8b};
static const unsigned char zstd_magic[] = {0x28, 0xb5, 0x2f, 0xfd};

static enum decoder_kind compare(struct ringsend_bytes start, const unsigned char *magic,
                                 size_t magic_bytes, enum decoder_kind kind)
{
    size_t bytes = start.bytes < magic_bytes ? start.bytes : magic_bytes;
    if (bytes > 0 && memcmp(start.data, magic, bytes) != 0)
        return DECODER_NONE;
    return bytes == magic_bytes ? kind : DECODER_UNKNOWN;
}

enum decoder_kind decoder_kind_of(struct ringsend_bytes start)
{
    enum decoder_kind gzip = compare(start, gzip_magic, sizeof gzip_magic, DECODER_GZIP);
    return gzip != DECODER_NONE ? gzip
                                : compare(start, zstd_magic, sizeof zstd_magic, DECODER_ZSTD);
}

struct decoder *decoder_new(enum decoder_kind kind)
{
    struct decoder *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->kind = kind;
    d->unpack = unpack_new(NULL);
    if (!d->unpack) {
        free(d);
        return NULL;
    }
    return d;
}

void decoder_free(struct decoder *d)
{
    if (!d)
        return;
    unpack_free(d->unpack);
    free(d);
}

const char *decoder_error(const struct decoder *d)
{
    return d->error[0] ? d->error : NULL;
}

static void fail(struct decoder *d, const char *why)
{
    const char *name = d->kind == DECODER_GZIP ? "gzip" : "zstd";
    snprintf(d->error, sizeof d->error, "damaged %s data: %s", name, why);
}

static void no_memory(struct decoder *d)
{
    snprintf(d->error, sizeof d->error, "memory is out");
}

/* To the next member or frame, if there is one. Zeros fill what is left of a tape's block, and mean
 * nothing. */
static void begin(struct decoder *d, struct ringsend_bytes *encoded)
{
    while (d->kind == DECODER_GZIP && encoded->bytes > 0 && *encoded->data == '\0') {
        encoded->data++;
        encoded->bytes--;
    }
    if (encoded->bytes == 0)
        return;
    d->inside = unpack_begin(d->unpack, d->kind == DECODER_GZIP ? UNPACK_GZIP : UNPACK_ZSTD);
    if (!d->inside)
        no_memory(d);
}

static size_t step(struct decoder *d, struct ringsend_bytes *encoded, char *out, size_t out_bytes)
{
    size_t made = 0;
    switch (unpack_step(d->unpack, encoded, out, out_bytes, &made)) {
    case UNPACK_MORE:
        d->has_more = made == out_bytes;
        break;
    case UNPACK_END:
        d->inside = false;
        break;
    case UNPACK_BAD:
        fail(d, unpack_fault(d->unpack));
        break;
    case UNPACK_NO_MEMORY:
        no_memory(d);
        break;
    }
    return made;
}

size_t decoder_run(struct decoder *d, struct ringsend_bytes *encoded, char *out, size_t out_bytes)
{
    CHECK(out_bytes > 0);
    size_t made = 0;
    while (made == 0 && !decoder_error(d) && (encoded->bytes > 0 || d->has_more)) {
        d->has_more = false;
        if (!d->inside)
            begin(d, encoded);
        if (d->inside)
            made = step(d, encoded, out, out_bytes);
    }
    return made;
}

void decoder_end(struct decoder *d)
{
    if (d->inside && !decoder_error(d))
        fail(d, "it ends too early");
}
