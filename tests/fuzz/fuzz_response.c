#include "http/response.h"

#include "base/check.h"

/* Any bytes as a response: whole, and byte by byte, must come to the same end. The first byte of
 * the input chooses limits, method and streaming. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static enum ringsend_error run(const char *wire, size_t bytes, size_t piece, uint8_t choice,
                               size_t *body_bytes)
{
    const struct response_limits limits = {.head_bytes = choice & 1 ? 256 : 65536,
                                           .head_lines = choice & 2 ? 8 : 256,
                                           .body_bytes = choice & 4 ? 16 : 1 << 20,
                                           .strict = (choice & 8) != 0,
                                           .store_headers = (choice & 16) != 0};
    const struct ringsend_status_set streamed = {.bits = {0, ~0ull << 36, ~0ull, 0xff}}; /* 2xx */
    struct buf_pool pool;
    struct response r;
    enum response_next next = RESPONSE_MORE;
    buf_pool_init(&pool);
    response_init(&r, &limits, &pool, (choice & 32) != 0);
    if (choice & 64)
        response_stream(&r, &streamed, (choice & 128) != 0);
    for (size_t at = 0; at < bytes && next == RESPONSE_MORE;) {
        size_t length = piece < bytes - at ? piece : bytes - at, used;
        next = response_feed(&r, wire + at, length, &used);
        CHECK(used <= length && (next != RESPONSE_MORE || used == length));
        at += used;
    }
    if (next == RESPONSE_MORE)
        next = response_eof(&r);
    CHECK((next == RESPONSE_DONE) == (r.error == RINGSEND_OK));
    CHECK(next == RESPONSE_DONE || r.detail);
    CHECK(r.streams || (r.body.bytes <= limits.body_bytes && r.streamed_bytes == 0));
    CHECK(!r.streams || r.body.bytes == (choice & 128 ? 0 : r.streamed_bytes));
    enum ringsend_error error = r.error;
    *body_bytes = error ? 0 : r.body.bytes + r.streamed_bytes;
    response_release(&r);
    buf_pool_free(&pool);
    return error;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (bytes == 0)
        return 0;
    const char *wire = (const char *)data + 1;
    size_t whole_bytes, single_bytes;
    enum ringsend_error whole = run(wire, bytes - 1, bytes, data[0], &whole_bytes);
    enum ringsend_error single = run(wire, bytes - 1, 1, data[0], &single_bytes);
    CHECK(whole == single && whole_bytes == single_bytes);
    return 0;
}
