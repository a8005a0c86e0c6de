/* What nghttp2 calls for what has come: it goes into the stream as text, and the owner hears of it
 * by h2_news.
 *
 *   head     its lines come one by one. A request's first line is written ahead of the first that
 *            is no pseudo-header, which come first (RFC 9113 8.3)
 *   body     DATA, which nghttp2 has checked against the Content-Length (8.1.1)
 *   trailer  counted as a head is, and left out
 *
 * nghttp2 refuses what RFC 9113 calls malformed: fields in upper case, those of a connection,
 * pseudo-headers that are unknown, late, doubled or missing, Content-Length with 204. What it would
 * pass over, values with control characters, is refused here.
 *
 * A callback that returns NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE resets the stream; the head's other
 * fields are still read, for the compression's sake, and not passed on. */
#include "base/check.h"
#include "http2/session.h"

#include <stdio.h>

enum {
    /* In a row. A peer that does nothing else for hours, once in ten seconds, is met as well; an
     * idle connection costs little to make anew. */
    QUIET_FRAMES_MAX = 1024,
    RESET_STREAMS_MAX = 500, /* nghttp2's own bound is a thousand */
    HEAD_PARTS_MAX = 32,
    FIELD_OVERHEAD_BYTES = 4, /* of a line: colon, blank, CRLF */
};

static struct h2_stream *stream_of(struct h2 *h, int32_t id)
{
    return id > 0 ? nghttp2.nghttp2_session_get_stream_user_data(h->session, id) : NULL;
}

static int refuse(struct h2_stream *s, enum ringsend_error error, const char *detail)
{
    h2_stream_fail(s, error, detail);
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static int put(struct h2_stream *s, struct ringsend_bytes text)
{
    return h2_stream_put(s, text) ? 0 : refuse(s, RINGSEND_E_NO_MEMORY, "no memory for the head");
}

static int flooded(struct h2 *h, const char *by_what)
{
    h2_fail(h, H2_FLOODED, by_what);
    return NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* ---- heads ---- */

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct h2 *h = user;
    int32_t id = frame->hd.stream_id;
    struct h2_stream *s = stream_of(h, id);
    bool is_request = h->options.server && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
    if (is_request) {
        s = h2_stream_new(h, id, NULL);
        if (!s)
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        nghttp2.nghttp2_session_set_stream_user_data(session, id, s);
    }
    h->line_is_out = h->has_length = false;
    h->is_trailer = h->options.server ? !is_request : s && s->has_headed;
    h->method.bytes = h->path.bytes = h->authority.bytes = 0;
    if (s)
        s->head_bytes = s->head_lines = 0;
    return 0;
}

/* nghttp2 knows which characters names may have, and lets values with control characters pass. */
static bool is_clean(struct ringsend_bytes text, unsigned char least)
{
    for (size_t i = 0; i < text.bytes; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if ((c < least && c != '\t') || c == 0x7f || (c == '\t' && least > ' '))
            return false;
    }
    return true;
}

/* "POST /path HTTP/1.1" and Host, once all of them are known. */
static int put_request_line(struct h2_stream *s)
{
    struct h2 *h = s->h2;
    const struct ringsend_bytes method = {h->method.data, h->method.bytes},
                                path = {h->path.data, h->path.bytes},
                                authority = {h->authority.data, h->authority.bytes};
    h->line_is_out = true;
    if (method.bytes == 0 || path.bytes == 0)
        return refuse(s, RINGSEND_E_BAD_RESPONSE, "CONNECT is not served");
    if (put(s, method) || put(s, SPAN(" ")) || put(s, path) || put(s, SPAN(" HTTP/1.1\r\n")))
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (authority.bytes == 0)
        return 0;
    return put(s, SPAN("Host: ")) || put(s, authority) || put(s, SPAN("\r\n"))
               ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE
               : 0;
}

static int take_pseudo(struct h2_stream *s, struct ringsend_bytes name, struct ringsend_bytes value)
{
    struct h2 *h = s->h2;
    if (!is_clean(value, '!'))
        return refuse(s, RINGSEND_E_BAD_RESPONSE, "a pseudo-header holds white space or controls");
    if (span_equal(name, SPAN(":status"))) {
        s->has_headed = value.data[0] != '1';
        if (put(s, SPAN("HTTP/1.1 ")) || put(s, value))
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        return put(s, SPAN(" \r\n"));
    }
    struct buf *to = span_equal(name, SPAN(":method"))      ? &h->method
                     : span_equal(name, SPAN(":path"))      ? &h->path
                     : span_equal(name, SPAN(":authority")) ? &h->authority
                                                            : NULL;
    if (to && !buf_append(h->pool, to, value.data, value.bytes))
        return refuse(s, RINGSEND_E_NO_MEMORY, "no memory for the head");
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_bytes, const uint8_t *value, size_t value_bytes, uint8_t flags,
                     void *user)
{
    (void)session, (void)flags;
    struct h2 *h = user;
    struct h2_stream *s = stream_of(h, frame->hd.stream_id);
    if (!s || s->is_let_go)
        return 0;
    const struct ringsend_bytes n = {(const char *)name, name_bytes},
                                v = {(const char *)value, value_bytes};
    size_t bytes = name_bytes + value_bytes + FIELD_OVERHEAD_BYTES;
    if (bytes > h->options.head_bytes - s->head_bytes)
        return refuse(s, RINGSEND_E_HEAD_TOO_LARGE, "the head has more bytes than allowed");
    if (++s->head_lines > h->options.head_lines)
        return refuse(s, RINGSEND_E_HEAD_TOO_LARGE, "the head has more lines than allowed");
    s->head_bytes += (uint32_t)bytes;
    if (h->is_trailer)
        return 0;
    if (name[0] == ':')
        return take_pseudo(s, n, v);
    if (!is_clean(v, ' '))
        return refuse(s, RINGSEND_E_BAD_RESPONSE,
                      "a header holds a character that is not allowed there");
    if (h->options.server && !h->line_is_out && put_request_line(s))
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (h->options.server && span_equal(n, SPAN("host")) && h->authority.bytes > 0)
        return 0;
    if (put(s, n) || put(s, SPAN(": ")) || put(s, v))
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    h->has_length |= span_equal(n, SPAN("content-length"));
    return put(s, SPAN("\r\n"));
}

static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame,
                             const uint8_t *name, size_t name_bytes, const uint8_t *value,
                             size_t value_bytes, uint8_t flags, void *user)
{
    (void)session, (void)name, (void)name_bytes, (void)value, (void)value_bytes, (void)flags;
    struct h2_stream *s = stream_of(user, frame->hd.stream_id);
    return s ? refuse(s, RINGSEND_E_BAD_RESPONSE,
                      "a header holds a character that is not allowed there")
             : 0;
}

