#include "engine/stream.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/errors.h"
#include "base/list.h"
#include "base/memory.h"
#include "engine/attempt.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/exchange.h"
#include "engine/http1.h"
#include "engine/request.h"
#include "engine/steps.h"
#include "ringsend.h"

#include <stdio.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    STRETCH_BYTES = 128 << 10,
    CHUNK_HEAD_BYTES = 7,                         /* the longest: "1ffff" CRLF */
    CHUNK_FRAME_BYTES = CHUNK_HEAD_BYTES + 2 + 5, /* and CRLF behind it, and the last chunk */
};
_Static_assert(STRETCH_BYTES <= 0xfffff, "CHUNK_HEAD_BYTES has five digits");

/* ---- Life ---- */

/* Only what has positions can be read again. Others ignore them: a pipe would give another try what
 * the one before has left. It is the kind of file that tells: lseek succeeds on an eventfd and a
 * timerfd, too. Neither call waits for a disk or another machine. */
static bool has_positions(int fd)
{
    struct statx about;
    if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &about) != 0)
        return false;
    return (S_ISREG(about.stx_mode) || S_ISBLK(about.stx_mode)) && lseek(fd, 0, SEEK_CUR) >= 0;
}

struct stream *stream_new(struct ringsend *e, const struct ringsend_request *user)
{
    struct stream *s = memory_take(&e->memory, sizeof *s);
    if (!s)
        return NULL;
    *s = (struct stream){.source = user->flags & BODY_STREAMED,
                         .sink = user->flags & (RINGSEND_RESPONSE_FD | RINGSEND_RESPONSE_PIECES)};
    if (s->source)
        s->body_bytes = user->body_bytes;
    if (s->source == RINGSEND_BODY_FD)
        s->from_at = user->body_at >= 0 && has_positions(user->body_fd) ? user->body_at
                                                                        : RINGSEND_SEQUENTIAL;
    s->last = s->body_bytes == 0;
    list_init(&s->wants.node);
    list_init(&s->gives.node);
    return s;
}

void stream_free(struct ringsend *e, struct stream *s)
{
    if (!s)
        return;
    CHECK(!file_is_entered(&s->from) && !file_is_entered(&s->to) && !s->out.data);
    CHECK(list_empty(&s->wants.node) && list_empty(&s->gives.node));
    buf_release(&e->bufs, &s->headers);
    memory_give_back(&e->memory, s, sizeof *s);
}

static bool is_once_only(const struct stream *s)
{
    return s->source == RINGSEND_BODY_PIECES ||
           (s->source == RINGSEND_BODY_FD && s->from_at == RINGSEND_SEQUENTIAL);
}

bool stream_wants_fresh(const struct request *r)
{
    return r->stream && is_once_only(r->stream);
}

bool stream_is_spent(const struct request *r)
{
    return r->stream && r->stream->spent;
}

bool stream_has_source(const struct request *r)
{
    return r->stream && r->stream->source;
}

bool stream_has_more(const struct request *r)
{
    return stream_has_source(r) && !r->stream->complete;
}

void stream_drop_source(struct request *r)
{
    CHECK(!r->exchange && r->stream && list_empty(&r->stream->wants.node));
    r->stream->source = 0;
    r->stream->dropped = true;
}

/* ---- Events ---- */

/* Another may be due: the piece that it asked for has come and gone, in turns that file_close made.
 */
static void wants_over(struct event *event)
{
    struct request *r = LIST_OWNER(event, struct stream, wants)->request;
    if (r->exchange)
        exchange_wake(r->exchange);
}

void stream_give_back(struct ringsend *e)
{
    struct list *node;
    while ((node = list_pop_front(&e->events_reaped))) {
        struct event *event = LIST_OWNER(node, struct event, node);
        if (event->result.kind == RINGSEND_PIECE)
            stream_piece_over(event);
        else
            wants_over(event);
    }
}

/* ---- Stretches ---- */

static bool is_chunked(const struct stream *s)
{
    return s->body_bytes == RINGSEND_UNKNOWN;
}

/* HTTP/2 has frames of its own. */
static bool frames_chunks(const struct exchange *x)
{
    return is_chunked(x->request->stream) && !x->conn->carrier;
}

