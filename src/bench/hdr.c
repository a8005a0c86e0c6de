/* The format, from the inside out. All integers are big-endian.
 *
 *   payload     the counts of the buckets in order, each as a zigzag number in at most nine bytes
 *               of seven bits, the lowest first (the ninth has eight): n >= 0 is a count, n < 0
 *               stands for -n empty buckets
 *   histogram   cookie, payload's bytes, normalizing offset, significant digits (four int32),
 *               lowest and highest value (int64), ratio (double); payload
 *   compressed  cookie, bytes that follow (two int32); the histogram as a zlib stream
 *   text        that in base64
 *
 * Buckets. With d digits there are 2^m >= 2 * 10^d of width 1 (times the lowest value's power of
 * two), then 2^(m-1) for each further power of two. For d = 3 and lowest value 1, m is 11: 2048
 * buckets of width 1, then 1024 each. Ours of precision 10 are 1024 of width 1, and 1024 each from
 * there, of which the first have width 1 too: the same buckets with the same numbers.
 *
 * What is read comes from anywhere: the stream is inflated piece by piece, so that a small text
 * cannot ask for much memory, and ends with the last bucket that a 63-bit value can have. */
#define ZLIB_CONST /* input is not changed */
#include "bench/hdr.h"

#include "base/base64.h"
#include "base/check.h"
#include "base/time.h"

#include <endian.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    /* The second digit is the word size, of which V2 only uses the lowest bit. */
    COOKIE_HISTOGRAM = 0x1c849313,
    COOKIE_COMPRESSED = 0x1c849314,
    COOKIE_WORD_SIZE = 0xf0,
    HEAD_BYTES = 40,
    COMPRESSED_HEAD_BYTES = 8,
    NUMBER_BYTES_MAX = 9,
    DIGITS = 3,
    VALUE_BITS = 63,
    WINDOW_BYTES = 1024,
};

#define RATIO_ONE 0x3ff0000000000000u /* 1.0 */
#define HIGHEST_MIN NS_PER_HOUR       /* an hour, as most writers have it */

static const char *const memory_is_out = "memory is out";

/* ---- writing ---- */

static uint8_t *put_be32(uint8_t *to, uint32_t number)
{
    number = htobe32(number);
    memcpy(to, &number, sizeof number);
    return to + sizeof number;
}

static uint8_t *put_be64(uint8_t *to, uint64_t number)
{
    number = htobe64(number);
    memcpy(to, &number, sizeof number);
    return to + sizeof number;
}

static uint8_t *put_zigzag(uint8_t *to, int64_t number)
{
    uint64_t left = (uint64_t)number << 1 ^ (uint64_t)(number >> 63);
    for (unsigned i = 1; i < NUMBER_BYTES_MAX && left > 0x7f; i++) {
        *to++ = (uint8_t)(left | 0x80);
        left >>= 7;
    }
    *to++ = (uint8_t)left;
    return to;
}

static uint8_t *put_counts(uint8_t *to, const struct histogram *h, size_t used)
{
    for (size_t i = 0; i < used;) {
        size_t empty = 0;
        while (i + empty < used && h->counts[i + empty] == 0)
            empty++;
        if (empty > 1) {
            to = put_zigzag(to, -(int64_t)empty);
            i += empty;
        } else {
            CHECK(h->counts[i] <= INT64_MAX);
            to = put_zigzag(to, (int64_t)h->counts[i++]);
        }
    }
    return to;
}

/* Values of 2^63 and more, 292 years, have no place there: they are left out. */
static size_t buckets_used(const struct histogram *h)
{
    size_t used = (size_t)(VALUE_BITS - HDR_PRECISION + 1) << HDR_PRECISION;
    while (used > 0 && h->counts[used - 1] == 0)
        used--;
    return used;
}

static size_t put_histogram(uint8_t *start, const struct histogram *h, size_t used)
{
    uint64_t highest = used > 0 ? histogram_upper_edge(h, used - 1) : 0;
    uint8_t *end = put_counts(start + HEAD_BYTES, h, used);
    uint8_t *to = put_be32(start, COOKIE_HISTOGRAM);
    to = put_be32(to, (uint32_t)(end - start - HEAD_BYTES));
    to = put_be32(to, 0);
    to = put_be32(to, DIGITS);
    to = put_be64(to, 1);
    to = put_be64(to, highest > HIGHEST_MIN ? highest : HIGHEST_MIN);
    to = put_be64(to, RATIO_ONE);
    CHECK(to == start + HEAD_BYTES);
    return (size_t)(end - start);
}

