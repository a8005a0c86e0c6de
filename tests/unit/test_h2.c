#include "http2/h2.h"

#include "guard.h"
#include "h2_frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* RFC 9113 section by section: frames of a server to a client that has asked for one thing, and of
 * a client to a server. Each row is fed whole, split in two at every place, and byte by byte,
 * against an unmapped page, and comes to the same end.
 *
 * HPACK (RFC 7541) by hand: 0x88 is ":status 200", 0x82 ":method GET", 0x84 ":path /", 0x86
 * ":scheme http"; 0x00 begins a name and a value as literals, each behind its length. */

#define OF_PEER FRAME(SETTINGS, 0, 0, "")
#define OK_HEAD "\x88"
#define LENGTH_2     \
    "\x00\x0e"       \
    "content-length" \
    "\x01"           \
    "2"
#define LENGTH_3     \
    "\x00\x0e"       \
    "content-length" \
    "\x01"           \
    "3"
#define STATUS(code) "\x08\x03" code
#define HOST   \
    "\x01\x01" \
    "h"
#define GET_ROOT "\x82\x86\x84" HOST
#define POST_ROOT "\x83\x86\x84" HOST

enum end {
    END_WHOLE,   /* `text` came, and is all */
    END_OPEN,    /* it came, and more may */
    END_STREAM_, /* the stream is over by `code` */
    END_SESSION, /* so is the session, by `failure` */
};

struct row {
    const char *section, *what;
    enum end end;
    const char *text;
    uint32_t code;
    enum ringsend_error error;
    enum h2_failure failure;
    bool head; /* HEAD was asked for */
    struct frame frames[6];
};

#define WHOLE_IS(expected) .end = END_WHOLE, .text = (expected)
#define OPEN_IS(expected) .end = END_OPEN, .text = (expected)
#define STREAM_IS(by_code, by_error) .end = END_STREAM_, .code = (by_code), .error = (by_error)
#define SESSION_IS(by) .end = END_SESSION, .failure = (by)
#define FRAMES(...) .frames = {__VA_ARGS__}