/* A head is complete, and what is known of the body's length with it. */
static int put_head_end(struct h2_stream *s, const nghttp2_frame *frame)
{
    struct h2 *h = s->h2;
    bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (h->is_trailer)
        return s->is_chunked ? put(s, SPAN("0\r\n\r\n")) : 0;
    if (h->options.server && !h->line_is_out && put_request_line(s))
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    s->is_chunked = h->options.server && !ends && !h->has_length;
    return s->is_chunked ? put(s, SPAN("Transfer-Encoding: chunked\r\n\r\n"))
                         : put(s, SPAN("\r\n"));
}

/* ---- frames ---- */

/* Too many of those that bring nothing. */
static int count_quiet(struct h2 *h)
{
    return ++h->quiet_frames > QUIET_FRAMES_MAX
               ? flooded(h, "the peer sent a thousand frames in a row that bring nothing")
               : 0;
}

static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd, void *user)
{
    (void)session;
    struct h2 *h = user;
    if (hd->type == NGHTTP2_CONTINUATION && ++h->head_parts > HEAD_PARTS_MAX)
        return flooded(h, "the peer sent a head in too many parts");
    if (hd->type == NGHTTP2_HEADERS)
        h->head_parts = 0;
    bool is_of_use = hd->type == NGHTTP2_HEADERS || (hd->type == NGHTTP2_DATA && hd->length > 0);
    return is_of_use ? 0 : count_quiet(h);
}

static void head_ended(struct h2_stream *s, const nghttp2_frame *frame)
{
    if (put_head_end(s, frame)) {
        h2_reset(s, H2_INTERNAL_ERROR);
        return;
    }
    s->in_ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    h2_stream_tell(s);
}

