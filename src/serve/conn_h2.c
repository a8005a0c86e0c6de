/* The streams of a connection. A turn is in one of two lists:
 *
 *   open       its request is being read, or its answer is being taken, or never comes (a stall)
 *   thinking   by when its answer is due: the first is the connection's next deadline
 *
 * Its stream knows it, and brings it news; it ends with its stream. Answers are the same bytes as
 * over HTTP/1.1, head and body apart, and so are the faults but for two: a close ends its stream
 * alone, by RST_STREAM with INTERNAL_ERROR, and what an overloaded server would refuse before it
 * looks at it gets REFUSED_STREAM: streams beyond --streams.
 *
 * Behind the last request that --keep-alive-requests allows, GOAWAY says so; the connection ends
 * when those that came before are answered, as it does when it is idle for too long. */
#include "serve/conn_h2.h"

#include "base/check.h"
#include "base/timers.h"
#include "http2/h2.h"
#include "serve/service.h"
#include "serve/state.h"

#include <stdlib.h>
#include <string.h>

enum {
    HEAD_BYTES_MAX = 64 << 10, /* as request_reader.h */
    HEAD_LINES_MAX = 1000,
    OUT_BYTES = 64 << 10,
};

struct serve_h2 {
    struct h2 *h2;
    struct buf_pool *pool;
    struct list open, thinking; /* turn.link */
    struct buf out;
    size_t out_used;
    uint64_t idle_at_ns; /* without turns: then it ends */
    uint32_t begun;      /* requests */
    int32_t last_id;     /* the highest of theirs */
    bool says_goodbye;
};

struct serve_h2 *serve_h2_new(struct server *p)
{
    const struct h2_options options = {.server = true,
                                       .secure = p->tls != NULL,
                                       .streams_max = p->options.streams_max,
                                       .head_bytes = HEAD_BYTES_MAX,
                                       .head_lines = HEAD_LINES_MAX};
    struct serve_h2 *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->pool = &p->buffers;
    h->h2 = h2_new(&options, &p->buffers);
    list_init(&h->open);
    list_init(&h->thinking);
    h->idle_at_ns = TIMER_NEVER;
    if (h->h2)
        return h;
    free(h);
    return NULL;
}

/* Its stream goes, too, by that code if it is not over. */
static void end(struct server *p, struct turn *turn, uint32_t code)
{
    list_remove(&turn->link);
    h2_let_go(turn->stream, code);
    turn->stream = NULL;
    turn_put(p, &turn);
}

void serve_h2_free(struct server *p, struct serve_h2 *h)
{
    if (!h)
        return;
    list_append_all(&h->open, &h->thinking);
    while (!list_empty(&h->open))
        end(p, LIST_OWNER(h->open.next, struct turn, link), H2_NO_ERROR);
    h2_free(h->h2);
    buf_release(h->pool, &h->out);
    free(h);
}

void serve_h2_receive(struct serve_h2 *h, const char *data, size_t bytes)
{
    h2_feed(h->h2, data, bytes);
}

/* ---- requests ---- */

/* The first due stands first; latencies are mostly alike, so the place is near the end. */
static void think(struct server *p, struct serve_h2 *h, struct turn *turn, uint64_t delay_ns)
{
    struct list *before = h->thinking.prev;
    turn->due_ns = p->now_ns + delay_ns;
    while (before != &h->thinking && LIST_OWNER(before, struct turn, link)->due_ns > turn->due_ns)
        before = before->prev;
    list_remove(&turn->link);
    list_insert_between(&turn->link, before, before->next);
}

static void judge(struct server *p, struct serve_conn *v, struct turn *turn)
{
    struct serve_h2 *h = v->h2;
    uint32_t last = p->options.keep_alive_requests;
    uint64_t delay_ns = service_judge(p, v, turn);
    turn->is_judged = true;
    if (turn->stream->id > h->last_id)
        h->last_id = turn->stream->id;
    if (++h->begun == last && !h->says_goodbye) {
        h->says_goodbye = true;
        h2_say_goodbye(h->h2, h->last_id);
    }
    if (turn->kind == FAULT_STALL)
        service_deny(p, turn);
    else
        think(p, h, turn, delay_ns);
}

/* Feeds what has come to the turn's reader. What comes behind a request that is beyond reading goes
 * nowhere. */
static void read_request(struct server *p, struct serve_conn *v, struct turn *turn)
{
    struct ringsend_bytes text = h2_peek(turn->stream);
    size_t used = 0;
    bool reads = turn->got == REQUEST_MORE && !turn->too_large;
    if (reads && text.bytes > 0) {
        turn->got = request_reader_feed(&turn->reader, text.data, text.bytes, &used);
        turn->too_large = p->options.echo && turn->reader.body_bytes > SERVER_ECHO_BYTES_MAX;
    }
    h2_consume(turn->stream, text.bytes);
    if (!turn->is_judged && (turn->got != REQUEST_MORE || turn->too_large)) {
        judge(p, v, turn);
        return;
    }
    if (turn->got == REQUEST_MORE && turn->reader.head_done && turn->reader.expects_continue &&
        !turn->continued) {
        turn->continued = true;
        h2_answer_interim(turn->stream, SPAN("HTTP/1.1 100 Continue\r\n\r\n"));
    }
}

/* ---- answers ---- */