static const struct row of_server[] = {
    {"3.4", "no SETTINGS first", SESSION_IS(H2_BROKEN), FRAMES(FRAME(HEADERS, WHOLE, 1, OK_HEAD))},
    {"3.4", "HTTP/1.1", SESSION_IS(H2_BROKEN),
     FRAMES({'1', '.', 0x31202020, "400 Bad Request", 15})},
    {"4.1", "a frame of an unknown type is passed over", WHOLE_IS("HTTP/1.1 200 \r\n\r\n"),
     FRAMES(OF_PEER, FRAME(0x42, 0xff, 1, "whatever"), FRAME(HEADERS, WHOLE, 1, OK_HEAD))},
    {"4.2", "SETTINGS of a size that is no multiple of 6", SESSION_IS(H2_BROKEN),
     FRAMES(FRAME(SETTINGS, 0, 0, "\0\0\0\0\0"))},
    {"4.2", "a PING of 7 bytes", SESSION_IS(H2_BROKEN),
     FRAMES(OF_PEER, FRAME(PING, 0, 0, "1234567"))},
    {"4.3", "a head in parts", WHOLE_IS("HTTP/1.1 200 \r\na: b\r\n\r\n"),
     FRAMES(OF_PEER,
            FRAME(HEADERS, END_STREAM, 1,
                  OK_HEAD "\x00\x01"
                          "a"),
            FRAME(CONTINUATION, 0, 1, "\x01"), FRAME(CONTINUATION, END_HEADERS, 1, "b"))},
    {"4.3", "another frame in the middle of a head", SESSION_IS(H2_BROKEN),
     FRAMES(OF_PEER, FRAME(HEADERS, END_STREAM, 1, OK_HEAD), FRAME(PING, 0, 0, "12345678"))},
    {"4.3", "a part for another stream", SESSION_IS(H2_BROKEN),
     FRAMES(OF_PEER, FRAME(HEADERS, END_STREAM, 1, OK_HEAD),
            FRAME(CONTINUATION, END_HEADERS, 3, ""))},
    {"4.3", "a head that cannot be unpacked", SESSION_IS(H2_BROKEN),
     FRAMES(OF_PEER, FRAME(HEADERS, WHOLE, 1, "\xff\xff\xff\xff\xff"))},
    {"5.1", "DATA of a stream that was never begun", SESSION_IS(H2_BROKEN),
     FRAMES(OF_PEER, FRAME(DATA, 0, 5, "x"))},
    {"5.1", "HEADERS of a stream that was never begun", SESSION_IS(H2_BROKEN),
     FRAMES(OF_PEER, FRAME(HEADERS, WHOLE, 3, OK_HEAD))},
    {"5.1", "DATA behind the end is passed over", WHOLE_IS("HTTP/1.1 200 \r\n\r\n"),
     FRAMES(OF_PEER, FRAME(HEADERS, WHOLE, 1, OK_HEAD), FRAME(DATA, 0, 1, "x"))},
    {"5.1.1", "a stream of the server's own", SESSION_IS(H2_BROKEN),
     FRAMES(OF_PEER, FRAME(HEADERS, WHOLE, 2, OK_HEAD))},
    {"5.4.2", "it resets the stream", STREAM_IS(H2_CANCEL, RINGSEND_OK),
     FRAMES(OF_PEER, FRAME(RST_STREAM, 0, 1, "\0\0\0\x08"))},
    {"8.7", "it refuses the stream", STREAM_IS(H2_REFUSED_STREAM, RINGSEND_OK),
     FRAMES(OF_PEER, FRAME(RST_STREAM, 0, 1, "\0\0\0\x07"))},
    {"6.1", "padding", WHOLE_IS("HTTP/1.1 200 \r\n\r\nhi"),
     FRAMES(OF_PEER, FRAME(HEADERS, END_HEADERS, 1, OK_HEAD),
            FRAME(DATA, END_STREAM | PADDED, 1, "\x03hi\0\0\0"))},
    {"6.1", "more padding than there is frame", SESSION_IS(H2_BROKEN),
     FRAMES(OF_PEER, FRAME(HEADERS, END_HEADERS, 1, OK_HEAD), FRAME(DATA, PADDED, 1, "\x09hi"))},
    {"6.1", "DATA of no stream", SESSION_IS(H2_BROKEN), FRAMES(OF_PEER, FRAME(DATA, 0, 0, "x"))},
    {"6.4", "RST_STREAM of 3 bytes", SESSION_IS(H2_BROKEN),
     FRAMES(OF_PEER, FRAME(RST_STREAM, 0, 1, "\0\0\0"))},
    {"6.5", "SETTINGS of a stream", SESSION_IS(H2_BROKEN), FRAMES(FRAME(SETTINGS, 0, 1, ""))},
    {"6.5.2", "a window beyond 2^31-1", SESSION_IS(H2_BROKEN),
     FRAMES(FRAME(SETTINGS, 0, 0, "\0\x04\x80\0\0\0"))},
    {"6.5.2", "frames of more than 2^24-1 bytes", SESSION_IS(H2_BROKEN),
     FRAMES(FRAME(SETTINGS, 0, 0, "\0\x05\x01\0\0\0"))},
    {"6.5.3", "an ACK with a payload", SESSION_IS(H2_BROKEN),
     FRAMES(OF_PEER, FRAME(SETTINGS, ACK, 0, "\0\x04\0\0\0\0"))},
    {"6.6", "a promise, which was forbidden", SESSION_IS(H2_BROKEN),
     FRAMES(OF_PEER, FRAME(SETTINGS, ACK, 0, ""),
            FRAME(PUSH_PROMISE, END_HEADERS, 1, "\0\0\0\x02" GET_ROOT))},
    {"6.7", "a PING of a stream", SESSION_IS(H2_BROKEN),
     FRAMES(OF_PEER, FRAME(PING, 0, 1, "12345678"))},
    {"6.8", "a GOAWAY below: the stream was not processed",
     STREAM_IS(H2_REFUSED_STREAM, RINGSEND_OK),
     FRAMES(OF_PEER, FRAME(GOAWAY, 0, 0, "\0\0\0\0\0\0\0\x0b"))},
    {"6.8", "a GOAWAY above: its answer comes", WHOLE_IS("HTTP/1.1 200 \r\n\r\n"),
     FRAMES(OF_PEER, FRAME(GOAWAY, 0, 0, "\0\0\0\x01\0\0\0\0"), FRAME(HEADERS, WHOLE, 1, OK_HEAD))},
    {"6.8", "a first notice refuses nothing", WHOLE_IS("HTTP/1.1 200 \r\n\r\n"),
     FRAMES(OF_PEER, FRAME(GOAWAY, 0, 0, "\x7f\xff\xff\xff\0\0\0\0"),
            FRAME(HEADERS, WHOLE, 1, OK_HEAD))},
    {"6.8", "a last id that grows", SESSION_IS(H2_BROKEN),
     FRAMES(OF_PEER, FRAME(GOAWAY, 0, 0, "\0\0\0\x01\0\0\0\0"),
            FRAME(GOAWAY, 0, 0, "\0\0\0\x03\0\0\0\0"))},
    {"6.9", "a window that grows by nothing", SESSION_IS(H2_BROKEN),
     FRAMES(OF_PEER, FRAME(WINDOW_UPDATE, 0, 1, "\0\0\0\0"))},
    {"6.9", "the connection's, likewise", SESSION_IS(H2_BROKEN),
     FRAMES(OF_PEER, FRAME(WINDOW_UPDATE, 0, 0, "\0\0\0\0"))},
    {"6.9.1", "the connection's grows beyond 2^31-1", SESSION_IS(H2_BROKEN),
     FRAMES(OF_PEER, FRAME(WINDOW_UPDATE, 0, 0, "\x7f\xff\xff\xff"))},
    {"6.10", "CONTINUATION without a head", SESSION_IS(H2_BROKEN),
     FRAMES(OF_PEER, FRAME(CONTINUATION, END_HEADERS, 1, OK_HEAD))},
    {"8.1", "an interim head, and the final one",
     WHOLE_IS("HTTP/1.1 103 \r\na: b\r\n\r\nHTTP/1.1 200 \r\n\r\n"),
     FRAMES(OF_PEER,
            FRAME(HEADERS, END_HEADERS, 1,
                  STATUS("103") "\x00\x01"
                                "a"
                                "\x01"
                                "b"),
            FRAME(HEADERS, WHOLE, 1, OK_HEAD))},
    {"8.1", "an interim head that ends the stream",
     STREAM_IS(H2_PROTOCOL_ERROR, RINGSEND_E_BAD_RESPONSE),
     FRAMES(OF_PEER, FRAME(HEADERS, WHOLE, 1, STATUS("100")))},
    {"8.1", "a body before any head", SESSION_IS(H2_BROKEN),
     FRAMES(OF_PEER, FRAME(DATA, 0, 1, "x"))},
    {"8.1", "a trailer is left out", WHOLE_IS("HTTP/1.1 200 \r\n\r\nx"),
     FRAMES(OF_PEER, FRAME(HEADERS, END_HEADERS, 1, OK_HEAD), FRAME(DATA, 0, 1, "x"),
            FRAME(HEADERS, WHOLE, 1,
                  "\x00\x01"
                  "a"
                  "\x01"
                  "b"))},
    {"8.1", "a trailer that does not end the stream",
     STREAM_IS(H2_PROTOCOL_ERROR, RINGSEND_E_BAD_RESPONSE),
     FRAMES(OF_PEER, FRAME(HEADERS, END_HEADERS, 1, OK_HEAD), FRAME(DATA, 0, 1, "x"),
            FRAME(HEADERS, END_HEADERS, 1,
                  "\x00\x01"
                  "a"
                  "\x01"
                  "b"))},
    {"8.1.1", "a body shorter than its Content-Length", STREAM_IS(H2_PROTOCOL_ERROR, RINGSEND_OK),
     FRAMES(OF_PEER, FRAME(HEADERS, END_HEADERS, 1, OK_HEAD LENGTH_3),
            FRAME(DATA, END_STREAM, 1, "hi"))},
    {"8.1.1", "a longer one", STREAM_IS(H2_PROTOCOL_ERROR, RINGSEND_OK),
     FRAMES(OF_PEER, FRAME(HEADERS, END_HEADERS, 1, OK_HEAD LENGTH_2), FRAME(DATA, 0, 1, "hi!"))},
    {"8.1.1", "the right one", WHOLE_IS("HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\nhi"),
     FRAMES(OF_PEER, FRAME(HEADERS, END_HEADERS, 1, OK_HEAD LENGTH_2),
            FRAME(DATA, END_STREAM, 1, "hi"))},
    {"8.1.1", "the length of what HEAD does not bring",
     WHOLE_IS("HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\n"), .head = true,
     FRAMES(OF_PEER, FRAME(HEADERS, WHOLE, 1, OK_HEAD LENGTH_2))},
    {"8.1.1", "a body behind 204", STREAM_IS(H2_PROTOCOL_ERROR, RINGSEND_OK),
     FRAMES(OF_PEER, FRAME(HEADERS, END_HEADERS, 1, "\x89"), FRAME(DATA, END_STREAM, 1, "hi"))},
    {"8.2.1", "a name in upper case", STREAM_IS(H2_PROTOCOL_ERROR, RINGSEND_E_BAD_RESPONSE),
     FRAMES(OF_PEER, FRAME(HEADERS, WHOLE, 1,
                           OK_HEAD "\x00\x01"
                                   "A"
                                   "\x01"
                                   "b"))},
    {"8.2.1", "a value with a line end", STREAM_IS(H2_PROTOCOL_ERROR, RINGSEND_E_BAD_RESPONSE),
     FRAMES(OF_PEER, FRAME(HEADERS, WHOLE, 1,
                           OK_HEAD "\x00\x01"
                                   "a"
                                   "\x03"
                                   "b\r\n"))},
    {"8.2.1", "a value with a NUL", STREAM_IS(H2_PROTOCOL_ERROR, RINGSEND_E_BAD_RESPONSE),
     FRAMES(OF_PEER, FRAME(HEADERS, WHOLE, 1,
                           OK_HEAD "\x00\x01"
                                   "a"
                                   "\x03"
                                   "b\0c"))},
    {"8.2.2", "a field of the connection", STREAM_IS(H2_PROTOCOL_ERROR, RINGSEND_E_BAD_RESPONSE),
     FRAMES(OF_PEER, FRAME(HEADERS, WHOLE, 1,
                           OK_HEAD "\x00\x11"
                                   "transfer-encoding"
                                   "\x07"
                                   "chunked"))},
    {"8.3", "an unknown pseudo-header", STREAM_IS(H2_PROTOCOL_ERROR, RINGSEND_E_BAD_RESPONSE),
     FRAMES(OF_PEER, FRAME(HEADERS, WHOLE, 1,
                           OK_HEAD "\x00\x02"
                                   ":a"
                                   "\x01"
                                   "b"))},
    {"8.3", "a pseudo-header behind others", STREAM_IS(H2_PROTOCOL_ERROR, RINGSEND_E_BAD_RESPONSE),
     FRAMES(OF_PEER, FRAME(HEADERS, WHOLE, 1,
                           "\x00\x01"
                           "a"
                           "\x01"
                           "b" OK_HEAD))},
    {"8.3.2", "no status", STREAM_IS(H2_PROTOCOL_ERROR, RINGSEND_E_BAD_RESPONSE),
     FRAMES(OF_PEER, FRAME(HEADERS, WHOLE, 1,
                           "\x00\x01"
                           "a"
                           "\x01"
                           "b"))},
    {"8.3.2", "two of them", STREAM_IS(H2_PROTOCOL_ERROR, RINGSEND_E_BAD_RESPONSE),
     FRAMES(OF_PEER, FRAME(HEADERS, WHOLE, 1, OK_HEAD OK_HEAD))},
    {"8.3.2", "a status of two digits", STREAM_IS(H2_PROTOCOL_ERROR, RINGSEND_E_BAD_RESPONSE),
     FRAMES(OF_PEER, FRAME(HEADERS, WHOLE, 1,
                           "\x08\x02"
                           "20"))},
    {"8.6", "a 101", STREAM_IS(H2_PROTOCOL_ERROR, RINGSEND_E_BAD_RESPONSE),
     FRAMES(OF_PEER, FRAME(HEADERS, END_HEADERS, 1, STATUS("101")))},
    {"6.1", "the beginning of a body", OPEN_IS("HTTP/1.1 200 \r\n\r\nhi"),
     FRAMES(OF_PEER, FRAME(HEADERS, END_HEADERS, 1, OK_HEAD), FRAME(DATA, 0, 1, "hi"),
            FRAME(DATA, 0, 1, ""))},
};