char *hdr_encode(const struct histogram *h)
{
    CHECK(h->precision == HDR_PRECISION);
    size_t used = buckets_used(h), room = HEAD_BYTES + used * NUMBER_BYTES_MAX;
    uLongf bytes = compressBound((uLong)room);
    uint8_t *plain = malloc(room), *packed = malloc(COMPRESSED_HEAD_BYTES + bytes);
    char *text = NULL;
    if (plain && packed &&
        compress2(packed + COMPRESSED_HEAD_BYTES, &bytes, plain, put_histogram(plain, h, used),
                  Z_BEST_COMPRESSION) == Z_OK) {
        put_be32(put_be32(packed, COOKIE_COMPRESSED), (uint32_t)bytes);
        bytes += COMPRESSED_HEAD_BYTES;
        text = malloc(base64_bytes(bytes) + 1);
        if (text)
            *base64_encode((struct ringsend_bytes){(const char *)packed, bytes}, text) = '\0';
    }
    free(packed);
    free(plain);
    return text;
}

/* ---- reading ---- */

struct inflation {
    z_stream z;
    uint8_t window[WINDOW_BYTES];
    size_t at, filled;
    bool ended; /* the stream has come to its end, checksum and all */
    const char *error;
};

/* False at the end of the stream and when it is broken, which `error` tells apart. */
static bool inflation_fill(struct inflation *in)
{
    while (in->at == in->filled && !in->ended && !in->error) {
        in->z.next_out = in->window;
        in->z.avail_out = sizeof in->window;
        int status = inflate(&in->z, Z_NO_FLUSH);
        in->at = 0;
        in->filled = sizeof in->window - in->z.avail_out;
        in->ended = status == Z_STREAM_END;
        if (status == Z_MEM_ERROR)
            in->error = memory_is_out;
        else if (status == Z_BUF_ERROR)
            in->error = "the compressed histogram is cut off";
        else if (status != Z_OK && status != Z_STREAM_END)
            in->error = "the compressed histogram is damaged";
    }
    return in->at < in->filled;
}

static bool take(struct inflation *in, uint8_t *out, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (!inflation_fill(in)) {
            if (!in->error)
                in->error = "the histogram is shorter than it says";
            return false;
        }
        out[i] = in->window[in->at++];
    }
    return true;
}

