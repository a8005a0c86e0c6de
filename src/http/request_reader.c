#include "http/request_reader.h"

#include "base/check.h"
#include "base/span.h"

#include <llhttp.h>

/* A thin layer on llhttp, which reads all of the grammar: this file keeps of a request what a
 * platform wants to know, and bounds the one thing that llhttp does not, the length of the head.
 * What is longer than its place is cut (target, id) or ignored.
 *
 * The parser is paused behind each request and started afresh for the next, so that one that waits
 * in the same bytes is never touched. Works with llhttp 8.1 and 9. */

_Static_assert(sizeof(llhttp_t) <= REQUEST_PARSER_BYTES, "REQUEST_PARSER_BYTES is too small");
_Static_assert(_Alignof(llhttp_t) <= 8, "the parser's place is aligned to 8");

enum {
    HEAD_BYTES_MAX = 64 << 10,
    TOO_LONG = UINT8_MAX, /* of name_bytes and value_bytes */
};

#define FNV_BASIS UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

enum header_kind { HEADER_OTHER, HEADER_ID, HEADER_EXPECT };

static llhttp_t *parser_of(struct request_reader *r)
{
    return (llhttp_t *)(void *)r->parser;
}

static struct request_reader *reader_of(llhttp_t *parser)
{
    return (struct request_reader *)(void *)((char *)parser -
                                             offsetof(struct request_reader, parser));
}

static int fail(struct request_reader *r, const char *detail)
{
    if (!r->detail)
        r->detail = detail;
    return -1;
}

/* How many of `bytes` still fit, when `filled` of `capacity` are taken. */
static size_t fitting(size_t capacity, size_t filled, size_t bytes)
{
    return bytes < capacity - filled ? bytes : capacity - filled;
}

/* Appends to one of the small buffers, or marks it as too long. */
static void collect(char *into, size_t capacity, uint8_t *filled, const char *at, size_t bytes)
{
    if (*filled == TOO_LONG || bytes > capacity - *filled) {
        *filled = TOO_LONG;
        return;
    }
    memcpy(into + *filled, at, bytes);
    *filled = (uint8_t)(*filled + bytes);
}

static int on_target(llhttp_t *parser, const char *at, size_t bytes)
{
    struct request_reader *r = reader_of(parser);
    bytes = fitting(REQUEST_TARGET_MAX - 1, r->target_bytes, bytes);
    memcpy(r->target + r->target_bytes, at, bytes);
    r->target_bytes = (uint16_t)(r->target_bytes + bytes);
    return 0;
}

/* Trailers pass through here as well; they are nobody's id. */
static int on_name(llhttp_t *parser, const char *at, size_t bytes)
{
    struct request_reader *r = reader_of(parser);
    collect(r->name, sizeof r->name, &r->name_bytes, at, bytes);
    return 0;
}

static int on_name_complete(llhttp_t *parser)
{
    struct request_reader *r = reader_of(parser);
    r->header_kind = HEADER_OTHER;
    if (r->name_bytes != TOO_LONG && !r->head_done) {
        struct ringsend_bytes name = {r->name, r->name_bytes};
        if (r->id_header && r->id_bytes == 0 && span_equal_nocase(name, span_of(r->id_header)))
            r->header_kind = HEADER_ID;
        else if (span_equal_nocase(name, SPAN("expect")))
            r->header_kind = HEADER_EXPECT;
    }
    r->name_bytes = r->value_bytes = 0;
    return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t bytes)
{
    struct request_reader *r = reader_of(parser);
    if (r->header_kind == HEADER_ID) {
        bytes = fitting(REQUEST_ID_MAX - 1, r->id_bytes, bytes);
        memcpy(r->id + r->id_bytes, at, bytes);
        r->id_bytes = (uint16_t)(r->id_bytes + bytes);
    } else if (r->header_kind == HEADER_EXPECT) {
        collect(r->value, sizeof r->value, &r->value_bytes, at, bytes);
    }
    return 0;
}

