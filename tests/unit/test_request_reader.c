#include "http/request_reader.h"

#include "base/span.h"
#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Each row is fed whole, split in two at every place, and byte by byte, against an unmapped page.
 * A row with a method is read to its end, one without fails. */

struct row {
    const char *wire;
    const char *method, *target, *id, *body;
    size_t left; /* bytes behind the request */
    bool closes, expects;
};

#define POST "POST /p HTTP/1.1\r\nHost: h\r\n"

static const struct row rows[] = {
    {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "GET", "/", "", "", 0, false, false},
    {"GET /a?b=c%20d HTTP/1.1\r\nX-Record-Id:  r 1 \r\n\r\n", "GET", "/a?b=c%20d", "r 1", "", 0,
     false, false},
    {"GET / HTTP/1.1\r\nx-record-id: 1\r\nX-Record-ID: 2\r\n\r\n", "GET", "/", "1", "", 0, false,
     false},
    {"GET / HTTP/1.1\r\nX-Record-Id:\r\nX-Record-Idx: 2\r\n\r\n", "GET", "/", "", "", 0, false,
     false},
    {POST "Content-Length: 5\r\nX-Record-Id: 7\r\n\r\nhello", "POST", "/p", "7", "hello", 0, false,
     false},
    {POST "Content-Length: 0\r\n\r\n", "POST", "/p", "", "", 0, false, false},
    {POST "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\nX-Record-Id: t\r\n\r\n",
     "POST", "/p", "", "hello", 0, false, false},
    {POST "Expect: 100-Continue\r\nContent-Length: 2\r\n\r\nhi", "POST", "/p", "", "hi", 0, false,
     true},
    {POST "Expect: 100-continue-or-not-at-all\r\n\r\n", "POST", "/p", "", "", 0, false, false},
    {"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "GET", "/", "", "", 0, true, false},
    {"GET / HTTP/1.0\r\n\r\n", "GET", "/", "", "", 0, true, false},
    {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET", "/", "", "", 0, false, false},
    {"OPTIONS * HTTP/1.1\r\n\r\n", "OPTIONS", "*", "", "", 0, false, false},
    {"M-SEARCH * HTTP/1.1\r\n\r\n", "M-SEARCH", "*", "", "", 0, false, false},
    {"CONNECT h:80 HTTP/1.1\r\n\r\n", "CONNECT", "h:80", "", "", 0, false, false},
    {"\r\nGET / HTTP/1.1\r\n\r\n", "GET", "/", "", "", 0, false, false},
    {"GET / HTTP/1.1\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n", "GET", "/", "", "", 0, false,
     false},
    /* what is behind a request is left */
    {"GET / HTTP/1.1\r\n\r\nGET /next HTTP/1.1\r\n\r\n", "GET", "/", "", "", 22, false, false},
    {POST "Content-Length: 1\r\n\r\nxGET / HTTP/1.1\r\n\r\n", "POST", "/p", "", "x", 18, false,
     false},
    {"GET / HTTP/1.1\r\nConnection: close\r\n\r\nrubbish", "GET", "/", "", "", 7, true, false},

    {"GET / HTTP/2.0\r\n\r\n", .method = NULL},
    {"GET /\r\n\r\n", .method = NULL},
    {"FROB / HTTP/1.1\r\n\r\n", .method = NULL},
    {"get / HTTP/1.1\r\n\r\n", .method = NULL},
    {"GET  HTTP/1.1\r\n\r\n", .method = NULL},
    {"GET / HTTP/1.1\r\nX : a\r\n\r\n", .method = NULL},
    {"GET / HTTP/1.1\r\nX: a\rb\r\n\r\n", .method = NULL},
    {POST "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", .method = NULL},
    {POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", .method = NULL},
    {POST "Content-Length: x\r\n\r\n", .method = NULL},
    {POST "Transfer-Encoding: chunked, gzip\r\n\r\n", .method = NULL},
    {POST "Transfer-Encoding: chunked\r\n\r\nx\r\n", .method = NULL},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .method = NULL},
    {"\x16\x03\x01\x02", .method = NULL},
};

static uint64_t fnv1a(const char *data, size_t bytes)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ (unsigned char)data[i]) * UINT64_C(1099511628211);
    return hash;
}