/* Makes room behind what stands in exchange.head for up to `wish` bytes of body and their framing.
 * *bytes: how many may come. Null: memory is out. */
static char *make_room(struct exchange *x, uint64_t wish, size_t *bytes)
{
    size_t framing = frames_chunks(x) ? CHUNK_FRAME_BYTES : 0;
    size_t used = x->head.bytes + framing;
    size_t most = used < STRETCH_BYTES / 2 ? STRETCH_BYTES - used : STRETCH_BYTES / 2;
    *bytes = wish < most ? (size_t)wish : most;
    if (!buf_reserve(&x->engine->bufs, &x->head, framing + *bytes))
        return NULL;
    return x->head.data + x->head.bytes + (framing > 0 ? CHUNK_HEAD_BYTES : 0);
}

/* So many bytes stand where make_room said. Returns how many bytes before the stretch are to be
 * left out: what a chunk's size takes is known only now. */
static size_t add(struct exchange *x, size_t bytes)
{
    struct buf_pool *pool = &x->engine->bufs;
    struct buf *b = &x->head;
    struct stream *s = x->request->stream;
    size_t gap = 0;
    s->sent_bytes += bytes;
    if (frames_chunks(x) && bytes > 0) {
        char size[24];
        size_t size_bytes = (size_t)snprintf(size, sizeof size, "%zx\r\n", bytes);
        gap = CHUNK_HEAD_BYTES - size_bytes;
        memmove(b->data + gap, b->data, b->bytes);
        memcpy(b->data + gap + b->bytes, size, size_bytes);
        b->bytes += CHUNK_HEAD_BYTES + bytes;
        buf_append(pool, b, "\r\n", 2);
    } else {
        b->bytes += bytes;
    }
    if (frames_chunks(x) && s->complete)
        buf_append(pool, b, "0\r\n\r\n", 5);
    return gap;
}

static bool set_piece(struct exchange *x, size_t from)
{
    if (x->head.bytes == from) { /* of HTTP/2: the end, and nothing before it */
        x->piece.parts[0] = x->piece.parts[1] = (struct iovec){0};
        x->piece.taken_bytes = 0;
        return true;
    }
    piece_set(&x->piece, (struct ringsend_bytes){x->head.data + from, x->head.bytes - from},
              (struct ringsend_bytes){0});
    return true;
}

/* ---- From a descriptor ---- */

static enum ringsend_error read_failed(struct stream *s, int64_t result, const char **detail)
{
    *detail = s->detail;
    if (result < 0)
        stream_explain(s, result, "nothing to read");
    else
        snprintf(s->detail, sizeof s->detail, "it ended after %llu of %llu bytes",
                 (unsigned long long)s->sent_bytes, (unsigned long long)s->body_bytes);
    return RINGSEND_E_BODY_READ;
}

/* A result of at least 0 was taken: what a descriptor without position has given is gone. */
static void took(struct stream *s, int64_t bytes)
{
    s->reading = false;
    s->spent |= bytes > 0 && is_once_only(s);
}

static enum ringsend_error start_read(struct exchange *x)
{
    struct stream *s = x->request->stream;
    const struct ringsend_request *user = s->request->user;
    int64_t at = s->from_at;
    size_t bytes;
    if (!file_is_entered(&s->from))
        file_enter(&s->from, x, 0, user->body_fd);
    char *room = make_room(x, s->body_bytes - s->sent_bytes, &bytes);
    if (!room)
        return RINGSEND_E_NO_MEMORY;
    if (at != RINGSEND_SEQUENTIAL)
        at += (int64_t)s->sent_bytes;
    file_read(&s->from, room, bytes, at);
    s->reading = true;
    return RINGSEND_OK;
}

static enum ringsend_error fill_from_file(struct exchange *x, bool *is_set, const char **detail)
{
    struct stream *s = x->request->stream;
    int64_t bytes = 0;
    if (!s->reading && s->sent_bytes < s->body_bytes)
        return start_read(x);
    if (s->reading) {
        if (file_busy(&s->from))
            return RINGSEND_OK;
        bytes = file_take(&s->from);
        took(s, bytes);
        if (bytes < 0 || (bytes == 0 && !is_chunked(s)))
            return read_failed(s, bytes, detail);
    }
    s->complete = bytes == 0 || s->sent_bytes + (uint64_t)bytes == s->body_bytes;
    *is_set = set_piece(x, add(x, (size_t)bytes));
    return RINGSEND_OK;
}

