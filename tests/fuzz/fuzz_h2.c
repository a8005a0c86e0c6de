#include "http2/h2.h"

#include "base/check.h"
#include "base/memory.h"

#include <stdint.h>
#include <string.h>

/* Any bytes of a peer: to a client that has asked for one thing, or to a server that answers
 * nothing, behind a preface. Whole, and byte by byte, they must come to the same end, within
 * bounds. The first byte of the input chooses the side and the limits. */

enum { STREAMS_MAX = 100, MEMORY_BYTES_MAX = 2 << 20 };

struct outcome {
    enum h2_failure failure;
    size_t text_bytes;
    uint32_t text_sum;
    unsigned ended;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void drain(struct h2 *h)
{
    char out[1024];
    while (h2_take(h, out, sizeof out) > 0)
        ;
}

static void add(struct outcome *o, const struct h2_stream *s)
{
    struct ringsend_bytes text = h2_peek(s);
    if (!s->in_ended || s->error != RINGSEND_OK || (s->is_over && s->code != H2_NO_ERROR))
        return;
    o->ended++;
    /* How a body is cut into chunks depends on the pieces in which it came. */
    if (s->is_chunked)
        return;
    o->text_bytes += text.bytes;
    for (size_t i = 0; text.data && i < text.bytes; i++)
        o->text_sum = o->text_sum * 31 + (unsigned char)text.data[i];
}

static struct outcome run(const char *wire, size_t bytes, size_t piece, uint8_t choice)
{
    struct memory memory = {0};
    struct buf_pool pool;
    struct outcome o = {0};
    const char *detail;
    struct h2_stream *streams[STREAMS_MAX] = {0};
    size_t count = 0;
    bool is_server = choice & 1;
    buf_pool_init(&pool);
    pool.memory = &memory;
    struct h2_options options = {.server = is_server,
                                 .streams_max = choice & 2 ? 2 : 100,
                                 .head_bytes = choice & 4 ? 64 : 4096,
                                 .head_lines = choice & 8 ? 3 : 100,
                                 .memory = &memory};
    struct h2 *h = h2_new(&options, &pool);
    CHECK(h);
    if (is_server)
        h2_feed(h, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", H2_PREFACE_BYTES);
    else
        streams[count++] = h2_open(h, SPAN("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), false, NULL);
    for (size_t at = 0; at < bytes; at += piece) {
        drain(h);
        h2_feed(h, wire + at, piece < bytes - at ? piece : bytes - at);
        drain(h);
        for (struct h2_stream *s; (s = h2_news(h));) {
            bool is_known = false;
            for (size_t i = 0; i < count; i++)
                is_known |= streams[i] == s;
            if (!is_known && count < STREAMS_MAX)
                streams[count++] = s;
        }
        CHECK(memory.used_bytes <= MEMORY_BYTES_MAX);
    }
    drain(h);
    for (size_t i = 0; i < count; i++)
        add(&o, streams[i]);
    o.failure = h2_failure(h, &detail);
    CHECK(o.failure == H2_FINE || detail);
    h2_free(h);
    buf_pool_free(&pool);
    CHECK(memory.used_bytes == 0);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (bytes == 0 || h2_fault())
        return 0;
    const char *wire = (const char *)data + 1;
    struct outcome whole = run(wire, bytes - 1, bytes, data[0]),
                   single = run(wire, bytes - 1, 1, data[0]);
    /* Byte by byte our RST_STREAM leaves earlier, behind which more is forgiven; and a server has
     * many streams that it may be about. */
    CHECK(single.failure == H2_FINE || whole.failure != H2_FINE);
    CHECK(whole.failure != H2_FINE || (data[0] & 1) ||
          (whole.text_bytes == single.text_bytes && whole.text_sum == single.text_sum &&
           whole.ended == single.ended));
    return 0;
}