static void body_ended(struct h2_stream *s)
{
    if (s->is_chunked && put(s, SPAN("0\r\n\r\n"))) {
        h2_reset(s, H2_INTERNAL_ERROR);
        return;
    }
    s->in_ended = true;
    h2_stream_tell(s);
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    (void)session;
    struct h2 *h = user;
    struct h2_stream *s = stream_of(h, frame->hd.stream_id);
    bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        h->quiet_frames = h->quiet_bytes = 0;
        if (s && s->error == RINGSEND_OK)
            head_ended(s, frame);
        return 0;
    case NGHTTP2_DATA:
        if (s && ends && s->error == RINGSEND_OK)
            body_ended(s);
        return 0;
    case NGHTTP2_SETTINGS:
        h->has_settings |= !(frame->hd.flags & NGHTTP2_FLAG_ACK);
        return 0;
    case NGHTTP2_PING:
        h->pongs += (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;
        return 0;
    case NGHTTP2_GOAWAY:
        h->is_leaving = true;
        if (frame->goaway.error_code != H2_NO_ERROR)
            h->leaving_code = frame->goaway.error_code;
        return 0;
    case NGHTTP2_RST_STREAM:
        if (h->options.server && ++h->reset_streams > RESET_STREAMS_MAX)
            return flooded(h, "the peer reset 500 streams more than it let come to an end");
        return 0;
    default:
        return 0;
    }
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                   size_t bytes, void *user)
{
    (void)flags;
    struct h2 *h = user;
    struct h2_stream *s = stream_of(h, id);
    char size[24];
    /* A stream that nobody reads holds up itself alone. */
    nghttp2.nghttp2_session_consume_connection(session, bytes);
    h->quiet_frames = h->quiet_bytes = 0;
    if (!s || s->is_let_go || s->error != RINGSEND_OK) {
        nghttp2.nghttp2_session_consume_stream(session, id, bytes);
        return 0;
    }
    size_t size_bytes = (size_t)snprintf(size, sizeof size, "%zx\r\n", bytes);
    bool is_put = (!s->is_chunked || h2_stream_put(s, (struct ringsend_bytes){size, size_bytes})) &&
                  h2_stream_put(s, (struct ringsend_bytes){(const char *)data, bytes}) &&
                  (!s->is_chunked || h2_stream_put(s, SPAN("\r\n")));
    s->owed_bytes += (uint32_t)bytes;
    if (!is_put) {
        h2_stream_fail(s, RINGSEND_E_NO_MEMORY, "no memory for the body");
        h2_reset(s, H2_INTERNAL_ERROR);
    }
    h2_stream_tell(s);
    return 0;
}

/* Of a stream it says what is wrong with it; the rest on_error says better. */
static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int error,
                            void *user)
{
    (void)session;
    struct h2_stream *s = stream_of(user, frame->hd.stream_id);
    if (s)
        h2_stream_fail(s, RINGSEND_E_BAD_RESPONSE, nghttp2.nghttp2_strerror(error));
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
    (void)session;
    struct h2 *h = user;
    struct h2_stream *s = stream_of(h, id);
    if (!s)
        return 0;
    CHECK(!s->is_over && h->open_count > 0);
    s->is_over = true;
    s->code = code;
    s->out = (struct ringsend_bytes){0};
    h->open_count--;
    if (code == H2_NO_ERROR && h->reset_streams > 0)
        h->reset_streams--;
    if (s->is_let_go)
        h2_stream_free(s);
    else
        h2_stream_tell(s);
    return 0;
}

/* Called while a frame is put together for h2_take. */
static int before_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    (void)session;
    struct h2 *h = user;
    struct h2_stream *s = stream_of(h, frame->hd.stream_id);
    if (frame->hd.type == NGHTTP2_HEADERS && s && !s->out_left) {
        s->out_left = true;
        s->left_at = h->out_bytes;
    }
    if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != H2_NO_ERROR)
        h2_fail(h,
                frame->goaway.error_code == H2_ENHANCE_YOUR_CALM ? H2_FLOODED
                : frame->goaway.error_code == H2_INTERNAL_ERROR  ? H2_NO_MEMORY
                                                                 : H2_BROKEN,
                h->detail[0] ? NULL : nghttp2.nghttp2_http2_strerror(frame->goaway.error_code));
    return 0;
}

/* nghttp2's own words for what the peer did, which may quote it. */
static int on_error(nghttp2_session *session, int error, const char *text, size_t bytes, void *user)
{
    (void)session, (void)error;
    struct h2 *h = user;
    if (h->failure != H2_FINE)
        return 0;
    size_t most = sizeof h->detail - 1, kept = bytes < most ? bytes : most;
    for (size_t i = 0; i < kept; i++)
        h->detail[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '.';
    h->detail[kept] = '\0';
    return 0;
}

void h2_in_callbacks(nghttp2_session_callbacks *callbacks)
{
    nghttp2.nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
    nghttp2.nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2.nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2.nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, on_invalid_header);
    nghttp2.nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
    nghttp2.nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2.nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks,
                                                                         on_invalid_frame);
    nghttp2.nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2.nghttp2_session_callbacks_set_before_frame_send_callback(callbacks, before_frame_send);
    nghttp2.nghttp2_session_callbacks_set_error_callback2(callbacks, on_error);
}
