#include "http/response.h"

#include "base/check.h"
#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* One row per behaviour. Each is fed whole, split in two at every place, and byte by byte, every
 * piece against an unmapped page, and must come out the same each time.
 *
 * The buffers are this file's own, in place of base/buf.c: as large as asked for and not a byte
 * more, so that the sanitizer sees any excess, and failing on demand. */

static long blocks_out; /* not yet released */
static long grows;      /* since the test began */
static long grow_fails; /* the n-th growth fails; 0: none */

static int forget(void **state)
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

void buf_release(struct buf_pool *pool, struct buf *b)
{
    (void)pool;
    blocks_out -= b->data ? 1 : 0;
    free(b->data);
    *b = (struct buf){0};
}

/* ---- Rows ----------------------------------------------------------------------------------- */

enum { HEAD_REQUEST = 1, STRICT = 2, EOF_AFTER = 4, KEEPS = 8 };

struct row {
    const char *wire;
    int flags;
    int status;                /* expected, as all below */
    enum ringsend_error error; /* 0: complete */
    const char *body;          /* of a complete response; null: empty */
    size_t left;               /* bytes behind the message */
};

static const struct response_limits lax = {65536, 256, 8, 64 << 20, false, true};
static const struct response_limits strict = {65536, 256, 8, 64 << 20, true, true};

#define BAD(name) RINGSEND_E_##name
#define OK200 "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK200 "Transfer-Encoding: chunked\r\n\r\n"