static int on_value_complete(llhttp_t *parser)
{
    struct request_reader *r = reader_of(parser);
    if (r->header_kind == HEADER_ID) {
        while (r->id_bytes > 0 && (r->id[r->id_bytes - 1] == ' ' || r->id[r->id_bytes - 1] == '\t'))
            r->id_bytes--;
    } else if (r->header_kind == HEADER_EXPECT && r->value_bytes != TOO_LONG) {
        r->expects_continue = span_equal_nocase((struct ringsend_bytes){r->value, r->value_bytes},
                                                SPAN("100-continue"));
    }
    return 0;
}

static int on_head_complete(llhttp_t *parser)
{
    struct request_reader *r = reader_of(parser);
    if (llhttp_get_http_major(parser) != 1)
        return fail(r, "the HTTP version is neither 1.1 nor 1.0");
    const char *method = llhttp_method_name((llhttp_method_t)llhttp_get_method(parser));
    size_t bytes = fitting(REQUEST_METHOD_MAX - 1, 0, strlen(method));
    memcpy(r->method, method, bytes);
    r->method[bytes] = 0;
    r->target[r->target_bytes] = 0;
    r->id[r->id_bytes] = 0;
    r->head_done = true;
    return 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t bytes)
{
    struct request_reader *r = reader_of(parser);
    uint64_t hash = r->body_hash;
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ (unsigned char)at[i]) * FNV_PRIME;
    r->body_hash = hash;
    r->body_bytes += bytes;
    if (r->body_to == REQUEST_BODY_DIGESTED)
        sha256_add(&r->digest, at, bytes);
    if (r->body_to == REQUEST_BODY_STORED && !buf_append(r->pool, &r->body, at, bytes))
        return fail(r, "memory is out");
    return 0;
}

static int on_complete(llhttp_t *parser)
{
    struct request_reader *r = reader_of(parser);
    r->keep_alive = llhttp_should_keep_alive(parser);
    r->done = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_target,
    .on_header_field = on_name,
    .on_header_field_complete = on_name_complete,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_complete,
    .on_headers_complete = on_head_complete,
    .on_body = on_body,
    .on_message_complete = on_complete,
};

/* Field by field: clearing the whole struct would cost more than reading a request. */
void request_reader_init(struct request_reader *r, struct buf_pool *pool, const char *id_header,
                         enum request_body body_to)
{
    CHECK(!id_header || strlen(id_header) <= sizeof r->name);
    r->method[0] = r->target[0] = r->id[0] = 0;
    r->keep_alive = r->expects_continue = false;
    r->body_bytes = 0;
    r->body_hash = FNV_BASIS;
    r->body = (struct buf){0};
    r->started = r->head_done = r->done = false;
    r->detail = NULL;
    r->pool = pool;
    r->id_header = id_header;
    r->body_to = body_to;
    if (body_to == REQUEST_BODY_DIGESTED)
        sha256_init(&r->digest);
    r->header_kind = HEADER_OTHER;
    r->name_bytes = r->value_bytes = 0;
    r->target_bytes = r->id_bytes = 0;
    r->head_bytes = 0;
    llhttp_init(parser_of(r), HTTP_REQUEST, &settings);
}

enum request_next request_reader_feed(struct request_reader *r, const char *data, size_t bytes,
                                      size_t *used)
{
    CHECK(!r->done && !r->detail);
    llhttp_t *parser = parser_of(r);
    size_t at = 0;
    r->started |= bytes > 0;
    while (at < bytes && !r->done && !r->detail) {
        /* As long as the head is open no more than it may still have is handed on. */
        size_t piece =
            r->head_done ? bytes - at : fitting(HEAD_BYTES_MAX, r->head_bytes, bytes - at);
        if (piece == 0) {
            fail(r, "the request head is larger than 64 KiB");
            break;
        }
        if (!r->head_done)
            r->head_bytes += (uint32_t)piece;
        llhttp_errno_t code = llhttp_execute(parser, data + at, piece);
        if (code == HPE_OK) {
            at += piece;
            continue;
        }
        at = (size_t)(llhttp_get_error_pos(parser) - data);
        if (!r->done) {
            const char *reason = llhttp_get_error_reason(parser);
            fail(r, reason ? reason : "the request is malformed");
        }
    }
    *used = at;
    if (r->detail)
        return REQUEST_FAILED;
    return r->done ? REQUEST_DONE : REQUEST_MORE;
}

void request_reader_release(struct request_reader *r)
{
    buf_release(r->pool, &r->body);
}
