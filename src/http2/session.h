/* A session, as the files of this room share it. */
#ifndef RINGSEND_HTTP2_SESSION_H
#define RINGSEND_HTTP2_SESSION_H

#include "http2/h2.h"
#include "http2/library.h"
#include "http2/memory.h"

struct h2 {
    nghttp2_session *session;
    struct h2_options options;
    struct h2_memory memory;
    struct buf_pool *pool;
    struct list streams; /* h2_stream.node */
    struct list news;
    uint32_t open_count; /* of streams that are not over */

    const uint8_t *pending; /* of nghttp2's, behind what h2_take has given */
    size_t pending_bytes;
    uint64_t out_bytes; /* that h2_take has given */

    bool has_settings; /* the peer's have come */
    bool is_leaving;   /* its GOAWAY has */
    bool is_cut;       /* nghttp2 brings nothing more */
    uint32_t leaving_code;
    uint32_t pongs;
    size_t quiet_frames;    /* since the last that brought something */
    size_t quiet_bytes;     /* likewise */
    uint32_t reset_streams; /* by the peer, beyond those that came to a good end */
    uint32_t head_parts;    /* CONTINUATION frames of the head being read */
    enum h2_failure failure;
    char detail[160];

    /* Of the head being read, which no other frame interrupts (RFC 9113 4.3). */
    bool line_is_out; /* a request's first line was put */
    bool is_trailer;  /* it is one, and left out */
    bool has_length;  /* a Content-Length was in it */
    struct buf method, path, authority;

    struct buf text, fields; /* of the head being written: its lines; nghttp2_nv */
};

/* The first one sticks. */
void h2_fail(struct h2 *h, enum h2_failure failure, const char *detail);

/* ---- stream.c ---- */

/* Null: memory is out. */
struct h2_stream *h2_stream_new(struct h2 *h, int32_t id, void *owner);
void h2_stream_free(struct h2_stream *s);
void h2_stream_tell(struct h2_stream *s); /* there is something to look at */
/* First one sticks; the detail is static. */
void h2_stream_fail(struct h2_stream *s, enum ringsend_error error, const char *detail);
bool h2_stream_put(struct h2_stream *s, struct ringsend_bytes text); /* into `in` */

/* ---- in.c ---- */

void h2_in_callbacks(nghttp2_session_callbacks *callbacks);

/* ---- fields.c ---- */

/* What a head as lines has, in h2.fields, which point into h2.text. False: memory is out. */
bool h2_fields_of_request(struct h2 *h, struct ringsend_bytes head);
bool h2_fields_of_response(struct h2 *h, struct ringsend_bytes head);
static inline size_t h2_fields_count(const struct h2 *h)
{
    return h->fields.bytes / sizeof(nghttp2_nv);
}

#endif