static const struct row rows[] = {
    /* framing by length, by chunks, by the end of the stream */
    {OK200 "Content-Length: 5\r\n\r\nhello", KEEPS, 200, 0, "hello", 0},
    {OK200 "content-length:5\r\n\r\nhello", KEEPS, 200, 0, "hello", 0},
    {OK200 "Content-Length: 0\r\n\r\n", KEEPS, 200, 0, NULL, 0},
    {"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", KEEPS, 404, 0, "no", 0},
    {CHUNKED "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", KEEPS, 200, 0, "hello world", 0},
    {CHUNKED "00A\r\n0123456789\r\n0\r\n\r\n", KEEPS, 200, 0, "0123456789", 0},
    {CHUNKED "0\r\n\r\n", KEEPS, 200, 0, NULL, 0},
    {CHUNKED "2;a=b\r\nhi\r\n0;e\r\n\r\n", KEEPS, 200, 0, "hi", 0},
    {CHUNKED "2\r\nhi\r\n0\r\nX-Sum: 1\r\nRetry-After: 9\r\n\r\n", KEEPS, 200, 0, "hi", 0},
    {OK200 "Transfer-Encoding:  CHUNKED\r\n\r\n0\r\n\r\n", KEEPS, 200, 0, NULL, 0},
    {OK200 "\r\nhello", EOF_AFTER, 200, 0, "hello", 0},
    {OK200 "\r\n", EOF_AFTER, 200, 0, NULL, 0},

    /* no body, whatever the head says */
    {OK200 "Content-Length: 5\r\n\r\n", HEAD_REQUEST | KEEPS, 200, 0, NULL, 0},
    {OK200 "\r\n", HEAD_REQUEST | KEEPS, 200, 0, NULL, 0},
    {CHUNKED, HEAD_REQUEST | KEEPS, 200, 0, NULL, 0},
    {OK200 "Content-Length: 18446744073709551615\r\n\r\n", HEAD_REQUEST | KEEPS, 200, 0, NULL, 0},
    {"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", KEEPS, 204, 0, NULL, 0},
    {"HTTP/1.1 204 No Content\r\n\r\n", KEEPS, 204, 0, NULL, 0},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n", KEEPS, 304, 0, NULL, 0},
    {"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", KEEPS, 304, 0, NULL, 0},
    {"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: gzip\r\n\r\n", KEEPS, 304, 0, NULL, 0},

    /* bytes behind the message stay where they are */
    {OK200 "Content-Length: 5\r\n\r\nhelloHTTP/1.1", KEEPS, 200, 0, "hello", 8},
    {OK200 "Content-Length: 0\r\n\r\n\r\n", KEEPS, 200, 0, NULL, 2},
    {OK200 "Content-Length: 0\nConnection: close\n\nxyz", 0, 200, 0, NULL, 3},
    {OK200 "Content-Length: 1\r\nConnection: close\r\n\r\nab", 0, 200, 0, "a", 1},
    {CHUNKED "0\r\n\r\nx", KEEPS, 200, 0, NULL, 1},
    {OK200 "Content-Length: 4\r\n\r\nbody", HEAD_REQUEST | KEEPS, 200, 0, NULL, 4},
    {"HTTP/1.1 204 x\r\nContent-Length: 4\r\n\r\nbody", KEEPS, 204, 0, NULL, 4},

    /* interim responses */
    {"HTTP/1.1 100 Continue\r\n\r\n" OK200 "Content-Length: 1\r\n\r\nx", KEEPS, 200, 0, "x", 0},
    {"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 100 \r\n\r\n" OK200 "\r\nx", EOF_AFTER,
     200, 0, "x", 0},
    {"HTTP/1.1 100 Continue\r\nConnection: close\r\n\r\n" OK200 "Content-Length: 1\r\n\r\nx", KEEPS,
     200, 0, "x", 0},
    {"HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n" OK200 "Content-Length: 1\r\n\r\nx", KEEPS,
     200, 0, "x", 0},
    {"HTTP/1.1 100 C\nTransfer-Encoding: chunked\n\n" OK200 "Content-Length: 1\r\n\r\nx", KEEPS,
     200, 0, "x", 0},
    {"HTTP/1.1 100 Continue\r\n\r\n", EOF_AFTER, 0, BAD(TRUNCATED_HEAD), NULL, 0},
    {"HTTP/1.1 100 Continue\r\n\r\n\r\n" OK200 "\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", 0, 101,
     BAD(UNEXPECTED_UPGRADE), NULL, 0},
    {"HTTP/1.1 101 Switching\r\n\r\n", 0, 101, BAD(UNEXPECTED_UPGRADE), NULL, 0},
    {OK200 "Upgrade: h2c\r\nConnection: upgrade\r\nContent-Length: 1\r\n\r\nx", KEEPS, 200, 0, "x",
     0},

    /* may the connection be kept? */
    {OK200 "Content-Length: 0\r\nConnection: close\r\n\r\n", 0, 200, 0, NULL, 0},
    {OK200 "Content-Length: 0\r\nConnection: close\t\r\n\r\n", 0, 200, 0, NULL, 0},
    {OK200 "Content-Length: 0\r\nConnection: foo, close\r\n\r\n", 0, 200, 0, NULL, 0},
    {OK200 "Content-Length: 0\r\nConnection: foo,CLOSE ,bar\r\n\r\n", 0, 200, 0, NULL, 0},
    {OK200 "Content-Length: 0\r\nConnection: close\r\nConnection: keep-alive\r\n\r\n", 0, 200, 0,
     NULL, 0},
    {OK200 "Content-Length: 0\r\nConnection: keep-alive, close\r\n\r\n", 0, 200, 0, NULL, 0},
    {OK200 "Content-Length: 0\r\nConnection: foo,\r\n close\r\n\r\n", 0, 200, 0, NULL, 0},
    {OK200
     "Content-Length: 0\r\nConnection: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaa, close\t\r\n\r\n",
     0, 200, 0, NULL, 0},
    {OK200 "Content-Length: 0\r\nConnection: closed\r\n\r\n", KEEPS, 200, 0, NULL, 0},
    {OK200 "Content-Length: 0\r\nX-Connection: close\r\n\r\n", KEEPS, 200, 0, NULL, 0},
    {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", 0, 200, 0, NULL, 0},
    {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: Keep-Alive\r\n\r\n", KEEPS, 200, 0, NULL,
     0},
    {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nProxy-Connection: keep-alive\r\n\r\n", 0, 200, 0,
     NULL, 0},
    {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0,
     200, 0, NULL, 0},
    {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nx", EOF_AFTER, 200, 0, "x", 0},

    /* status line */
    {"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", KEEPS, 200, 0, NULL, 0},
    {"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", KEEPS, 200, 0, NULL, 0},
    {"HTTP/1.1 599 caf\xe9\r\nContent-Length: 0\r\n\r\n", KEEPS, 599, 0, NULL, 0},
    {"HTTP/1.1 099 Low\r\n\r\n", 0, 0, BAD(BAD_STATUS), NULL, 0},
    {"HTTP/1.1 000 Low\r\n\r\n", 0, 0, BAD(BAD_STATUS), NULL, 0},
    {"HTTP/1.1 600 High\r\n\r\n", 0, 0, BAD(BAD_STATUS), NULL, 0},
    {"HTTP/1.1 999 High\r\n\r\n", 0, 0, BAD(BAD_STATUS), NULL, 0},
    {"HTTP/1.1 2000 Long\r\n\r\n", 0, 0, BAD(BAD_STATUS), NULL, 0},
    {"HTTP/1.1 20 Short\r\n\r\n", 0, 0, BAD(BAD_STATUS), NULL, 0},
    {"HTTP/1.1 abc\r\n\r\n", 0, 0, BAD(BAD_STATUS), NULL, 0},
    {"HTTP/2.0 200 OK\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {"HTTP/1.2 200 OK\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {"HTTP/0.9 200 OK\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {"HTTP/11 200 OK\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {"ICY 200 OK\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {"HTCPCP/1.1 200 OK\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {"http/1.1 200 OK\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {"\r" OK200 "\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {"\r\n" OK200 "\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {"\x15\x03\x01", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {"<html>", 0, 0, BAD(BAD_RESPONSE), NULL, 0},

    /* header lines */
    {OK200 "Content-Length: 0\r\nX: a\r\n b\r\n\r\n", KEEPS, 200, 0, NULL, 0},
    {OK200 "Content-Length: 0\r\nX: caf\xe9\r\nEmpty:\r\n\r\n", KEEPS, 200, 0, NULL, 0},
    {OK200 "X : a\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {OK200 ": a\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {OK200 "no colon\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {OK200 " X: folded\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {OK200 "X: a\rb\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {OK200 "X: a\r\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {OK200 "X: a\r\rY: b\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {OK200 "X\r\n: a\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {OK200 "\rX: a\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {OK200 "X: \x01\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {"HTTP/1.1 200 O\rK\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},

    /* bare LF: mended in heads, refused with strict, and never anywhere else */
    {"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", KEEPS, 200, 0, "hi", 0},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\n\r\nhi", KEEPS, 200, 0, "hi", 0},
    {"HTTP/1.1 200 OK\nContent-Length: 2\r\n\nhi", KEEPS, 200, 0, "hi", 0},
    {"HTTP/1.1 200 OK\n\n\na\nb\r\n", EOF_AFTER, 200, 0, "\na\nb\r\n", 0},
    {"HTTP/1.1 304 OK\n\n", KEEPS, 304, 0, NULL, 0},
    {"HTTP/1.1 200 OK\nX: a\n b\nContent-Length: 0\n\n", KEEPS, 200, 0, NULL, 0},
    {"HTTP/1.1 100 C\n\nHTTP/1.1 200 OK\nContent-Length: 1\n\nx", KEEPS, 200, 0, "x", 0},
    {"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", STRICT, 0, BAD(BAD_RESPONSE), NULL, 0},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\nhi", STRICT, 0, BAD(BAD_RESPONSE), NULL, 0},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\n\r\nhi", STRICT, 0, BAD(BAD_RESPONSE), NULL, 0},
    {OK200 "Content-Length: 2\r\n\r\n\n\n", STRICT | KEEPS, 200, 0, "\n\n", 0},
    {"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\r\nhi\r\n0\r\n\r\n", KEEPS, 200, 0, "hi", 0},
    {"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\nhi\r\n0\r\n\r\n", 0, 200, BAD(BAD_BODY),
     NULL, 0},
    {CHUNKED "2\r\nhi\n0\r\n\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "2\r\nhi\r\n0\n\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "2\r\nhi\r\n0\r\nX: a\n\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "2\r\nhi\r\n0\r\n\n", 0, 200, BAD(BAD_BODY), NULL, 0},

    /* contradictions about the length */
    {OK200 "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length: 3, 3\r\n\r\nabc", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length: 3 3\r\n\r\nabc", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length: -1\r\n\r\n", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length: +1\r\n\r\n", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length: 0x1\r\n\r\n", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length:\r\n\r\n", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length: 99999999999999999999\r\n\r\n", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 0, 0, BAD(BAD_FRAMING), NULL,
     0},
    {OK200 "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 0, 0, BAD(BAD_FRAMING), NULL,
     0},
    {OK200 "Content-Length: 9223372036854775808\r\n\r\n", 0, 200, BAD(BODY_TOO_LARGE), NULL, 0},

    /* codings that were not asked for */
    {OK200 "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 0, 200, BAD(UNSUPPORTED_CODING),
     NULL, 0},
    {OK200 "Transfer-Encoding: chunked, gzip\r\n\r\n", 0, 200, BAD(UNSUPPORTED_CODING), NULL, 0},
    {OK200 "Transfer-Encoding: gzip\r\n\r\n", 0, 200, BAD(UNSUPPORTED_CODING), NULL, 0},
    {OK200 "Transfer-Encoding: identity\r\n\r\n", 0, 200, BAD(UNSUPPORTED_CODING), NULL, 0},
    {OK200 "Transfer-Encoding: chunked, chunked\r\n\r\n", 0, 200, BAD(UNSUPPORTED_CODING), NULL, 0},
    {OK200 "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", 0, 200,
     BAD(UNSUPPORTED_CODING), NULL, 0},
    {OK200 "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 0, 200,
     BAD(UNSUPPORTED_CODING), NULL, 0},
    {OK200 "Transfer-Encoding: xchunked\r\n\r\n", 0, 200, BAD(UNSUPPORTED_CODING), NULL, 0},
    {OK200 "Transfer-Encoding:\r\n\r\n", 0, 200, BAD(UNSUPPORTED_CODING), NULL, 0},

    /* chunks */
    {CHUNKED "x\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "-1\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED " 1\r\na\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "0x1\r\na\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "11111111111111111\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "5\r\nhelloX\r\n0\r\n\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "5\r\nhello0\r\n\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "1\r\na\r\n0\r\nbad trailer\r\n\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "1\r\na\r\n0\r\n: x\r\n\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "ffffffff\r\na", EOF_AFTER, 200, BAD(TRUNCATED_BODY), NULL, 0},

    /* the stream ends early */
    {"", EOF_AFTER, 0, BAD(CLOSED_NO_RESPONSE), NULL, 0},
    {"H", EOF_AFTER, 0, BAD(TRUNCATED_HEAD), NULL, 0},
    {"HTTP/1.1 200 OK\r\n", EOF_AFTER, 0, BAD(TRUNCATED_HEAD), NULL, 0},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r", EOF_AFTER, 0, BAD(TRUNCATED_HEAD), NULL, 0},
    {OK200 "Content-Length: 5\r\n\r\n", EOF_AFTER, 200, BAD(TRUNCATED_BODY), NULL, 0},
    {OK200 "Content-Length: 5\r\n\r\nhell", EOF_AFTER, 200, BAD(TRUNCATED_BODY), NULL, 0},
    {CHUNKED, EOF_AFTER, 200, BAD(TRUNCATED_BODY), NULL, 0},
    {CHUNKED "5\r\nhel", EOF_AFTER, 200, BAD(TRUNCATED_BODY), NULL, 0},
    {CHUNKED "5\r\nhello\r\n", EOF_AFTER, 200, BAD(TRUNCATED_BODY), NULL, 0},
    {CHUNKED "5\r\nhello\r\n0\r\n", EOF_AFTER, 200, BAD(TRUNCATED_BODY), NULL, 0},
    {CHUNKED "5\r\nhello\r\n0\r\nX: y\r\n", EOF_AFTER, 200, BAD(TRUNCATED_BODY), NULL, 0},
};

/* Feeds until an outcome, in the given way. Returns the outcome; *left as in the row. */
static enum response_next feed(struct response *r, struct guard *guard, const char *wire,
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

static void check_row(const struct row *row, struct guard *guard, size_t way)
{
    struct response r;
    memset(&r, 0xa5, sizeof r);
    response_init(&r, row->flags & STRICT ? &strict : &lax, NULL, row->flags & HEAD_REQUEST);
    size_t left;
    enum response_next next =
        feed(&r, guard, row->wire, strlen(row->wire), way, row->flags & EOF_AFTER, &left);
    enum response_next expected = row->error ? RESPONSE_FAILED : RESPONSE_DONE;
    if (next != expected || r.error != row->error || r.status != row->status)
        fail_msg("way %zu: outcome %d, error %d not %d, status %d not %d, %s, of\n%s", way,
                 (int)next, (int)r.error, (int)row->error, r.status, row->status,
                 r.detail ? r.detail : "no detail", row->wire);
    if ((row->error != 0) != (r.detail != NULL))
        fail_msg("detail %s of\n%s", r.detail ? r.detail : "none", row->wire);
    if (!row->error) {
        size_t body_bytes = row->body ? strlen(row->body) : 0;
        if (r.body.bytes != body_bytes ||
            (body_bytes && memcmp(r.body.data, row->body, body_bytes) != 0))
            fail_msg("way %zu: body %.*s of\n%s", way, (int)r.body.bytes, r.body.data, row->wire);
        if (r.keep_alive != ((row->flags & KEEPS) != 0) || left != row->left ||
            r.phase != RESPONSE_COMPLETE)
            fail_msg("way %zu: keep_alive %d, left %zu, phase %d of\n%s", way, r.keep_alive, left,
                     (int)r.phase, row->wire);
    }
    assert_int_equal(r.started, *row->wire != 0);
    response_release(&r);
    assert_int_equal(blocks_out, 0);
}

static void test_rows(void **state)
{
    (void)state;
    struct guard guard;
    guard_open(&guard, 4096);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t bytes = strlen(rows[i].wire);
        /* What follows the message in the same feed comes whole: cut off, it is not fed at all. */
        size_t last = rows[i].left > 0 ? bytes - rows[i].left - 1 : bytes;
        for (size_t way = 0; way <= last; way = guard_next_way(way, bytes))
            check_row(&rows[i], &guard, way);
    }
    guard_close(&guard);
}

/* A NUL in head or chunk line: no C string, so not in the table. */
static void test_nul(void **state)
{
    (void)state;
    static const char wire[] = OK200 "X: a\0b\r\n\r\n";
    struct guard guard;
    guard_open(&guard, 4096);
    for (size_t way = 0; way <= sizeof wire - 1; way++) {
        struct response r;
        size_t left;
        response_init(&r, &lax, NULL, false);
        assert_int_equal(feed(&r, &guard, wire, sizeof wire - 1, way, false, &left),
                         RESPONSE_FAILED);
        assert_int_equal(r.error, RINGSEND_E_BAD_RESPONSE);
        response_release(&r);
    }
    guard_close(&guard);
}

/* ---- Headers that are kept or understood ------------------------------------------------------
 */

static void expect_header(const struct response *r, size_t index, const char *name,
                          const char *value)
{
    struct response_header h;
    memcpy(&h, r->header_index.data + index * sizeof h, sizeof h);
    struct ringsend_bytes got_name = {r->headers.data + h.name_at, h.name_bytes};
    struct ringsend_bytes got_value = {r->headers.data + h.value_at, h.value_bytes};
    if (!span_equal(got_name, span_of(name)) || !span_equal(got_value, span_of(value)))
        fail_msg("header %zu is \"%.*s\": \"%.*s\"", index, (int)got_name.bytes, got_name.data,
                 (int)got_value.bytes, got_value.data);
}

static void test_headers_stored(void **state)
{
    (void)state;
    static const char wire[] = "HTTP/1.1 103 Hints\r\nLink: early\r\nX: 1\r\n\r\n" OK200
                               "Server: a  \t\r\nSet-Cookie: one\r\nEmpty:\r\nset-cookie:\t two\r\n"
                               "Folded: x\r\n y\r\nBlank:  \r\n\tz\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n0\r\nTrailer: t\r\n\r\n";
    struct guard guard;
    guard_open(&guard, 4096);
    for (size_t way = 0; way <= sizeof wire - 1; way++) {
        struct response r;
        size_t left;
        response_init(&r, &lax, NULL, false);
        assert_int_equal(feed(&r, &guard, wire, sizeof wire - 1, way, false, &left), RESPONSE_DONE);
        assert_int_equal(r.interim_count, 1);
        assert_int_equal(r.header_index.bytes, 7 * sizeof(struct response_header));
        expect_header(&r, 0, "Server", "a");
        expect_header(&r, 1, "Set-Cookie", "one");
        expect_header(&r, 2, "Empty", "");
        expect_header(&r, 3, "set-cookie", "two");
        expect_header(&r, 4, "Folded", "x y");
        expect_header(&r, 5, "Blank", "z");
        expect_header(&r, 6, "Transfer-Encoding", "chunked");
        response_release(&r);
    }
    struct response_limits unstored = lax;
    unstored.store_headers = false;
    struct response r;
    size_t left;
    response_init(&r, &unstored, NULL, false);
    assert_int_equal(feed(&r, &guard, wire, sizeof wire - 1, 0, false, &left), RESPONSE_DONE);
    assert_null(r.headers.data);
    assert_null(r.header_index.data);
    response_release(&r);
    assert_int_equal(blocks_out, 0);
    guard_close(&guard);
}

struct advice_row {
    const char *line;
    bool has, date;
    int64_t value;
};

static const struct advice_row retry_afters[] = {
    {"Retry-After: 120", true, false, 120},
    {"retry-after:0", true, false, 0},
    {"Retry-After: 7 \t", true, false, 7},
    {"Retry-After: 99999999999999999999", true, false, INT64_C(2147483648)},
    {"Retry-After: Sun, 06 Nov 1994 08:49:37 GMT", true, true, 784111777},
    {"Retry-After: Sunday, 06-Nov-94 08:49:37 GMT", true, true, 784111777},
    {"Retry-After: Sun Nov  6 08:49:37 1994", true, true, 784111777},
    {"Retry-After: Wed Nov 16 08:49:37 1994", true, true, 784975777},
    {"Retry-After: Thu, 01 Jan 1970 00:00:00 GMT", true, true, 0},
    {"Retry-After: Thu, 29 Feb 2024 23:59:60 GMT", true, true, 1709251199},
    {"Retry-After: Friday, 01-Jan-38 00:00:00 GMT", true, true, 2145916800},
    {"Retry-After: 5\r\nRetry-After: 6", true, false, 6},
    {"Retry-After:", false, false, 0},
    {"Retry-After: -1", false, false, 0},
    {"Retry-After: 1.5", false, false, 0},
    {"Retry-After: 5s", false, false, 0},
    {"Retry-After: soon", false, false, 0},
    {"Retry-After: Sun, 06 Nov 1994 08:49:37", false, false, 0},
    {"Retry-After: Sun, 06 Nov 1994 08:49:37 GMT+1", false, false, 0},
    {"Retry-After: Sun, 06 Nov 1994 24:49:37 GMT", false, false, 0},
    {"Retry-After: Sun, 06 Nov 1994 08:60:37 GMT", false, false, 0},
    {"Retry-After: Sun, 06 Nox 1994 08:49:37 GMT", false, false, 0},
    {"Retry-After: Fri, 30 Feb 2024 08:49:37 GMT", false, false, 0},
    {"Retry-After: Fri, 00 Mar 2024 08:49:37 GMT", false, false, 0},
    {"Retry-After: Sun, 6 Nov 1994 08:49:37 GMT", false, false, 0},
    {"Retry-After: Sun, 06 Nov 1994 08:49:37 GMT                                 x", false, false,
     0},
    {"X-Retry-After: 5", false, false, 0},
};

static const struct advice_row keep_alives[] = {
    {"Keep-Alive: timeout=5", true, false, 5},
    {"keep-alive: max=100, Timeout=15", true, false, 15},
    {"Keep-Alive: timeout=0,max=1", true, false, 0},
    {"Keep-Alive: timeout=99999999999", true, false, INT64_C(2147483648)},
    {"Keep-Alive: timeout=", false, false, 0},
    {"Keep-Alive: timeout=x", false, false, 0},
    {"Keep-Alive: timeout", false, false, 0},
    {"Keep-Alive: xtimeout=5", false, false, 0},
    {"Keep-Alive: 5", false, false, 0},
};

/* Runs a whole response with the line in it, in the given way. */
static void read_advice(struct response *r, struct guard *guard, const char *line, size_t way)
{
    char wire[512];
    int bytes =
        snprintf(wire, sizeof wire, "HTTP/1.1 503 Busy\r\n%s\r\nContent-Length: 0\r\n\r\n", line);
    size_t left;
    response_init(r, &lax, NULL, false);
    assert_int_equal(feed(r, guard, wire, (size_t)bytes, way < (size_t)bytes ? way : (size_t)bytes,
                          false, &left),
                     RESPONSE_DONE);
    response_release(r);
}

static void test_advice(void **state)
{
    (void)state;
    struct guard guard;
    guard_open(&guard, 4096);
    for (size_t way = 0; way < 512; way += 3) {
        struct response r;
        for (size_t i = 0; i < sizeof retry_afters / sizeof retry_afters[0]; i++) {
            const struct advice_row *a = &retry_afters[i];
            read_advice(&r, &guard, a->line, way);
            if (r.advice.has_retry_after != a->has ||
                (a->has &&
                 (r.advice.retry_after_is_date != a->date || r.advice.retry_after_s != a->value)))
                fail_msg("%s: %d %d %lld", a->line, r.advice.has_retry_after,
                         r.advice.retry_after_is_date, (long long)r.advice.retry_after_s);
        }
        for (size_t i = 0; i < sizeof keep_alives / sizeof keep_alives[0]; i++) {
            const struct advice_row *a = &keep_alives[i];
            read_advice(&r, &guard, a->line, way);
            if (r.advice.has_keep_alive_s != a->has ||
                (a->has && r.advice.keep_alive_s != a->value))
                fail_msg("%s: %d %u", a->line, r.advice.has_keep_alive_s, r.advice.keep_alive_s);
        }
    }
    /* What an interim response advises does not count. */
    struct response r;
    size_t left;
    static const char wire[] =
        "HTTP/1.1 103 x\r\nRetry-After: 5\r\nKeep-Alive: timeout=5\r\n\r\n" OK200
        "Content-Length: 0\r\n\r\n";
    response_init(&r, &lax, NULL, false);
    assert_int_equal(feed(&r, &guard, wire, sizeof wire - 1, 0, false, &left), RESPONSE_DONE);
    assert_false(r.advice.has_retry_after || r.advice.has_keep_alive_s);
    response_release(&r);
    guard_close(&guard);
}

/* Lists over several lines are one; what an interim response says does not count. */
static void test_codings(void **state)
{
    (void)state;
    static const struct {
        const char *lines, *text;
        bool unknown;
    } lists[] = {
        {"Content-Encoding: gzip", "gzip", false},
        {"content-encoding: br\r\nContent-ENCODING:\tzstd", "br, zstd", false},
        {"Content-Encoding: identity", "", false},
        {"Content-Encoding: rot13", "rot13", true},
        {"Content-Encoding: gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip, "
         "gzip, "
         "gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip",
         "unreadable", true},
        {"X-Content-Encoding: gzip", "", false},
    };
    struct guard guard;
    guard_open(&guard, 4096);
    for (size_t way = 0; way < 256; way++) {
        for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
            struct response r;
            char lines[200];
            snprintf(lines, sizeof lines, "X: y\r\n%s", lists[i].lines);
            read_advice(&r, &guard, lines, way);
            if (r.codings.unknown != lists[i].unknown ||
                !span_equal((struct ringsend_bytes){r.codings.text, r.codings.text_bytes},
                            span_of(lists[i].text)))
                fail_msg("%s: %.*s", lists[i].lines, r.codings.text_bytes, r.codings.text);
        }
    }
    struct response r;
    size_t left;
    static const char wire[] =
        "HTTP/1.1 103 x\r\nContent-Encoding: gzip\r\n\r\n" OK200 "Content-Length: 0\r\n\r\n";
    response_init(&r, &lax, NULL, false);
    assert_int_equal(feed(&r, &guard, wire, sizeof wire - 1, 0, false, &left), RESPONSE_DONE);
    assert_int_equal(r.codings.text_bytes, 0);
    response_release(&r);
    guard_close(&guard);
}

/* ---- Limits -----------------------------------------------------------------------------------
 */

static const struct response_limits narrow = {200, 5, 2, 10, false, false};

/* before + count times `unit` + after, on the heap. */
static char *repeat(const char *before, const char *unit, size_t count, const char *after,
                    size_t *bytes)
{
    size_t unit_bytes = strlen(unit);
    *bytes = strlen(before) + unit_bytes * count + strlen(after);
    char *text = malloc(*bytes + 1);
    assert_non_null(text);
    memcpy(text, before, strlen(before));
    char *to = text + strlen(before);
    for (size_t i = 0; i < count; i++, to += unit_bytes)
        memcpy(to, unit, unit_bytes);
    memcpy(to, after, strlen(after) + 1);
    return text;
}

struct limit {
    const char *before, *unit;
    size_t count; /* this many are accepted, one more is not */
    const char *after;
    const struct response_limits *limits;
    enum ringsend_error error;
};

static const struct limit limits[] = {
    /* 17 + 3 + 2 + 176 + 2 = 200 bytes of head */
    {OK200 "a: ", "b", 176, "\r\n\r\n", &narrow, BAD(HEAD_TOO_LARGE)},
    {OK200, "c", 177, ": \r\n\r\n", &narrow, BAD(HEAD_TOO_LARGE)},
    {"HTTP/1.1 200 ", "r", 183, "\r\n\r\n", &narrow, BAD(HEAD_TOO_LARGE)},
    {"HTTP/1.1 200 ", "r", 185, "\n\n", &narrow, BAD(HEAD_TOO_LARGE)},
    {"HTTP/1.1 103 x\r\na: 0123456789\r\n\r\n" OK200 "a: ", "b", 176, "\r\n\r\n", &narrow,
     BAD(HEAD_TOO_LARGE)},
    {OK200, "a: b\r\n", 4, "\r\n", &narrow, BAD(HEAD_TOO_LARGE)},
    {OK200 "a: b", "\r\n c", 3, "\r\n\r\n", &narrow, BAD(HEAD_TOO_LARGE)},
    {"", "HTTP/1.1 100 x\r\n\r\n", 2, OK200 "\r\n", &narrow, BAD(TOO_MANY_INTERIM)},
    {OK200 "\r\n", "x", 10, "", &narrow, BAD(BODY_TOO_LARGE)},
    {CHUNKED, "1\r\nx\r\n", 10, "0\r\n\r\n", &narrow, BAD(BODY_TOO_LARGE)},
    /* from the first byte of the first name: 3 + 193 + 4 */
    {CHUNKED "0\r\na: ", "b", 193, "\r\n\r\n", &narrow, BAD(HEAD_TOO_LARGE)},
    {CHUNKED "0\r\n", "c", 195, ":\r\n\r\n", &narrow, BAD(HEAD_TOO_LARGE)},
    {CHUNKED "0\r\n", "a: b\r\n", 5, "\r\n", &narrow, BAD(HEAD_TOO_LARGE)},
    /* "1;" and CRLF, and "0;", twice CRLF, of 64 KiB without a byte of body */
    {CHUNKED "1;", "e", 65532, "\r\nx\r\n0\r\n\r\n", &lax, BAD(HEAD_TOO_LARGE)},
    {CHUNKED "0;", "e", 65530, "\r\n\r\n", &lax, BAD(HEAD_TOO_LARGE)},
    {OK200 "a: ", "b", 65512, "\r\n\r\n", &lax, BAD(HEAD_TOO_LARGE)},
    {OK200, "a: b\r\n", 255, "\r\n", &lax, BAD(HEAD_TOO_LARGE)},
    {"", "HTTP/1.1 100 x\r\n\r\n", 8, OK200 "\r\n", &lax, BAD(TOO_MANY_INTERIM)},
};

static void test_limits(void **state)
{
    (void)state;
    struct guard guard;
    guard_open(&guard, 128 << 10);
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        const struct limit *l = &limits[i];
        for (size_t over = 0; over <= 1; over++) {
            size_t bytes;
            char *wire = repeat(l->before, l->unit, l->count + over, l->after, &bytes);
            for (size_t way = 0; way <= bytes; way = guard_next_way(way, bytes)) {
                struct response r;
                size_t left;
                response_init(&r, l->limits, NULL, false);
                feed(&r, &guard, wire, bytes, way, false, &left);
                if (r.error == RINGSEND_OK && r.phase == RESPONSE_BODY)
                    response_eof(&r);
                if (r.error != (over ? l->error : RINGSEND_OK))
                    fail_msg("limit %zu, over %zu, way %zu: error %d, %s", i, over, way,
                             (int)r.error, r.detail ? r.detail : "-");
                response_release(&r);
            }
            free(wire);
        }
    }
    guard_close(&guard);
}

/* A Content-Length over the limit fails before a byte of body is there; one up to 64 KiB makes the
 * body's place at once, and a larger one does not. */
static void test_length_believed(void **state)
{
    (void)state;
    static const char too_large[] = OK200 "Content-Length: 11\r\n\r\n";
    static const char small[] = OK200 "Content-Length: 65536\r\n\r\n";
    static const char large[] = OK200 "Content-Length: 65537\r\n\r\n";
    struct response r;
    size_t used;
    response_init(&r, &narrow, NULL, false);
    assert_int_equal(response_feed(&r, too_large, sizeof too_large - 1, &used), RESPONSE_FAILED);
    assert_int_equal(r.error, RINGSEND_E_BODY_TOO_LARGE);
    assert_int_equal(r.status, 200);
    assert_int_equal(r.phase, RESPONSE_BODY); /* the head was complete: its status counts */
    response_release(&r);

    struct response_limits unstored = lax;
    unstored.store_headers = false;
    response_init(&r, &unstored, NULL, false);
    grows = 0;
    assert_int_equal(response_feed(&r, small, sizeof small - 1, &used), RESPONSE_MORE);
    assert_int_equal(r.body.capacity, 65536);
    for (int i = 0; i < 65536; i++)
        response_feed(&r, "x", 1, &used);
    assert_int_equal(r.phase, RESPONSE_COMPLETE);
    assert_int_equal(grows, 1);
    response_release(&r);

    response_init(&r, &unstored, NULL, false);
    assert_int_equal(response_feed(&r, large, sizeof large - 1, &used), RESPONSE_MORE);
    assert_int_equal(r.body.capacity, 0);
    assert_int_equal(r.phase, RESPONSE_BODY);
    response_release(&r);
    assert_int_equal(blocks_out, 0);
}

/* Each growth of a buffer fails in turn. */
static void test_out_of_memory(void **state)
{
    (void)state;
    static const char *const wires[] = {
        OK200 "A: b\r\nContent-Length: 2\r\n\r\nhi",
        CHUNKED "2\r\nhi\r\n2\r\nho\r\n0\r\n\r\n",
        "HTTP/1.1 103 x\r\nLink: y\r\n\r\n" OK200 "Content-Length: 1\r\n\r\nz",
    };
    struct guard guard;
    guard_open(&guard, 4096);
    for (size_t i = 0; i < sizeof wires / sizeof wires[0]; i++) {
        enum ringsend_error error = RINGSEND_E_NO_MEMORY;
        long failing = 0;
        while (error != RINGSEND_OK) {
            grows = 0;
            grow_fails = ++failing;
            struct response r;
            size_t left;
            response_init(&r, &lax, NULL, false);
            feed(&r, &guard, wires[i], strlen(wires[i]), strlen(wires[i]), false, &left);
            error = r.error;
            assert_true(error == RINGSEND_OK || error == RINGSEND_E_NO_MEMORY);
            assert_int_equal(error == RINGSEND_OK, r.phase == RESPONSE_COMPLETE);
            response_release(&r);
            assert_int_equal(blocks_out, 0);
        }
        assert_true(failing > 3);
    }
    grow_fails = 0;
    guard_close(&guard);
}

/* ---- Anything at all --------------------------------------------------------------------------
 */

struct outcome {
    enum ringsend_error error;
    enum response_phase phase;
    int status;
    bool keep_alive;
    size_t body_bytes, left;
};

static struct outcome run_once(struct guard *guard, const char *wire, size_t bytes, size_t way,
                               const struct response_limits *used_limits, bool head)
{
    struct response r;
    size_t left;
    response_init(&r, used_limits, NULL, head);
    if (feed(&r, guard, wire, bytes, way, false, &left) == RESPONSE_MORE)
        response_eof(&r);
    struct outcome o = {r.error, r.phase, r.status, r.keep_alive, r.body.bytes, left};
    /* How much of a failed message was read depends on the cut, by design. */
    if (r.error)
        o.left = o.body_bytes = 0;
    else
        assert_true(r.status >= 200 && r.status <= 599 && r.body.bytes <= bytes);
    response_release(&r);
    return o;
}

/* Mangled responses: no crash, and the same outcome whether whole, split or byte by byte. */
static void test_mangled(void **state)
{
    (void)state;
    static const char spice[] = "\r\n\r\n \t:,;0159afHx\0\x80\xff";
    struct guard guard;
    guard_open(&guard, 4096);
    unsigned seed = 2;
    for (int round = 0; round < 6000; round++) {
        const char *text = rows[(size_t)rand_r(&seed) % (sizeof rows / sizeof rows[0])].wire;
        char wire[1024];
        size_t bytes = strlen(text);
        memcpy(wire, text, bytes);
        for (int edits = rand_r(&seed) % 4; edits > 0 && bytes > 0; edits--) {
            size_t at = (size_t)rand_r(&seed) % bytes;
            switch (rand_r(&seed) % 3) {
            case 0:
                wire[at] = spice[(size_t)rand_r(&seed) % sizeof spice];
                break;
            case 1:
                memmove(wire + at, wire + at + 1, --bytes - at);
                break;
            case 2:
                memmove(wire + at + 1, wire + at, bytes++ - at);
                wire[at] = spice[(size_t)rand_r(&seed) % sizeof spice];
                break;
            }
        }
        const struct response_limits *used_limits = rand_r(&seed) % 4 == 0 ? &narrow
                                                    : rand_r(&seed) % 2    ? &strict
                                                                           : &lax;
        bool head = rand_r(&seed) % 8 == 0;
        struct outcome whole = run_once(&guard, wire, bytes, 0, used_limits, head);
        size_t ways[] = {bytes, bytes ? (size_t)rand_r(&seed) % bytes : 0};
        for (size_t i = 0; i < 2; i++) {
            struct outcome cut = run_once(&guard, wire, bytes, ways[i], used_limits, head);
            if (cut.error != whole.error || cut.phase != whole.phase ||
                cut.status != whole.status || cut.keep_alive != whole.keep_alive ||
                cut.body_bytes != whole.body_bytes)
                fail_msg("round %d, way %zu: error %d/%d, status %d/%d of\n%.*s", round, ways[i],
                         (int)whole.error, (int)cut.error, whole.status, cut.status, (int)bytes,
                         wire);
        }
    }
    assert_int_equal(blocks_out, 0);
    guard_close(&guard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_rows, forget),
        cmocka_unit_test_setup(test_nul, forget),
        cmocka_unit_test_setup(test_headers_stored, forget),
        cmocka_unit_test_setup(test_advice, forget),
        cmocka_unit_test_setup(test_codings, forget),
        cmocka_unit_test_setup(test_limits, forget),
        cmocka_unit_test_setup(test_length_believed, forget),
        cmocka_unit_test_setup(test_out_of_memory, forget),
        cmocka_unit_test_setup(test_mangled, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
