/* Both ends of HTTP/2 speak to each other, in pieces of any size; and each to a peer that means
 * ill. */
#include "http2/h2.h"

#include "base/memory.h"
#include "h2_frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { WIRE_BYTES = 256 << 10 };

struct pair {
    struct buf_pool pool;
    struct h2 *client, *server;
    uint64_t seed;
};

static uint64_t random_below(struct pair *p, uint64_t limit)
{
    p->seed = p->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (p->seed >> 33) % limit;
}

static void open_pair(struct pair *p, uint64_t seed, uint32_t server_streams)
{
    struct h2_options options = server_options;
    options.streams_max = server_streams;
    p->seed = seed;
    buf_pool_init(&p->pool);
    p->client = h2_new(&client_options, &p->pool);
    p->server = h2_new(&options, &p->pool);
    assert_true(p->client && p->server);
}

static void close_pair(struct pair *p)
{
    h2_free(p->client);
    h2_free(p->server);
    buf_pool_free(&p->pool);
}

/* Some of what one has to say goes to the other, in pieces. False: it has nothing. */
static bool move(struct pair *p, struct h2 *from, struct h2 *to)
{
    char out[512];
    size_t bytes = h2_take(from, out, 1 + random_below(p, sizeof out)), at = 0;
    while (at < bytes) {
        size_t piece = 1 + random_below(p, bytes - at);
        char *copy = malloc(piece); /* exactly as large: a sanitizer sees the end */
        assert_non_null(copy);
        memcpy(copy, out + at, piece);
        h2_feed(to, copy, piece);
        free(copy);
        at += piece;
    }
    return bytes > 0;
}

static void settle(struct pair *p)
{
    bool moves = true;
    while (moves) {
        moves = move(p, p->client, p->server);
        moves |= move(p, p->server, p->client);
    }
}

static void check_fine(struct pair *p)
{
    const char *detail;
    if (h2_failure(p->client, &detail) != H2_FINE || h2_failure(p->server, &detail) != H2_FINE)
        fail_msg("%s", detail ? detail : "-");
}

static bool is_text(const struct h2_stream *s, const char *text)
{
    struct ringsend_bytes have = h2_peek(s);
    return have.data && have.bytes == strlen(text) && memcmp(have.data, text, have.bytes) == 0;
}

#define GET "GET /a HTTP/1.1\r\nHost: h:1\r\nX-One: 1\r\nConnection: close\r\n\r\n"
#define POST "POST /a HTTP/1.1\r\nHost: h:1\r\nContent-Length: 5\r\n\r\n"
#define ANSWER \
    "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nKeep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\n"

static void test_request_and_answer(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct pair p;
        open_pair(&p, seed, 100);
        struct h2_stream *s = h2_open(p.client, SPAN(POST), true, &p);
        assert_non_null(s);
        assert_false(s->out_left);
        h2_body(s, SPAN("he"), false);
        settle(&p);
        assert_true(s->out_left && s->is_deferred && s->out.bytes == 0);
        assert_ptr_equal(h2_news(p.client), s); /* more of the body is wanted */
        h2_body(s, SPAN("llo"), true);
        settle(&p);
        struct h2_stream *t = h2_news(p.server);
        assert_true(t && t->in_ended);
        assert_true(is_text(t, "POST /a HTTP/1.1\r\nHost: h:1\r\ncontent-length: 5\r\n\r\nhello"));
        assert_true(h2_answer_interim(t, SPAN("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")));
        assert_true(h2_answer(t, SPAN(ANSWER), true));
        h2_body(t, SPAN("ok"), true);
        settle(&p);
        check_fine(&p);
        assert_true(s->in_ended && s->is_over && s->code == H2_NO_ERROR && s->owner == &p);
        assert_true(is_text(s, "HTTP/1.1 103 \r\nlink: x\r\n\r\nHTTP/1.1 200 \r\n"
                               "content-type: a/b\r\ncontent-length: 2\r\n\r\nok"));
        h2_consume(s, h2_peek(s).bytes);
        h2_let_go(s, H2_NO_ERROR);
        h2_let_go(t, H2_NO_ERROR);
        assert_int_equal(h2_streams(p.client), 0);
        assert_int_equal(h2_streams(p.server), 0);
        close_pair(&p);
    }
}