static enum request_next feed(struct request_reader *r, struct guard *guard, const char *wire,
                              size_t bytes, size_t way, size_t *left)
{
    enum request_next next = REQUEST_MORE;
    size_t at = 0, taken = 0;
    while (at < bytes && next == REQUEST_MORE) {
        size_t piece = guard_piece(way, bytes, at), used = SIZE_MAX;
        next = request_reader_feed(r, guard_put(guard, wire + at, piece), piece, &used);
        assert_true(used <= piece && (next != REQUEST_MORE || used == piece));
        at += piece;
        taken += used;
    }
    *left = bytes - taken;
    return next;
}

static void check_row(const struct row *row, struct guard *guard, struct buf_pool *pool, size_t way)
{
    struct request_reader r;
    size_t left;
    memset(&r, 0xa5, sizeof r);
    request_reader_init(&r, pool, "x-record-id", REQUEST_BODY_STORED);
    assert_false(r.started || r.head_done);
    enum request_next next = feed(&r, guard, row->wire, strlen(row->wire), way, &left);
    assert_true(r.started);
    if (!row->method) {
        if (next != REQUEST_FAILED || !r.detail)
            fail_msg("way %zu: outcome %d of\n%s", way, (int)next, row->wire);
    } else if (next != REQUEST_DONE) {
        fail_msg("way %zu: outcome %d, %s, of\n%s", way, (int)next, r.detail ? r.detail : "-",
                 row->wire);
    } else {
        assert_string_equal(r.method, row->method);
        assert_string_equal(r.target, row->target);
        assert_string_equal(r.id, row->id);
        assert_int_equal(r.body_bytes, strlen(row->body));
        assert_true(
            span_equal((struct ringsend_bytes){r.body.data, r.body.bytes}, span_of(row->body)));
        assert_int_equal(r.body_hash, fnv1a(row->body, strlen(row->body)));
        if (r.keep_alive == row->closes || r.expects_continue != row->expects || left != row->left)
            fail_msg("way %zu: keep_alive %d, expects %d, left %zu of\n%s", way, r.keep_alive,
                     r.expects_continue, left, row->wire);
        assert_true(r.head_done);
    }
    request_reader_release(&r);
}

static void test_rows(void **state)
{
    (void)state;
    struct guard guard;
    struct buf_pool pool;
    buf_pool_init(&pool);
    guard_open(&guard, 4096);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t bytes = strlen(rows[i].wire);
        size_t last = rows[i].left > 0 ? bytes - rows[i].left - 1 : bytes;
        for (size_t way = 0; way <= last; way++)
            check_row(&rows[i], &guard, &pool, way);
    }
    guard_close(&guard);
    buf_pool_free(&pool);
}

/* Head with a target or a header of so many bytes, 64 KiB in all being the limit. */
static void check_size(size_t fill, size_t extra, bool in_target, bool accepted)
{
    static const char post[] = " HTTP/1.1\r\n";
    struct buf_pool pool;
    struct request_reader r;
    struct guard guard;
    size_t left, bytes = 0;
    char *wire = malloc(fill + 128);
    assert_non_null(wire);
    bytes += (size_t)snprintf(wire, 64, in_target ? "PUT /" : "PUT / HTTP/1.1\r\nx-record-id: ");
    memset(wire + bytes, 'x', fill);
    bytes += fill;
    bytes += (size_t)snprintf(wire + bytes, 64, "%sContent-Length: 1\r\n\r\nz",
                              in_target ? post : "\r\n");
    assert_int_equal(bytes - 1 - fill, extra);
    guard_open(&guard, 128 << 10);
    buf_pool_init(&pool);
    for (size_t way = 0; way <= bytes; way = guard_next_way(way, bytes)) {
        request_reader_init(&r, &pool, "x-record-id", REQUEST_BODY_COUNTED);
        enum request_next next = feed(&r, &guard, wire, bytes, way, &left);
        assert_int_equal(next, accepted ? REQUEST_DONE : REQUEST_FAILED);
        if (accepted && in_target)
            assert_int_equal(strlen(r.target), REQUEST_TARGET_MAX - 1);
        if (accepted && !in_target)
            assert_int_equal(strlen(r.id), REQUEST_ID_MAX - 1);
        assert_null(r.body.data);
        request_reader_release(&r);
    }
    guard_close(&guard);
    buf_pool_free(&pool);
    free(wire);
}