/* ---- In pieces ---- */

static void want(struct stream *s)
{
    if (s->asked || !list_empty(&s->wants.node))
        return;
    s->asked = true;
    s->wants.result = (struct ringsend_result){.request = s->request->user, .kind = RINGSEND_WANTS};
    stream_report(s->request->engine, &s->wants);
}

/* Copies what is next of the piece in hand; one that was copied to its end goes back to the host.
 */
static enum ringsend_error fill_from_piece(struct exchange *x, bool *is_set)
{
    struct stream *s = x->request->stream;
    size_t gap = 0, bytes;
    if (s->has_piece || s->last) {
        char *room = make_room(x, s->piece.bytes - s->piece_at, &bytes);
        if (!room)
            return RINGSEND_E_NO_MEMORY;
        if (bytes > 0)
            memcpy(room, s->piece.data + s->piece_at, bytes);
        s->piece_at += bytes;
        bool whole = s->piece_at == s->piece.bytes;
        s->complete = whole && s->last;
        if (whole && !s->last) {
            s->has_piece = false;
            s->spent |= s->piece.bytes > 0;
        }
        gap = add(x, bytes);
    }
    if (!s->has_piece && !s->last)
        want(s);
    if (x->head.bytes > 0 || s->complete)
        *is_set = set_piece(x, gap);
    return RINGSEND_OK;
}

enum ringsend_error stream_fill(struct exchange *x, bool *is_set, const char **detail)
{
    struct conn *c = x->conn;
    if (x->receive >= RECEIVE_DRAINING && !exchange_owes(x))
        return RINGSEND_OK; /* nobody wants to hear more of it */
    if (x->request->attempt.times.sent_at_ns == 0 && c->rx_first >= 0 && !c->carrier)
        return http1_unasked(c, detail);
    if (x->request->stream->source == RINGSEND_BODY_FD)
        return fill_from_file(x, is_set, detail);
    return fill_from_piece(x, is_set);
}

int stream_give(struct request *r, struct ringsend_bytes piece, bool last)
{
    struct stream *s = r->stream;
    if (s && s->dropped)
        return 0;
    if (!s || s->source != RINGSEND_BODY_PIECES || s->last ||
        piece.bytes > s->body_bytes - s->given_bytes || (piece.bytes > 0 && !piece.data))
        return -RINGSEND_E_INVALID;
    uint64_t given_bytes = s->given_bytes + piece.bytes;
    if (last && !is_chunked(s) && given_bytes < s->body_bytes)
        return -RINGSEND_E_INVALID;
    if (s->has_piece)
        return -RINGSEND_E_FULL;
    s->given_bytes = given_bytes;
    s->piece = piece;
    s->piece_at = 0;
    s->has_piece = true;
    s->last = last || given_bytes == s->body_bytes;
    s->asked = false;
    stream_take_back(r->engine, &s->wants);
    if (r->exchange)
        exchange_wake(r->exchange);
    return 0;
}

/* ---- The end of an attempt ---- */

void stream_cancel(struct exchange *x)
{
    struct stream *s = x->request->stream;
    if (!s)
        return;
    file_cancel(&s->from);
    file_cancel(&s->to);
}

bool stream_is_quiet(const struct exchange *x)
{
    const struct stream *s = x->request->stream;
    return !s || (file_is_quiet(&s->from) && file_is_quiet(&s->to));
}

void stream_attempt_over(struct request *r)
{
    struct stream *s = r->stream;
    if (s->reading)
        took(s, file_take(&s->from));
    file_leave(&s->from);
    s->asked &= !s->wants.ready; /* to be asked again in the next attempt */
    stream_take_back(r->engine, &s->wants);
    s->sent_bytes = 0;
    s->piece_at = 0;
    s->reading = s->complete = false;
    stream_in_over(s);
}