static void test_room(void **state)
{
    struct pair p;
    (void)state;
    open_pair(&p, 1, 3);
    assert_int_equal(h2_room(p.client), 1);
    struct h2_stream *s = h2_open(p.client, SPAN(GET), false, NULL);
    assert_non_null(s);
    assert_int_equal(h2_room(p.client), 0);
    settle(&p);
    assert_int_equal(h2_room(p.client), 2);
    assert_non_null(h2_open(p.client, SPAN(GET), false, NULL));
    h2_say_goodbye(p.server, -1);
    settle(&p);
    uint32_t code;
    assert_true(h2_is_leaving(p.client, &code) && code == H2_NO_ERROR);
    assert_int_equal(h2_room(p.client), 0);
    close_pair(&p);
}

/* Above GOAWAY's last id, refused, or never begun: all are told alike, and nothing of the last has
 * left. */
static void test_not_processed(void **state)
{
    struct pair p;
    char wire[64];
    (void)state;
    open_pair(&p, 1, 100);
    settle(&p);
    struct h2_stream *below = h2_open(p.client, SPAN(GET), false, NULL),
                     *above = h2_open(p.client, SPAN(GET), false, NULL);
    take_all(p.client, NULL, 0);
    struct h2_stream *unsent = h2_open(p.client, SPAN(GET), false, NULL);
    CHECK(below && above && unsent);
    const struct frame bye = FRAME(GOAWAY, 0, 0, "\0\0\0\1\0\0\0\x0d");
    h2_feed(p.client, wire, frame_write(&bye, wire));
    take_all(p.client, NULL, 0);
    uint32_t code;
    assert_true(h2_is_leaving(p.client, &code) && code == H2_HTTP_1_1_REQUIRED);
    assert_false(below->is_over);
    assert_true(above->is_over && above->code == H2_REFUSED_STREAM && above->out_left);
    assert_true(unsent->is_over && unsent->code == H2_REFUSED_STREAM && !unsent->out_left);
    close_pair(&p);
}

static void test_let_go(void **state)
{
    struct pair p;
    (void)state;
    open_pair(&p, 1, 100);
    settle(&p);
    char *body = malloc(1000);
    assert_non_null(body);
    memset(body, 'x', 1000);
    struct h2_stream *never = h2_open(p.client, SPAN(POST), true, NULL);
    h2_body(never, (struct ringsend_bytes){body, 5}, true);
    h2_let_go(never, H2_CANCEL);
    struct h2_stream *begun = h2_open(p.client, SPAN(GET), false, NULL);
    free(body); /* nobody looks at it any more */
    settle(&p);
    struct h2_stream *t = h2_news(p.server);
    CHECK(t && begun);
    assert_true(t->in_ended && t->id == begun->id && !h2_news(p.server));
    h2_let_go(begun, H2_CANCEL);
    settle(&p);
    assert_true(t->is_over && t->code == H2_CANCEL);
    assert_true(h2_answer(t, SPAN(ANSWER), false)); /* to nobody */
    check_fine(&p);
    assert_int_equal(h2_streams(p.client), 0);
    close_pair(&p);
}

/* Who does not read a stream stops that one alone, at its window. */
static void test_slow_reader(void **state)
{
    static char body[1 << 20];
    struct pair p;
    (void)state;
    open_pair(&p, 1, 100);
    settle(&p);
    struct h2_stream *slow = h2_open(p.client, SPAN(GET), false, NULL),
                     *quick = h2_open(p.client, SPAN(GET), false, NULL);
    settle(&p);
    for (struct h2_stream *t; (t = h2_news(p.server));) {
        assert_true(h2_answer(t, SPAN("HTTP/1.1 200 OK\r\n\r\n"), true));
        h2_body(t, (struct ringsend_bytes){body, sizeof body}, true);
    }
    size_t read = 0;
    for (int i = 0; i < 100 && !quick->is_over; i++) {
        settle(&p);
        read += h2_peek(quick).bytes;
        h2_consume(quick, h2_peek(quick).bytes);
    }
    assert_int_equal(read, sizeof body + strlen("HTTP/1.1 200 \r\n\r\n"));
    assert_true(quick->in_ended && !slow->in_ended);
    assert_in_range(h2_peek(slow).bytes, H2_WINDOW_BYTES, H2_WINDOW_BYTES + 100);
    for (int i = 0; i < 100 && !slow->is_over; i++) {
        h2_consume(slow, h2_peek(slow).bytes);
        settle(&p);
    }
    assert_true(slow->in_ended);
    check_fine(&p);
    close_pair(&p);
}