/* One number, of at most *left bytes. */
static bool take_zigzag(struct inflation *in, uint32_t *left, int64_t *number)
{
    uint64_t all = 0;
    uint8_t byte;
    unsigned shift = 0;
    do {
        if (*left == 0) {
            in->error = "the histogram ends inside a count";
            return false;
        }
        if (!take(in, &byte, 1))
            return false;
        --*left;
        all |= (uint64_t)(shift == 56 ? byte : byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80 && shift < 63);
    *number = (int64_t)(all >> 1 ^ -(all & 1));
    return true;
}

static uint32_t be32_at(const uint8_t *at)
{
    uint32_t number;
    memcpy(&number, at, sizeof number);
    return be32toh(number);
}

static uint64_t be64_at(const uint8_t *at)
{
    uint64_t number;
    memcpy(&number, at, sizeof number);
    return be64toh(number);
}

/* The buckets of the histogram that is read. */
struct layout {
    unsigned unit;      /* log2 of the width of the first ones */
    unsigned magnitude; /* log2 of how many of those there are */
    uint64_t buckets;   /* up to the last that a value can have */
    uint32_t payload_bytes;
};

static bool read_head(struct inflation *in, struct layout *layout)
{
    uint8_t head[HEAD_BYTES];
    if (!take(in, head, sizeof head))
        return false;
    uint32_t offset = be32_at(head + 8), digits = be32_at(head + 12);
    uint64_t lowest = be64_at(head + 16), ratio = be64_at(head + 32);
    layout->payload_bytes = be32_at(head + 4);
    if ((be32_at(head) & ~(uint32_t)COOKIE_WORD_SIZE) !=
        (COOKIE_HISTOGRAM & ~(uint32_t)COOKIE_WORD_SIZE))
        in->error = "not an HdrHistogram in V2 encoding";
    else if (layout->payload_bytes > INT32_MAX || digits > 5 || lowest < 1 || lowest > INT64_MAX)
        in->error = "the head of the histogram is damaged";
    /* hdr-histogram-js writes an offset of 1 and an integer where the ratio belongs, and means 0
     * and 1.0. */
    else if (!(offset == 0 && ratio == RATIO_ONE) && !(offset == 1 && ratio == 1))
        in->error = "histograms of fractions (DoubleHistogram) are not understood";
    if (in->error)
        return false;
    uint64_t single = 2;
    while (digits-- > 0)
        single *= 10;
    layout->magnitude = 0;
    while ((uint64_t)1 << layout->magnitude < single)
        layout->magnitude++;
    layout->unit = VALUE_BITS - (unsigned)__builtin_clzll(lowest);
    if (layout->unit + layout->magnitude > VALUE_BITS) {
        in->error = "the head of the histogram is damaged";
        return false;
    }
    layout->buckets = (uint64_t)(VALUE_BITS - layout->unit - layout->magnitude + 2)
                      << (layout->magnitude - 1);
    return true;
}

static uint64_t layout_upper_edge(const struct layout *layout, uint64_t bucket)
{
    unsigned half = layout->magnitude - 1, shift = layout->unit;
    uint64_t group = bucket >> half;
    if (group > 1) { /* the first two have the same width */
        shift += (unsigned)group - 1;
        bucket = (bucket & (((uint64_t)1 << half) - 1)) + ((uint64_t)1 << half);
    }
    return (bucket << shift) + (((uint64_t)1 << shift) - 1);
}

static void read_counts(struct inflation *in, const struct layout *layout, struct histogram *into)
{
    uint32_t left = layout->payload_bytes;
    uint64_t bucket = 0;
    int64_t number;
    while (left > 0) {
        if (!take_zigzag(in, &left, &number))
            return;
        uint64_t buckets = number < 0 ? -(uint64_t)number : 1;
        if (buckets > layout->buckets - bucket) {
            in->error = "the histogram has more buckets than there are values";
            return;
        }
        if (number > 0) {
            if ((uint64_t)number > (uint64_t)INT64_MAX - into->count) {
                in->error = "the counts of the histogram are too large to be added up";
                return;
            }
            histogram_add_many(into, layout_upper_edge(layout, bucket), (uint64_t)number);
        }
        bucket += buckets;
    }
    if (inflation_fill(in))
        in->error = "the histogram is longer than it says";
}

static const char *decode(const uint8_t *packed, size_t bytes, struct histogram *into)
{
    if (bytes < COMPRESSED_HEAD_BYTES || (be32_at(packed) & ~(uint32_t)COOKIE_WORD_SIZE) !=
                                             (COOKIE_COMPRESSED & ~(uint32_t)COOKIE_WORD_SIZE))
        return "not a compressed HdrHistogram in V2 encoding";
    uint32_t stream_bytes = be32_at(packed + 4);
    if (stream_bytes > bytes - COMPRESSED_HEAD_BYTES)
        return "the compressed histogram is cut off";
    struct inflation in = {
        .z = {.next_in = packed + COMPRESSED_HEAD_BYTES, .avail_in = stream_bytes}};
    struct layout layout;
    if (inflateInit(&in.z) != Z_OK)
        return memory_is_out;
    if (read_head(&in, &layout))
        read_counts(&in, &layout, into);
    inflateEnd(&in.z);
    return in.error;
}

const char *hdr_decode(struct ringsend_bytes text, struct histogram *into)
{
    size_t bytes;
    char *packed = malloc(text.bytes / 4 * 3 + 1);
    if (!packed)
        return memory_is_out;
    const char *error = base64_decode(text, packed, &bytes)
                            ? decode((const uint8_t *)packed, bytes, into)
                            : "a histogram that is not base64";
    free(packed);
    return error;
}