/* Hands over the next part of the body, if the one before has been taken. */
static void answer_on(struct server *p, struct turn *turn)
{
    struct h2_stream *s = turn->stream;
    while (s->out.bytes == 0 && !s->out_last && !s->is_over) {
        struct iovec *part = &turn->parts[turn->parts[0].iov_len == 0];
        if (part->iov_len == 0 && !service_answer_on(p, turn))
            return; /* it ends too early when memory is out: the stream never does */
        part = &turn->parts[turn->parts[0].iov_len == 0];
        struct ringsend_bytes bytes = {part->iov_base, part->iov_len};
        part->iov_len = 0;
        bool is_last = turn->parts[1].iov_len == 0 && turn->filler_at == turn->filler_bytes;
        h2_body(s, bytes, is_last);
    }
}

/* False: memory is out. */
static bool answer(struct server *p, struct serve_h2 *h, struct turn *turn)
{
    list_remove(&turn->link);
    list_push_back(&h->open, &turn->link);
    if (!service_answer(p, turn))
        return false;
    struct iovec *first = &turn->parts[0];
    const struct ringsend_bytes head = {first->iov_base, turn->head_bytes};
    first->iov_base = (char *)first->iov_base + head.bytes;
    first->iov_len -= head.bytes;
    turn->is_answering = true;
    bool has_body = first->iov_len + turn->parts[1].iov_len + turn->filler_bytes > 0;
    if (!h2_answer(turn->stream, head, has_body))
        return false;
    if (has_body)
        answer_on(p, turn);
    return true;
}

/* Its time has come. */
static enum serve_h2_next due(struct server *p, struct serve_h2 *h, struct turn *turn)
{
    if (turn->kind == FAULT_ANSWER) {
        if (!answer(p, h, turn))
            end(p, turn, H2_INTERNAL_ERROR);
        return SERVE_H2_WAIT;
    }
    service_deny(p, turn);
    if (turn->kind == FAULT_RESET)
        return SERVE_H2_RESET;
    end(p, turn, H2_INTERNAL_ERROR);
    return SERVE_H2_WAIT;
}

/* ---- streams ---- */

static void hear(struct server *p, struct serve_conn *v, struct h2_stream *s)
{
    struct turn *turn = s->owner;
    if (!turn) {
        bool is_wanted = s->error == RINGSEND_OK && !s->is_over &&
                         !(v->h2->says_goodbye && s->id > v->h2->last_id);
        turn = is_wanted ? turn_take(p) : NULL;
        if (!turn) {
            h2_let_go(s, H2_REFUSED_STREAM);
            return;
        }
        s->owner = turn;
        turn->stream = s;
        list_push_back(&v->h2->open, &turn->link);
    }
    if (turn->is_answering && !s->is_over)
        answer_on(p, turn);
    else if (!turn->is_answering && s->error == RINGSEND_OK && !s->is_over)
        read_request(p, v, turn);
    /* All of the answer has been taken: more of the request is not wanted. */
    bool is_out = turn->is_answering && s->out_last && s->out.bytes == 0;
    if (s->is_over && s->code == H2_NO_ERROR && turn->is_answering)
        service_answered(p, v, turn);
    else if (is_out && !s->is_over && turn->got != REQUEST_DONE)
        h2_reset(s, H2_NO_ERROR);
    if (s->is_over)
        end(p, turn, H2_NO_ERROR);
}

enum serve_h2_next serve_h2_run(struct server *p, struct serve_conn *v, bool eof)
{
    struct serve_h2 *h = v->h2;
    const char *detail;
    for (struct h2_stream *s; (s = h2_news(h->h2));)
        hear(p, v, s);
    while (!list_empty(&h->thinking)) {
        struct turn *turn = LIST_OWNER(h->thinking.next, struct turn, link);
        if (turn->due_ns > p->now_ns)
            break;
        if (due(p, h, turn) == SERVE_H2_RESET)
            return SERVE_H2_RESET;
    }
    if (h2_failure(h->h2, &detail) != H2_FINE || h2_is_over(h->h2))
        return SERVE_H2_LEAVE;
    if (!list_empty(&h->open) || !list_empty(&h->thinking)) {
        h->idle_at_ns = TIMER_NEVER;
        return SERVE_H2_WAIT;
    }
    if (h->idle_at_ns == TIMER_NEVER && p->options.keep_alive_ns > 0)
        h->idle_at_ns = p->now_ns + p->options.keep_alive_ns;
    if (p->now_ns >= h->idle_at_ns && !h->says_goodbye) {
        h->says_goodbye = true;
        h2_say_goodbye(h->h2, -1);
    }
    return h->says_goodbye || eof ? SERVE_H2_LEAVE : SERVE_H2_WAIT;
}

uint64_t serve_h2_next_ns(const struct serve_h2 *h)
{
    if (!list_empty(&h->thinking))
        return LIST_OWNER(h->thinking.next, struct turn, link)->due_ns;
    return h->idle_at_ns;
}

struct ringsend_bytes serve_h2_peek(struct serve_h2 *h)
{
    if (h->out_used == h->out.bytes) {
        h->out_used = h->out.bytes = 0;
        if (!h2_has_word(h->h2) || !buf_reserve(h->pool, &h->out, OUT_BYTES)) {
            buf_release(h->pool, &h->out);
            return (struct ringsend_bytes){0};
        }
        h->out.bytes = h2_take(h->h2, h->out.data, OUT_BYTES);
    }
    return (struct ringsend_bytes){h->out.data + h->out_used, h->out.bytes - h->out_used};
}

void serve_h2_consume(struct serve_h2 *h, size_t bytes)
{
    CHECK(bytes <= h->out.bytes - h->out_used);
    h->out_used += bytes;
}
