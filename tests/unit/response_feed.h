/* For the tests of http/response.c: a way to feed it, and buffers.
 *
 * Every response is fed whole, split in two at every place, and byte by byte, each piece against an
 * unmapped page, and must come out the same each time.
 *
 * The buffers stand in place of base/buf.c: as large as asked for and not a byte more, so that the
 * sanitizer sees any excess, and failing on demand. */
#ifndef RINGSEND_TESTS_RESPONSE_FEED_H
#define RINGSEND_TESTS_RESPONSE_FEED_H

#include "base/check.h"
#include "guard.h"
#include "http/response.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- Buffers ---- */

static long blocks_out; /* not yet released */
static long grows;      /* since the test began */
static long grow_fails; /* the n-th growth fails; 0: none */

static inline int forget(void **state)
{
    (void)state;
    blocks_out = grows = grow_fails = 0;
    return 0;
}

bool buf_reserve(struct buf_pool *pool, struct buf *b, size_t more)
{
    (void)pool;
    if (b->capacity - b->bytes >= more)
        return true;
    if (++grows == grow_fails)
        return false;
    blocks_out += b->data ? 0 : 1;
    b->capacity = b->bytes + more;
    b->data = realloc(b->data, b->capacity);
    assert_non_null(b->data);
    return true;
}

bool buf_append(struct buf_pool *pool, struct buf *b, const void *data, size_t bytes)
{
    if (bytes == 0)
        return true;
    if (!buf_reserve(pool, b, bytes))
        return false;
    memcpy(b->data + b->bytes, data, bytes);
    b->bytes += bytes;
    return true;
}

void buf_give_back(struct buf_pool *pool, struct buf *b)
{
    (void)pool;
    blocks_out--;
    free(b->data);
    *b = (struct buf){0};
}

/* ---- Responses ---- */

static const struct response_limits lax = {65536, 256, 64 << 20, false, true};
static const struct response_limits strict = {65536, 256, 64 << 20, true, true};
static const struct response_limits narrow = {200, 5, 10, false, false};

#define BAD(name) RINGSEND_E_##name
#define OK200 "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK200 "Transfer-Encoding: chunked\r\n\r\n"

/* Feeds until an outcome, in the given way. Returns the outcome; *left as in the row. */
static inline enum response_next feed(struct response *r, struct guard *guard, const char *wire,
                                      size_t bytes, size_t way, bool eof, size_t *left)
{
    enum response_next next = RESPONSE_MORE;
    size_t at = 0, taken = 0;
    while (at < bytes && next == RESPONSE_MORE) {
        size_t piece = guard_piece(way, bytes, at), used = SIZE_MAX;
        next = response_feed(r, guard_put(guard, wire + at, piece), piece, &used);
        assert_true(used <= piece);
        if (next == RESPONSE_MORE)
            assert_int_equal(used, piece);
        at += piece;
        taken += used;
    }
    assert_int_equal(r->wire_bytes, taken);
    *left = bytes - taken;
    return next == RESPONSE_MORE && eof ? response_eof(r) : next;
}

#endif
