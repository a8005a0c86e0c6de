/* HTTP/2 without I/O (RFC 9113): frames in and out, and for each stream the text that HTTP/1.1
 * would have for it. nghttp2 reads and writes the frames; this room decides what is said, bounds
 * what a peer can make us keep or do, and translates. So heads, framing and limits are judged by
 * the same readers (response.h, request_reader.h) whatever the version, and written by the same
 * writers (head.h).
 *
 *   in    a message's head as lines; behind it the body: as it came where a Content-Length or the
 *         stream's end says how long it is, a request's of unknown length in chunks. A response's
 *         trailer is counted and left out
 *   out   a head as lines; names are put in lower case, Host becomes :authority, and what concerns
 *         one connection is left out (RFC 9113 8.2.2). Bodies as they are, never in chunks
 *
 * Life: h2_new; whatever came by h2_feed; whatever is to leave by h2_take, until it has nothing;
 * then h2_news, one stream after the other, and h2_failure. Nothing is called back.
 *
 * Bounds. A session takes at most 1 MiB and 64 KiB a stream for nghttp2's own needs, mostly less
 * than 64 KiB in all; and for each stream what was not yet read: a window of DATA, and a head. Who
 * does not read a stream stops that one, never the connection: the connection's window is given
 * back at once. Frames that bring nothing (PING, SETTINGS, empty DATA and their like), parts of a
 * head, and streams begun for nothing cost the peer its session when there are too many. */
#ifndef RINGSEND_HTTP2_H2_H
#define RINGSEND_HTTP2_H2_H

#include "base/buf.h"
#include "base/errors.h"
#include "base/list.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    H2_STREAMS_MAX = 1000,
    H2_WINDOW_BYTES = 256 << 10, /* of a stream, unless told otherwise */
    H2_PREFACE_BYTES = 24,
};

/* Codes of RFC 9113 7 that decide what becomes of a request. */
enum h2_code {
    H2_NO_ERROR = 0x0,
    H2_PROTOCOL_ERROR = 0x1,
    H2_INTERNAL_ERROR = 0x2,
    H2_REFUSED_STREAM = 0x7,
    H2_CANCEL = 0x8,
    H2_ENHANCE_YOUR_CALM = 0xb,
    H2_HTTP_1_1_REQUIRED = 0xd,
};

struct h2_options {
    bool server;
    bool secure;          /* the scheme is https */
    uint32_t streams_max; /* of the peer at a server; of ours at a client, however many it allows */
    uint32_t window_bytes; /* of a stream; 0: H2_WINDOW_BYTES */
    uint32_t head_bytes;   /* of one head as lines; trailers likewise */
    uint32_t head_lines;
    struct memory *memory; /* null: the C library's */
};

enum h2_failure {
    H2_FINE,
    H2_BROKEN,    /* the peer broke the protocol */
    H2_FLOODED,   /* it sent too much of what brings nothing */
    H2_NO_MEMORY, /* ours is out, or the session's bound is reached */
};

struct h2;

/* One request and its response. */
struct h2_stream {
    struct h2 *h2;
    void *owner; /* the caller's */
    int32_t id;

    /* Of what came. */
    struct buf in;             /* as text */
    size_t in_used;            /* of it, consumed */
    bool in_ended;             /* that is all of it, and the message is whole */
    bool has_headed;           /* its final head was seen */
    bool is_chunked;           /* a request's body is given in chunks */
    bool out_left;             /* its first frame was taken by h2_take */
    bool is_over;              /* nothing moves any more, in either direction: by `code` */
    bool is_let_go;            /* by its owner */
    bool is_deferred;          /* waits for h2_body */
    bool out_last;             /* `out` ends the body */
    bool out_whole;            /* and its end was taken by h2_take */
    uint64_t left_at;          /* then: behind so many bytes */
    uint32_t code;             /* enum h2_code, or another one */
    enum ringsend_error error; /* what we found wrong with it; RINGSEND_OK: nothing */
    const char *detail;        /* the same as a sentence, static; or null */

