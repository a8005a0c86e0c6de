/* libFuzzer: histogram logs. Any bytes as a log, and as the inside of a compressed histogram, so
 * that the fuzzer needs no luck with base64 and zlib. What was read can be written, and comes back
 * the same. */
#include "base/base64.h"
#include "base/check.h"
#include "base/span.h"
#include "bench/hdr.h"
#include "bench/hlog.h"

#include <stdlib.h>
#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void read_histogram(struct ringsend_bytes text)
{
    struct histogram h, back;
    CHECK(histogram_init(&h, HDR_PRECISION) && histogram_init(&back, HDR_PRECISION));
    const char *error = hdr_decode(text, &h);
    if (!error) {
        char *again = hdr_encode(&h);
        CHECK(again && !hdr_decode(span_of(again), &back));
        CHECK(h.count == back.count);
        CHECK(memcmp(h.counts, back.counts, h.buckets * sizeof h.counts[0]) == 0);
        free(again);
    }
    histogram_free(&h);
    histogram_free(&back);
}

static void read_log(struct ringsend_bytes text)
{
    struct hlog log;
    struct hlog_interval interval;
    enum hlog_next next;
    hlog_init(&log, text);
    while ((next = hlog_next(&log, &interval)) != HLOG_END) {
        CHECK(log.line > 0 && (next != HLOG_BAD || log.error));
        if (next == HLOG_INTERVAL)
            read_histogram(interval.histogram);
    }
}

static void read_packed(const uint8_t *data, size_t bytes)
{
    static const uint8_t cookie[4] = {0x1c, 0x84, 0x93, 0x14};
    uLongf room = compressBound(bytes);
    uint8_t *packed = malloc(8 + room);
    char *text = malloc(base64_bytes(8 + room));
    CHECK(packed && text && compress2(packed + 8, &room, data, bytes, 1) == Z_OK);
    memcpy(packed, cookie, sizeof cookie);
    for (int i = 0; i < 4; i++)
        packed[4 + i] = (uint8_t)(room >> (24 - 8 * i));
    char *end = base64_encode((struct ringsend_bytes){(const char *)packed, 8 + room}, text);
    read_histogram((struct ringsend_bytes){text, (size_t)(end - text)});
    free(text);
    free(packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    read_log((struct ringsend_bytes){(const char *)data, bytes});
    read_packed(data, bytes);
    return 0;
}