static void test_secrets_are_never_indexed(void **state)
{
    static char wire[WIRE_BYTES];
    struct pair p;
    (void)state;
    open_pair(&p, 1, 100);
    take_all(p.client, NULL, 0);
    assert_non_null(h2_open(p.client,
                            SPAN("GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer a\r\n"
                                 "X-Api-Key: k\r\nUser-Agent: u\r\n\r\n"),
                            false, NULL));
    size_t bytes = take_all(p.client, wire, sizeof wire);
    /* 0001 begins a literal that nobody is ever to index (RFC 7541 6.2.3): with the static table's
     * name of number 23, and with a name of its own. 01 begins one that is indexed. */
    assert_non_null(memmem(wire, bytes, "\x1f\x08", 2));
    assert_non_null(memmem(wire, bytes, "\x10\x87", 2)); /* its name in Huffman's code: 7 bytes */
    assert_non_null(memmem(wire, bytes, "\x7a", 1));     /* user-agent */
    close_pair(&p);
}

static void test_ping(void **state)
{
    struct pair p;
    (void)state;
    open_pair(&p, 1, 100);
    h2_ping(p.client);
    settle(&p);
    assert_int_equal(h2_pongs(p.client), 1);
    close_pair(&p);
}

/* ---- peers that mean ill ---- */

struct flood {
    const char *what;
    bool of_server; /* from one, to a client */
    struct frame first, again;
};

static const struct flood floods[] = {
    {"PING", true, FRAME(SETTINGS, 0, 0, ""), FRAME(PING, 0, 0, "12345678")},
    {"SETTINGS", true, FRAME(SETTINGS, 0, 0, ""), FRAME(SETTINGS, 0, 0, "")},
    {"windows", true, FRAME(SETTINGS, 0, 0, ""), FRAME(WINDOW_UPDATE, 0, 0, "\0\0\0\1")},
    {"empty DATA", true, FRAME(HEADERS, END_HEADERS, 1, "\x88"), FRAME(DATA, 0, 1, "")},
    {"padding", true, FRAME(HEADERS, END_HEADERS, 1, "\x88"), FRAME(PRIORITY, 0, 3, "\0\0\0\0\0")},
    {"unknown frames", true, FRAME(SETTINGS, 0, 0, ""), FRAME(99, 0, 0, "")},
    {"parts of a head", true, FRAME(HEADERS, 0, 1, "\x88"),
     FRAME(CONTINUATION, 0, 1, "\x0f\x10\x01x")},
    {"empty parts of a head", true, FRAME(HEADERS, 0, 1, "\x88"), FRAME(CONTINUATION, 0, 1, "")},
    {"PING to a server", false, FRAME(SETTINGS, 0, 0, ""), FRAME(PING, 0, 0, "12345678")},
};

static const char magic[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
static const struct frame settings = FRAME(SETTINGS, 0, 0, "");

/* Each is refused, whether we can answer meanwhile or not, and what it made us keep is little. */
static void run_flood(const struct flood *f, bool answers)
{
    char wire[256];
    struct memory memory = {0};
    struct buf_pool pool;
    const char *detail;
    buf_pool_init(&pool);
    pool.memory = &memory;
    struct h2_options options = f->of_server ? client_options : server_options;
    options.memory = &memory;
    struct h2 *h = h2_new(&options, &pool);
    assert_non_null(h);
    if (f->of_server)
        assert_non_null(h2_open(h, SPAN(GET), false, NULL));
    else
        h2_feed(h, magic, sizeof magic - 1);
    take_all(h, NULL, 0);
    h2_feed(h, wire, frame_write(&settings, wire));
    h2_feed(h, wire, frame_write(&f->first, wire));
    unsigned frames = 0;
    size_t bytes = frame_write(&f->again, wire);
    while (h2_failure(h, &detail) == H2_FINE && frames < 40000) {
        h2_feed(h, wire, bytes);
        if (answers)
            take_all(h, NULL, 0);
        frames++;
    }
    if (h2_failure(h, &detail) != H2_FLOODED || memory.used_bytes > 256 << 10 || !detail)
        fail_msg("%s: %d (%s) after %u frames, %zu bytes", f->what, (int)h2_failure(h, &detail),
                 detail ? detail : "-", frames, memory.used_bytes);
    take_all(h, NULL, 0);
    assert_true(h2_is_over(h));
    h2_free(h);
    buf_pool_free(&pool);
    assert_int_equal(memory.used_bytes, 0);
}

static void test_floods(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof floods / sizeof *floods; i++) {
        run_flood(&floods[i], true);
        run_flood(&floods[i], false);
    }
}

