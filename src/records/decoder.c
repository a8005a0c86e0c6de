#include "records/decoder.h"

#include "base/check.h"
#include "base/unpack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct decoder {
    enum decoder_kind kind;
    struct unpack *unpack;
    bool inside;    /* of a member or frame */
    bool has_more;  /* it may have output without further input */
    bool was_whole; /* a member or frame has ended, and the next one has not begun */
    char error[200];
};

/* In a pattern of first bytes, what may be any byte and what may be any but NUL. */
enum { ANY = 0x100, ANY_TEXT = 0x101 };

#define UNPACK_WITH(name, program) \
    "it is packed with " name ": unpack it (" program " FILE | ringsend ... -)"
#define TEXT_OF(name, iconv) \
    "it is " name ", and UTF-8 is read: iconv -f " iconv " -t UTF-8 makes it so"

/* The first that fits counts. */
static const struct magic {
    enum decoder_kind kind;
    size_t bytes;
    uint16_t pattern[DECODER_MAGIC_BYTES];
    const char *foreign;
} magics[] = {
    {DECODER_GZIP, 2, {0x1f, 0x8b}, NULL},
    {DECODER_ZSTD, 4, {0x28, 0xb5, 0x2f, 0xfd}, NULL},
    /* A skippable frame, as pzstd begins with: 0x184d2a50 to 0x184d2a5f. */
    {DECODER_ZSTD, 4, {ANY, 0x2a, 0x4d, 0x18}, NULL},
    {DECODER_FOREIGN,
     10,
     {'B', 'Z', 'h', ANY_TEXT, '1', 'A', 'Y', '&', 'S', 'Y'},
     UNPACK_WITH("bzip2", "bzip2 -dc")},
    {DECODER_FOREIGN, 6, {0xfd, '7', 'z', 'X', 'Z', 0}, UNPACK_WITH("xz", "xz -dc")},
    {DECODER_FOREIGN, 4, {0x04, 0x22, 0x4d, 0x18}, UNPACK_WITH("lz4", "lz4 -dc")},
    {DECODER_FOREIGN, 4, {0x02, 0x21, 0x4c, 0x18}, UNPACK_WITH("lz4", "lz4 -dc")},
    {DECODER_FOREIGN, 4, {'P', 'K', 3, 4}, UNPACK_WITH("zip", "unzip -p")},
    {DECODER_FOREIGN, 6, {'7', 'z', 0xbc, 0xaf, 0x27, 0x1c}, UNPACK_WITH("7-Zip", "7z x -so")},
    {DECODER_FOREIGN, 5, {'L', 'Z', 'I', 'P', 1}, UNPACK_WITH("lzip", "lzip -dc")},
    {DECODER_FOREIGN, 2, {0x1f, 0x9d}, UNPACK_WITH("compress", "gzip -dc")},
    {DECODER_FOREIGN, 5, {'P', 'A', 'R', '1', 0x15}, "it is Parquet: make JSON lines or CSV of it"},
    {DECODER_FOREIGN, 4, {0xff, 0xfe, 0, 0}, TEXT_OF("UTF-32", "UTF-32")},
    {DECODER_FOREIGN, 4, {0, 0, 0xfe, 0xff}, TEXT_OF("UTF-32", "UTF-32")},
    {DECODER_FOREIGN, 4, {ANY_TEXT, 0, 0, 0}, TEXT_OF("UTF-32", "UTF-32LE")},
    {DECODER_FOREIGN, 4, {0, 0, 0, ANY_TEXT}, TEXT_OF("UTF-32", "UTF-32BE")},
    {DECODER_FOREIGN, 2, {0xff, 0xfe}, TEXT_OF("UTF-16", "UTF-16")},
    {DECODER_FOREIGN, 2, {0xfe, 0xff}, TEXT_OF("UTF-16", "UTF-16")},
    {DECODER_FOREIGN, 4, {ANY_TEXT, 0, ANY_TEXT, 0}, TEXT_OF("UTF-16", "UTF-16LE")},
    {DECODER_FOREIGN, 4, {0, ANY_TEXT, 0, ANY_TEXT}, TEXT_OF("UTF-16", "UTF-16BE")},
};

static bool fits(unsigned char byte, uint16_t pattern)
{
    return pattern == ANY        ? (byte & 0xf0) == 0x50
           : pattern == ANY_TEXT ? byte > 0 && byte < 0x80
                                 : byte == pattern;
}

/* The one that the bytes are of, or may become; null: none. */
static const struct magic *magic_of(struct ringsend_bytes start)
{
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) {
        size_t at = 0;
        while (at < start.bytes && at < magics[i].bytes &&
               fits((unsigned char)start.data[at], magics[i].pattern[at]))
            at++;
        if (at == start.bytes || at == magics[i].bytes)
            return &magics[i];
    }
    return NULL;
}

enum decoder_kind decoder_kind_of(struct ringsend_bytes start)
{
    const struct magic *magic = magic_of(start);
    if (!magic)
        return DECODER_NONE;
    return start.bytes < magic->bytes ? DECODER_UNKNOWN : magic->kind;
}

const char *decoder_foreign_text(struct ringsend_bytes start)
{
    return magic_of(start)->foreign;
}

struct decoder *decoder_new(enum decoder_kind kind)
{
    struct decoder *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->kind = kind;
    d->unpack = unpack_new(NULL, UNPACK_WINDOW_FILE);
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

bool decoder_was_whole(const struct decoder *d)
{
    return d->was_whole;
}

static void fail(struct decoder *d, const char *why)
{
    const char *name = d->kind == DECODER_GZIP ? "gzip" : "zstd";
    if (unpack_is_too_large(d->unpack))
        snprintf(d->error, sizeof d->error,
                 "its zstd window is larger than 128 MiB, more than zstd reads without being told "
                 "to: unpack it (zstd -dc --long=31 FILE | ringsend ... -)");
    else
        snprintf(d->error, sizeof d->error, "damaged %s data: %s", name, why);
}

/* As gzip, which warns of it. */
static void fail_behind(struct decoder *d)
{
    const char *name = d->kind == DECODER_GZIP ? "gzip" : "zstd";
    d->was_whole = true;
    snprintf(d->error, sizeof d->error,
             "the %s data are whole, and something that is none follows them", name);
}

static void no_memory(struct decoder *d)
{
    snprintf(d->error, sizeof d->error, "memory is out");
}

/* To the next member or frame, if there is one. Its first byte tells it from rubbish: the rest of
 * its magic may not be there yet. Zeros fill what is left of a tape's block, and mean nothing. */
static void begin(struct decoder *d, struct ringsend_bytes *encoded)
{
    while (encoded->bytes > 0 && *encoded->data == '\0') {
        encoded->data++;
        encoded->bytes--;
    }
    if (encoded->bytes == 0)
        return;
    struct ringsend_bytes first = {encoded->data, encoded->bytes < 2 ? 1 : 2};
    const struct magic *magic = magic_of(first);
    if (!magic || magic->kind != d->kind) {
        fail_behind(d);
        return;
    }
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