    /* Of what is to leave: the caller's memory, untouched until it is empty. */
    struct ringsend_bytes out;

    /* Private. */
    struct list node; /* in h2.streams */
    struct list news; /* in h2.news, while there is something to look at */
    uint32_t head_bytes, head_lines;
    uint32_t owed_bytes; /* of DATA that has not been given back to its window */
};

/* Null, or why there is no HTTP/2 here: static. Loads nghttp2 at the first call. Any thread. */
const char *h2_fault(void);

enum h2_preface { H2_PREFACE_NO, H2_PREFACE_MAYBE, H2_PREFACE_YES };
/* Do these first bytes of a client begin HTTP/2? MAYBE: they are too few. */
enum h2_preface h2_preface_of(struct ringsend_bytes first);

/* h2_fault is null. The pool outlives it. Null: memory is out. */
struct h2 *h2_new(const struct h2_options *options, struct buf_pool *pool);
void h2_free(struct h2 *h); /* and its streams; null is allowed */

/* Takes in what came. */
void h2_feed(struct h2 *h, const char *data, size_t bytes);
/* Puts what is to leave now into `out`; returns how many bytes. Fewer than `room`: that is all. */
size_t h2_take(struct h2 *h, char *out, size_t room);
/* h2_take would bring something. */
bool h2_has_word(const struct h2 *h);
/* To be asked behind h2_take: what the peer is to be told about it has been taken by then. The
 * detail lives as long as h. */
enum h2_failure h2_failure(const struct h2 *h, const char **detail);
/* All of its streams: h2_stream.node. */
struct list *h2_all(struct h2 *h);
/* Neither side says anything any more. */
bool h2_is_over(const struct h2 *h);
/* A stream with something to look at: a new one at a server, more of `in`, its end, room for more
 * in `out`. Null: none. */
struct h2_stream *h2_news(struct h2 *h);

/* A client's: how many streams may be begun now. One until the server's SETTINGS have come, none
 * behind a GOAWAY. */
uint32_t h2_room(const struct h2 *h);
/* The peer's SETTINGS have come. */
bool h2_has_settings(const struct h2 *h);
/* So many streams are not over. */
uint32_t h2_streams(const struct h2 *h);
/* A GOAWAY came: nothing more may be begun here. */
bool h2_is_leaving(const struct h2 *h, uint32_t *code);
/* Begins a request: its head as lines, whole. Null: memory is out. */
struct h2_stream *h2_open(struct h2 *h, struct ringsend_bytes head, bool has_body, void *owner);
/* A server's answer, once; and an interim one before it, as often as wanted. False: memory. */
bool h2_answer(struct h2_stream *s, struct ringsend_bytes head, bool has_body);
bool h2_answer_interim(struct h2_stream *s, struct ringsend_bytes head);
/* The next part of the body; s->out is empty. It may be empty with `last`. */
void h2_body(struct h2_stream *s, struct ringsend_bytes part, bool last);
/* What of `in` was not consumed. */
static inline struct ringsend_bytes h2_peek(const struct h2_stream *s)
{
    return (struct ringsend_bytes){s->in.data ? s->in.data + s->in_used : NULL,
                                   s->in.bytes - s->in_used};
}
void h2_consume(struct h2_stream *s, size_t bytes);
/* Ends it early. */
void h2_reset(struct h2_stream *s, uint32_t code);
/* The owner has no more to do with it; one that is not over is reset by that code. */
void h2_let_go(struct h2_stream *s, uint32_t code);

/* Says that no stream above `last_id` is taken; below 0: none above those that came. */
void h2_say_goodbye(struct h2 *h, int32_t last_id);
/* Asks the peer for a sign of life; h2_pongs counts what came. */
void h2_ping(struct h2 *h);
uint32_t h2_pongs(const struct h2 *h);
/* Of RFC 9113 7; static. */
const char *h2_code_name(uint32_t code);

#endif