/* Streams begun and reset, which cost a client nothing. */
static void test_streams_for_nothing(void **state)
{
    char wire[64];
    const char *detail;
    struct buf_pool pool;
    (void)state;
    buf_pool_init(&pool);
    struct h2 *h = h2_new(&server_options, &pool);
    assert_non_null(h);
    h2_feed(h, magic, sizeof magic - 1);
    h2_feed(h, wire, frame_write(&settings, wire));
    uint32_t id = 1;
    for (; h2_failure(h, &detail) == H2_FINE && id < 10000; id += 2) {
        const struct frame head = FRAME(HEADERS, WHOLE, id, "\x82\x86\x84\x01\x01h"),
                           reset = FRAME(RST_STREAM, 0, id, "\0\0\0\x08");
        h2_feed(h, wire, frame_write(&head, wire));
        h2_feed(h, wire, frame_write(&reset, wire));
        take_all(h, NULL, 0);
        for (struct h2_stream *s; (s = h2_news(h));)
            h2_let_go(s, H2_NO_ERROR);
    }
    assert_int_equal(h2_failure(h, &detail), H2_FLOODED);
    assert_in_range(id, 900, 1100);
    h2_free(h);
    buf_pool_free(&pool);
}

/* A field of 3 KiB that is put into the compression's table once and named 4000 times: 12 MB. */
static void test_head_bomb(void **state)
{
    static char bomb[16384], wire[20000];
    struct memory memory = {0};
    struct buf_pool pool;
    const char *detail;
    (void)state;
    buf_pool_init(&pool);
    pool.memory = &memory;
    struct h2_options options = client_options;
    options.memory = &memory;
    struct h2 *h = h2_new(&options, &pool);
    assert_non_null(h);
    struct h2_stream *s = h2_open(h, SPAN(GET), false, NULL);
    take_all(h, NULL, 0);
    h2_feed(h, wire, frame_write(&settings, wire));
    size_t at = (size_t)snprintf(bomb, sizeof bomb,
                                 "\x88\x40\x01"
                                 "a"
                                 "\x7f\xb9\x16");
    memset(bomb + at, 'x', 3000 + 0);
    at += 3000 - 0;
    /* 7f b9 16: 127 + 0x39 + 0x16 * 128 = 3000 */
    memset(bomb + at, 0xbe, 4000);
    at += 4000;
    const struct frame frame = {HEADERS, WHOLE, 1, bomb, at};
    h2_feed(h, wire, frame_write(&frame, wire));
    take_all(h, NULL, 0);
    assert_int_equal(h2_failure(h, &detail), H2_FINE);
    assert_true(s->is_over && s->error == RINGSEND_E_HEAD_TOO_LARGE && s->detail);
    assert_in_range(memory.used_bytes, 0, 128 << 10);
    h2_free(h);
    buf_pool_free(&pool);
}

/* Wherever memory is out: an error, and all of it comes back. */
static void test_memory_is_out(void **state)
{
    (void)state;
    for (size_t most = 64; most < 80 << 10; most += 257) {
        struct memory memory = {.max_bytes = most};
        struct buf_pool pool;
        char wire[256];
        buf_pool_init(&pool);
        pool.memory = &memory;
        struct h2_options options = client_options;
        options.memory = &memory;
        struct h2 *h = h2_new(&options, &pool);
        const struct frame head = FRAME(HEADERS, END_HEADERS, 1, "\x88"),
                           data = FRAME(DATA, END_STREAM, 1, "hello");
        if (h && h2_open(h, SPAN(POST), true, NULL)) {
            while (h2_take(h, wire, sizeof wire) > 0)
                ;
            h2_feed(h, wire, frame_write(&settings, wire));
            h2_feed(h, wire, frame_write(&head, wire));
            h2_feed(h, wire, frame_write(&data, wire));
            while (h2_take(h, wire, sizeof wire) > 0)
                ;
        }
        h2_free(h);
        buf_pool_free(&pool);
        assert_int_equal(memory.used_bytes, 0);
    }
}

static int load(void **state)
{
    (void)state;
    return h2_fault() != NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_and_answer),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_not_processed),
        cmocka_unit_test(test_let_go),
        cmocka_unit_test(test_slow_reader),
        cmocka_unit_test(test_secrets_are_never_indexed),
        cmocka_unit_test(test_ping),
        cmocka_unit_test(test_floods),
        cmocka_unit_test(test_streams_for_nothing),
        cmocka_unit_test(test_head_bomb),
        cmocka_unit_test(test_memory_is_out),
    };
    return cmocka_run_group_tests(tests, load, NULL);
}
