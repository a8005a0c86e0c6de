/* For tests of HTTP/2: frames, put together by hand (RFC 9113 4.1), and both ends of a session. */
#ifndef RINGSEND_TESTS_H2_FRAMES_H
#define RINGSEND_TESTS_H2_FRAMES_H

#include "base/check.h"
#include "http2/h2.h"

#include <stdint.h>
#include <string.h>

enum {
    DATA,
    HEADERS,
    PRIORITY,
    RST_STREAM,
    SETTINGS,
    PUSH_PROMISE,
    PING,
    GOAWAY,
    WINDOW_UPDATE,
    CONTINUATION,
};
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4, PADDED = 8, WHOLE = END_STREAM | END_HEADERS };

struct frame {
    uint8_t type, flags;
    uint32_t stream;
    const char *payload;
    size_t bytes;
};

/* Of a payload that is a literal. */
#define FRAME(type, flags, stream, payload)               \
    {                                                     \
        type, flags, stream, payload, sizeof(payload) - 1 \
    }

static const struct h2_options client_options = {
    .streams_max = 100, .head_bytes = 4096, .head_lines = 32};
static const struct h2_options server_options = {
    .server = true, .streams_max = 100, .head_bytes = 4096, .head_lines = 32};

/* Returns how many bytes stand in `out`. */
static inline size_t frame_write(const struct frame *f, char *out)
{
    const unsigned char head[9] = {(unsigned char)(f->bytes >> 16),
                                   (unsigned char)(f->bytes >> 8),
                                   (unsigned char)f->bytes,
                                   f->type,
                                   f->flags,
                                   (unsigned char)(f->stream >> 24),
                                   (unsigned char)(f->stream >> 16),
                                   (unsigned char)(f->stream >> 8),
                                   (unsigned char)f->stream};
    memcpy(out, head, sizeof head);
    if (f->bytes > 0)
        memcpy(out + sizeof head, f->payload, f->bytes);
    return sizeof head + f->bytes;
}

/* What it has to say; the bytes are counted and left out when out is null. */
static inline size_t take_all(struct h2 *h, char *out, size_t room)
{
    char thrown[4096];
    size_t bytes = 0, more;
    do {
        more = out ? h2_take(h, out + bytes, room - bytes) : h2_take(h, thrown, sizeof thrown);
        bytes += more;
    } while (more > 0);
    CHECK(!h2_has_word(h));
    return bytes;
}

#endif