static void test_sizes(void **state)
{
    (void)state;
    size_t target_extra = strlen("PUT / HTTP/1.1\r\nContent-Length: 1\r\n\r\n");
    size_t header_extra = strlen("PUT / HTTP/1.1\r\nx-record-id: \r\nContent-Length: 1\r\n\r\n");
    check_size(2000, target_extra, true, true);
    check_size(65536 - target_extra, target_extra, true, true);
    check_size(65537 - target_extra, target_extra, true, false);
    check_size(65536 - header_extra, header_extra, false, true);
    check_size(65537 - header_extra, header_extra, false, false);
}

/* Requests one behind the other in the same bytes, as a platform reads them. */
static void test_pipelined(void **state)
{
    (void)state;
    static const char wire[] = POST "Content-Length: 1\r\n\r\naGET /2 HTTP/1.1\r\n\r\n"
                                    "GET /3 HTTP/1.1\r\nx-record-id: 3\r\n\r\n";
    struct request_reader r;
    size_t at = 0, used;
    const char *const targets[] = {"/p", "/2", "/3"};
    for (size_t i = 0; i < 3; i++) {
        request_reader_init(&r, NULL, "x-record-id", REQUEST_BODY_COUNTED);
        assert_int_equal(request_reader_feed(&r, wire + at, sizeof wire - 1 - at, &used),
                         REQUEST_DONE);
        assert_string_equal(r.target, targets[i]);
        at += used;
    }
    assert_string_equal(r.id, "3");
    assert_int_equal(at, sizeof wire - 1);
    request_reader_init(&r, NULL, NULL, REQUEST_BODY_COUNTED);
    assert_int_equal(request_reader_feed(&r, wire, 0, &used), REQUEST_MORE);
    assert_false(r.started);
}

/* The body alone, without its framing. */
static void test_digest(void **state)
{
    (void)state;
    static const char *const wires[] = {POST "Content-Length: 3\r\n\r\nabc",
                                        POST "Transfer-Encoding: chunked\r\n\r\n"
                                             "1\r\na\r\n2;x=y\r\nbc\r\n0\r\n\r\n"};
    static const unsigned char begin[] = {0xba, 0x78, 0x16, 0xbf}; /* FIPS 180-4's example */
    struct guard guard;
    guard_open(&guard, 4096);
    for (size_t i = 0; i < 2; i++) {
        size_t bytes = strlen(wires[i]), left;
        for (size_t way = 0; way <= bytes; way = guard_next_way(way, bytes)) {
            struct request_reader r;
            unsigned char digest[SHA256_BYTES];
            request_reader_init(&r, NULL, NULL, REQUEST_BODY_DIGESTED);
            assert_int_equal(feed(&r, &guard, wires[i], bytes, way, &left), REQUEST_DONE);
            sha256_end(&r.digest, digest);
            assert_memory_equal(digest, begin, sizeof begin);
            assert_null(r.body.data);
        }
    }
    guard_close(&guard);
}

static void test_mangled(void **state)
{
    (void)state;
    static const char spice[] = "\r\n\r\n \t:,;0159afGx\0\x80\xff";
    struct guard guard;
    struct buf_pool pool;
    buf_pool_init(&pool);
    guard_open(&guard, 4096);
    unsigned seed = 3;
    for (int round = 0; round < 5000; round++) {
        const char *text = rows[(size_t)rand_r(&seed) % (sizeof rows / sizeof rows[0])].wire;
        char wire[512];
        size_t bytes = strlen(text);
        memcpy(wire, text, bytes);
        for (int edits = 1 + rand_r(&seed) % 4; edits > 0; edits--)
            wire[(size_t)rand_r(&seed) % bytes] = spice[(size_t)rand_r(&seed) % sizeof spice];
        struct request_reader r;
        enum request_next next[2];
        uint64_t hash[2];
        for (size_t i = 0; i < 2; i++) {
            size_t left;
            request_reader_init(&r, &pool, "x-record-id", REQUEST_BODY_STORED);
            next[i] = feed(&r, &guard, wire, bytes, i * bytes, &left);
            hash[i] = next[i] == REQUEST_DONE ? r.body_hash : 0;
            request_reader_release(&r);
        }
        assert_int_equal(next[0], next[1]);
        assert_int_equal(hash[0], hash[1]);
    }
    guard_close(&guard);
    buf_pool_free(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),      cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_pipelined), cmocka_unit_test(test_digest),
        cmocka_unit_test(test_mangled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