static const struct row of_client[] = {
    {"3.4", "no preface", SESSION_IS(H2_BROKEN), .head = true, FRAMES({'G', 'E', 0, "x", 1})},
    {"8.3.1", "a request", WHOLE_IS("GET / HTTP/1.1\r\nHost: h\r\n\r\n"),
     FRAMES(OF_PEER, FRAME(HEADERS, WHOLE, 1, GET_ROOT))},
    {"8.3.1", "its host twice", WHOLE_IS("GET / HTTP/1.1\r\nHost: h\r\n\r\n"),
     FRAMES(OF_PEER, FRAME(HEADERS, WHOLE, 1,
                           GET_ROOT "\x00\x04"
                                    "host"
                                    "\x01"
                                    "i"))},
    {"8.1", "a body of unknown length",
     WHOLE_IS(
         "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
     FRAMES(OF_PEER, FRAME(HEADERS, END_HEADERS, 1, POST_ROOT), FRAME(DATA, END_STREAM, 1, "x"))},
    {"8.1", "and a trailer",
     WHOLE_IS(
         "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
     FRAMES(OF_PEER, FRAME(HEADERS, END_HEADERS, 1, POST_ROOT), FRAME(DATA, 0, 1, "x"),
            FRAME(HEADERS, WHOLE, 1,
                  "\x00\x01"
                  "a"
                  "\x01"
                  "b"))},
    {"8.1", "a body of known length",
     WHOLE_IS("POST / HTTP/1.1\r\nHost: h\r\ncontent-length: 2\r\n\r\nhi"),
     FRAMES(OF_PEER, FRAME(HEADERS, END_HEADERS, 1, POST_ROOT LENGTH_2),
            FRAME(DATA, END_STREAM, 1, "hi"))},
    {"8.1.1", "another one", STREAM_IS(H2_PROTOCOL_ERROR, RINGSEND_OK),
     FRAMES(OF_PEER, FRAME(HEADERS, END_HEADERS, 1, POST_ROOT LENGTH_3),
            FRAME(DATA, END_STREAM, 1, "hi"))},
    {"8.3.1", "a path with a line end", STREAM_IS(H2_PROTOCOL_ERROR, RINGSEND_E_BAD_RESPONSE),
     FRAMES(OF_PEER, FRAME(HEADERS, WHOLE, 1,
                           "\x82\x86" HOST "\x04\x05"
                           "/\r\nX:"))},
    {"8.3.1", "a path with a blank", STREAM_IS(H2_PROTOCOL_ERROR, RINGSEND_E_BAD_RESPONSE),
     FRAMES(OF_PEER, FRAME(HEADERS, WHOLE, 1,
                           "\x82\x86" HOST "\x04\x04"
                           "/ HT"))},
    {"8.3.1", "no path", STREAM_IS(H2_PROTOCOL_ERROR, RINGSEND_E_BAD_RESPONSE),
     FRAMES(OF_PEER, FRAME(HEADERS, WHOLE, 1, "\x82\x86"))},
    {"8.5", "CONNECT", STREAM_IS(H2_INTERNAL_ERROR, RINGSEND_E_BAD_RESPONSE),
     FRAMES(OF_PEER, FRAME(HEADERS, END_HEADERS, 1,
                           "\x02\x07"
                           "CONNECT"
                           "\x01\x03"
                           "h:1"))},
    {"5.1.1", "an even stream", SESSION_IS(H2_BROKEN),
     FRAMES(OF_PEER, FRAME(HEADERS, WHOLE, 2, GET_ROOT))},
    {"8.2.2", "a field of the connection", STREAM_IS(H2_PROTOCOL_ERROR, RINGSEND_E_BAD_RESPONSE),
     FRAMES(OF_PEER, FRAME(HEADERS, WHOLE, 1,
                           GET_ROOT "\x00\x0a"
                                    "connection"
                                    "\x05"
                                    "close"))},
};

static unsigned wrong;

static void check_end(const struct row *row, struct h2 *h, const struct h2_stream *s, size_t way)
{
    const char *detail;
    enum h2_failure failure = h2_failure(h, &detail);
    struct ringsend_bytes text = s ? h2_peek(s) : (struct ringsend_bytes){0};
    bool is_text = row->text && text.data && text.bytes == strlen(row->text) &&
                   memcmp(text.data, row->text, text.bytes) == 0;
    bool is_right =
        row->end == END_SESSION ? failure == row->failure
        : row->end == END_STREAM_
            ? failure == H2_FINE && s && s->is_over && s->code == row->code &&
                  (row->error == RINGSEND_OK || s->error == row->error)
            : failure == H2_FINE && s && is_text && s->in_ended == (row->end == END_WHOLE);
    if (!is_right && ++wrong)
        print_error("%s %s, way %zu: failure %d (%s), over %d, code %u, error %d, text %.*s\n",
                    row->section, row->what, way, (int)failure, detail ? detail : "-",
                    s && s->is_over, s ? s->code : 0, s ? (int)s->error : 0, (int)text.bytes,
                    text.bytes ? text.data : "");
}

static void run_row(const struct row *row, const struct h2_options *options, struct guard *guard)
{
    char wire[512];
    size_t bytes = 0;
    if (options->server && !row->head)
        bytes = (size_t)snprintf(wire, sizeof wire, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    for (size_t i = 0; i < sizeof row->frames / sizeof *row->frames; i++)
        if (row->frames[i].payload)
            bytes += frame_write(&row->frames[i], wire + bytes);
    for (size_t way = 0; way <= bytes; way++) {
        struct buf_pool pool;
        buf_pool_init(&pool);
        struct h2 *h = h2_new(options, &pool);
        struct h2_stream *s = NULL;
        assert_non_null(h);
        if (!options->server) {
            s = h2_open(h,
                        row->head ? SPAN("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
                                  : SPAN("GET / HTTP/1.1\r\nHost: h\r\n\r\n"),
                        false, NULL);
            assert_non_null(s);
        }
        take_all(h, NULL, 0);
        for (size_t at = 0, piece; at < bytes; at += piece) {
            piece = guard_piece(way, bytes, at);
            h2_feed(h, guard_put(guard, wire + at, piece), piece);
            take_all(h, NULL, 0);
        }
        struct h2_stream *news = h2_news(h);
        check_end(row, h, s ? s : news, way);
        h2_free(h);
        buf_pool_free(&pool);
    }
}

static void test_frames_of_server(void **state)
{
    struct guard guard;
    (void)state;
    wrong = 0;
    guard_open(&guard, 4096);
    for (size_t i = 0; i < sizeof of_server / sizeof *of_server; i++)
        run_row(&of_server[i], &client_options, &guard);
    guard_close(&guard);
    assert_int_equal(wrong, 0);
}

static void test_frames_of_client(void **state)
{
    struct guard guard;
    (void)state;
    wrong = 0;
    guard_open(&guard, 4096);
    for (size_t i = 0; i < sizeof of_client / sizeof *of_client; i++)
        run_row(&of_client[i], &server_options, &guard);
    guard_close(&guard);
    assert_int_equal(wrong, 0);
}

static void test_preface(void **state)
{
    (void)state;
    assert_int_equal(h2_preface_of(SPAN("")), H2_PREFACE_MAYBE);
    assert_int_equal(h2_preface_of(SPAN("P")), H2_PREFACE_MAYBE);
    assert_int_equal(h2_preface_of(SPAN("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")), H2_PREFACE_YES);
    assert_int_equal(h2_preface_of(SPAN("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n....")), H2_PREFACE_YES);
    assert_int_equal(h2_preface_of(SPAN("POST ")), H2_PREFACE_NO);
    assert_int_equal(h2_preface_of(SPAN("PRI * HTTP/2.0\r\n\r\nSM\r\n\r.")), H2_PREFACE_NO);
}

static int load(void **state)
{
    (void)state;
    const char *fault = h2_fault();
    if (fault)
        print_error("%s\n", fault);
    return fault != NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_of_server),
        cmocka_unit_test(test_frames_of_client),
        cmocka_unit_test(test_preface),
    };
    return cmocka_run_group_tests(tests, load, NULL);
}
