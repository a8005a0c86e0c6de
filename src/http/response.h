/* The response as it comes in: a strict reader around llhttp (the only user of it besides
 * request_reader.c), pure: bytes in, one response out.
 *
 * Life: response_init, response_feed with whatever arrived until it says DONE or FAILED, or
 * response_eof when the peer ended the stream, response_release. Interim 1xx responses are passed
 * over inside. After DONE nothing more is read: bytes behind the message are left to the caller,
 * who must take them as a reason to close the connection. After DONE or FAILED neither
 * response_feed nor response_eof may be called.
 *
 * What llhttp lets through and we refuse has a test each. One liberty
 * is taken, unless `strict`: head lines may end in a bare LF, as many simple servers send them.
 * They are fed to llhttp with a CR put before the LF. Only while reading a head: body, chunk sizes
 * and trailers are never touched. */
#ifndef RINGSEND_HTTP_RESPONSE_H
#define RINGSEND_HTTP_RESPONSE_H

#include "base/buf.h"
#include "base/errors.h"
#include "base/span.h"
#include "http/response_hints.h"
#include "http/chunks.h"
#include "http/coding.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct response_limits {
    uint32_t head_bytes; /* status line and headers of one message, trailers likewise */
    uint32_t
        head_lines; /* the heads of all 1xx responses before it may have as many bytes together */
    uint64_t body_bytes;
    bool strict;        /* refuse bare LF in heads */
    bool store_headers; /* fill `headers` */
};

enum response_next {
    RESPONSE_MORE,  /* feed on */
    RESPONSE_DONE,  /* complete and well framed */
    RESPONSE_FAILED /* see error; the connection is of no more use */
};

enum response_phase { RESPONSE_HEAD, RESPONSE_BODY, RESPONSE_COMPLETE };

enum { RESPONSE_PARSER_BYTES = 96 };

/* Positions of one header in `headers`. */
struct response_header {
    uint32_t name_at, name_bytes;
    uint32_t value_at, value_bytes;
};

struct response {
    /* The answer, valid from DONE to release. */
    int status;      /* 100..999; 0 before the status line */
    bool keep_alive; /* the connection may carry another request */
    bool streams;    /* from the head on: the body is one that response_stream is about */
    /* failed at the first bytes of all: what came was not even the start of a response */
    bool no_head;
    bool started; /* a first byte was fed */
    struct response_hints hints;
    struct codings codings;  /* Content-Encoding: what the body is packed by */
    struct buf location;     /* with a status of 300 to 399: the first Location's value */
    struct buf body;         /* as it came; of a streamed one what the user has not moved out yet */
    uint64_t streamed_bytes; /* of it, so far */
    struct buf headers; /* names and values one after another; filled with store_headers only */
    struct buf header_index; /* struct response_header, one per header, in order */
    uint64_t wire_bytes;     /* taken in by response_feed */
    uint32_t interim_count;

    /* Why it failed. */
    enum ringsend_error error;
    const char *detail; /* static text, or `said` */

    enum response_phase phase; /* of the message being read */

    /* Private to response.c. Of the whole exchange: */
    bool method_is_head;
    bool discards;
    const struct ringsend_status_set *streamed; /* null: none */
    const struct response_limits *limits;
    struct buf_pool *pool;
    const char *mark;       /* in the bytes being parsed: all before it has been counted */
    uint64_t interim_bytes; /* of the heads of interim responses */

    /* Of the message being read, an interim one or the final one: */
    bool interim;                      /* its status is 1xx */
    bool message_done;                 /* its last byte was read */
    bool in_trailer;                   /* a first trailer field was seen */
    bool line_has_cr;                  /* the last byte of the head line so far is CR */
    bool coding_chunked, coding_other; /* a Transfer-Encoding came; it was not "chunked" alone */
    bool connection_close, connection_keep_alive;
    bool has_length;   /* a Content-Length came: `length` */
    bool has_location; /* that of `location` is complete */

    /* Of the header being read: */
    uint8_t header_kind;             /* which header of interest it is */
    struct hint hint;                /* which one, if it is one */
    uint8_t name_bytes, value_bytes; /* of name[] and value[]; 255: too long to be of interest */
    struct response_header stored;   /* its place in `headers` */
    char name[44];                   /* anthropic-ratelimit-output-tokens-remaining */
    union {
        char value[128];
        char said[128]; /* what came in place of a response, in words: no header is read any more */
    };

    /* Of the message again: */
    uint32_t head_bytes, head_lines, line_bytes, trailer_lines;
    uint64_t length;
    struct chunks chunks;
    uint64_t trailer_bytes;
    uint64_t quiet_bytes; /* of chunk framing since the last byte of body */
    _Alignas(8) unsigned char parser[RESPONSE_PARSER_BYTES];
};

/* limits and pool must outlive the response. */
void response_init(struct response *r, const struct response_limits *limits, struct buf_pool *pool,
                   bool method_is_head);
/* Right after response_init: with a status of `streamed`, which must outlive the response, the body
 * may be of any length. Whoever feeds moves what has come out of `body`; with `discards` nothing is
 * put there. */
void response_stream(struct response *r, const struct ringsend_status_set *streamed, bool discards);
/* Feeds up to `bytes`; *used (always set) tells how many were taken; on DONE the rest is not ours.
 */
enum response_next response_feed(struct response *r, const char *data, size_t bytes, size_t *used);
/* The stream ended: DONE for a body that ends with the stream, else FAILED, with
 * RINGSEND_E_CLOSED_NO_RESPONSE when not one byte had come. */
enum response_next response_eof(struct response *r);
void response_release(struct response *r);
/* Of a body that has begun: how many bytes are still to come; UINT64_MAX: nobody knows. */
uint64_t response_bytes_left(const struct response *r);

#endif
