/* HTTP/2: a server that refuses streams, says goodbye with requests open, answers out of order, has
 * windows of some bytes, few streams, and breaks; all by seed. It keeps a ledger of its own: what
 * it has processed.
 *
 * Checked: each request has exactly one result, and success is its own answer; a request that must
 * not be done twice never is; one that failed and is not told as ambiguous was not processed; what
 * was refused is never told as ambiguous; no more are open than the limit of connections, nor of
 * streams; a record is marked before its first frame arrives. */
#include "tests/sim/scenarios/sim_scenarios.h"

#include "engine/on_ring.h"
#include "http2/h2.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORDS_MAX = 60, SEEDS = 400, OUT_BYTES = 700 };

struct record {
    char url[48], id[16], body[32];
    struct ringsend_request request;
    bool replayable, done, is_open;
    unsigned char mark;
    uint32_t processed;
};

/* One connection's. */
struct session {
    struct h2 *h2;
    uint32_t open; /* requests that were not answered */
    int32_t last;  /* the highest that was processed */
    bool is_over, has_said_goodbye;
};

static struct {
    struct record records[RECORDS_MAX];
    uint32_t count, done, open_max;
    uint32_t streams_max, window_bytes, trouble;
    struct buf_pool pool;
} world;

/* What there is to say, in pieces. */
static void say(struct sim_socket *s)
{
    struct session *n = s->http2;
    char out[OUT_BYTES];
    size_t bytes;

    while ((bytes = h2_take(n->h2, out, 1 + sim_below(sizeof out))) > 0)
        if (!s->peer_closed)
            server_output(s, sim.now_ns + sim_below(300 * SIM_US), out, bytes);
}

static struct record *record_of(struct h2_stream *stream)
{
    struct ringsend_bytes text = h2_peek(stream);
    const char *at = text.data ? memmem(text.data, text.bytes, " /r/", 4) : NULL;

    SIM_CHECK(at, "a stream without a record");
    unsigned long number = strtoul(at + 4, NULL, 10);
    SIM_CHECK(number < world.count, "record %lu was never made", number);
    return &world.records[number];
}

static void closes(struct sim_socket *s, int32_t result)
{
    struct session *n = s->http2;

    if (s->peer_closed)
        return;
    say(s);
    n->is_over = s->peer_closed = true;
    sim_trace("slot %u: the server breaks off", s->slot);
    sim_socket_end(s, sim.now_ns + sim_below(300 * SIM_US), result);
}

/* Behind its last processed one, or behind one that is still open. */
static void goodbye(struct sim_socket *s)
{
    struct session *n = s->http2;

    if (n->has_said_goodbye)
        return;
    n->has_said_goodbye = true;
    sim_trace("slot %u: goodbye behind stream %d", s->slot, n->last);
    h2_say_goodbye(n->h2, n->last);
    say(s);
    if (sim_chance(500))
        closes(s, 0);
}

static void answer(void *context, uint64_t life, uint64_t id)
{
    struct sim_socket *s = context;
    struct session *n = s->http2;
    struct h2_stream *stream = NULL;
    char head[120];

    if (s->life != life || !n || s->peer_closed)
        return;
    for (struct list *node = h2_all(n->h2)->next; node != h2_all(n->h2); node = node->next)
        if (LIST_OWNER(node, struct h2_stream, node)->id == (int32_t)id)
            stream = LIST_OWNER(node, struct h2_stream, node);
    if (!stream || !stream->owner)
        return;
    struct record *r = stream->owner;
    r->is_open = false;
    stream->owner = NULL;
    if (sim_chance(world.trouble)) { /* it was processed, and nobody hears of it */
        h2_let_go(stream, H2_INTERNAL_ERROR);
        say(s);
        return;
    }
    int bytes = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\n%s%zu\r\n\r\n",
                         sim_chance(500) ? "Content-Length: " : "X-Length: ", strlen(r->body));
    h2_answer(stream, (struct ringsend_bytes){head, (size_t)bytes}, true);
    h2_body(stream, span_of(r->body), true);
    say(s);
}

/* Whoever has its result, or has lost its connection or patience, has let go of it: the server may
 * hear of that late. */
static void opens(struct record *r)
{
    const struct sim_faults *f = &sim.faults;
    uint32_t open = 0;

    r->is_open = true;
    for (uint32_t i = 0; i < world.count; i++)
        open += world.records[i].is_open && !world.records[i].done;
    bool is_quiet =
        world.trouble + f->pauses + f->send_breaks + f->send_fails + f->recv_resets == 0;
    SIM_CHECK(!is_quiet || open <= world.open_max, "%u requests are open, %u allowed", open,
              world.open_max);
}

/* A request is here, whole. */
static void take(struct sim_socket *s, struct h2_stream *stream)
{
    struct session *n = s->http2;
    struct record *r = record_of(stream);

    SIM_CHECK(r->mark & 1, "record %s is sent before that is marked", r->id);
    SIM_CHECK(r->replayable || r->processed == 0,
              "record %s is sent again, though it may have been processed", r->id);
    if (n->has_said_goodbye && stream->id > n->last) {
        h2_let_go(stream, H2_REFUSED_STREAM);
        return;
    }
    if (sim_chance(world.trouble)) {
        sim_trace("slot %u: record %s is refused", s->slot, r->id);
        h2_let_go(stream, H2_REFUSED_STREAM);
        return;
    }
    if (stream->id > n->last)
        n->last = stream->id;
    r->processed++;
    sim_trace("slot %u: record %s is processed", s->slot, r->id);
    stream->owner = r;
    opens(r);
    if (!sim_chance(world.trouble / 4)) /* else it is never answered */
        sim_at(sim.now_ns + sim_below(5 * SIM_MS), answer, s, s->life, (uint64_t)stream->id);
    if (sim_chance(world.trouble / 2))
        goodbye(s);
}

/* A server has no use for that mark. */
static void take_once(struct sim_socket *s, struct h2_stream *stream)
{
    stream->has_headed = true;
    take(s, stream);
}

static void forget(struct h2_stream *stream)
{
    stream->owner = NULL;
    h2_let_go(stream, H2_NO_ERROR);
}

static void frames(struct sim_socket *s, const char *data, size_t bytes)
{
    const char *detail;

    if (!s->http2) {
        const struct h2_options options = {.server = true,
                                           .streams_max = world.streams_max,
                                           .window_bytes = world.window_bytes,
                                           .head_bytes = 4096,
                                           .head_lines = 50};
        struct session *n = calloc(1, sizeof *n);
        SIM_CHECK(n, "out of memory");
        n->h2 = h2_new(&options, &world.pool);
        SIM_CHECK(n->h2, "out of memory");
        s->http2 = n;
    }
    struct session *n = s->http2;
    if (n->is_over)
        return;
    h2_feed(n->h2, data, bytes);
    say(s);
    SIM_CHECK(h2_failure(n->h2, &detail) == H2_FINE, "the client breaks HTTP/2: %s",
              detail ? detail : "-");
    for (struct h2_stream *stream; (stream = h2_news(n->h2)) && !n->is_over;) {
        SIM_CHECK(!stream->is_over || stream->code != H2_REFUSED_STREAM || n->has_said_goodbye,
                  "more streams than %u were begun", world.streams_max);
        if (stream->is_over)
            forget(stream);
        else if (stream->in_ended && !stream->owner && !stream->has_headed)
            take_once(s, stream);
    }
    if (!n->is_over && sim_chance(world.trouble / 8))
        closes(s, sim_chance(500) ? 0 : -ECONNRESET);
    else
        say(s);
}

static void gone(struct sim_socket *s)
{
    struct session *n = s->http2;

    if (!n)
        return;
    h2_free(n->h2);
    free(n);
    s->http2 = NULL;
}

/* ---- the client ---- */

static void make(uint32_t number)
{
    struct record *r = &world.records[number];
    bool is_post = sim_chance(600);
    static struct ringsend_header header;

    *r = (struct record){.replayable = !is_post};
    snprintf(r->id, sizeof r->id, "%u", number);
    snprintf(r->url, sizeof r->url, "http://10.0.0.1/r/%u", number);
    snprintf(r->body, sizeof r->body, "body of %u", number);
    header = (struct ringsend_header){SPAN("x-key"), SPAN("v")};
    r->request = (struct ringsend_request){.size = sizeof r->request,
                                           .method = is_post ? SPAN("POST") : SPAN("GET"),
                                           .url = span_of(r->url),
                                           .headers = &header,
                                           .headers_count = 1,
                                           .user = r,
                                           .in_doubt = &r->mark,
                                           .in_doubt_mask = 1};
    if (is_post) {
        r->request.flags = RINGSEND_HAS_BODY;
        r->request.body = span_of(r->body);
    }
}

static void check(const struct ringsend_result *result)
{
    struct record *r = result->request->user;
    struct ringsend_bytes body = span_of(r->body);

    SIM_CHECK(!r->done, "record %s has two results", r->id);
    r->done = true;
    world.done++;
    sim_trace("record %s: %s, status %d, %u attempts%s", r->id, ringsend_error_name(result->error),
              result->status, result->attempts, result->ambiguous ? ", ambiguous" : "");
    if (result->ok)
        SIM_CHECK(r->processed > 0 && span_equal(result->body, body), "record %s: not its answer",
                  r->id);
    SIM_CHECK(r->replayable || r->processed <= 1, "record %s was processed %u times", r->id,
              r->processed);
    SIM_CHECK(result->error != RINGSEND_E_REFUSED_STREAM || !result->ambiguous,
              "record %s was refused, and is told as ambiguous", r->id);
    SIM_CHECK(result->ok || result->ambiguous || r->replayable || r->processed == 0,
              "record %s was processed, and nobody is told so (%s)", r->id,
              ringsend_error_name(result->error));
}

static void draw(struct ringsend_options *o)
{
    struct sim_faults *f = &sim.faults;

    f->latency_ns = sim_below(2 * SIM_MS);
    f->without_min_wait = sim_chance(300);
    f->recv_split = sim_chance(600) ? 500 : 0;
    f->recv_tiny = sim_chance(200) ? 500 : 0;
    f->recv_stops = sim_chance(300) ? 300 : 0;
    f->send_slow = sim_chance(300) ? 300 : 0;
    f->send_late = sim_chance(300) ? 300 : 0;
    f->send_breaks = sim_chance(200) ? 30 : 0;
    f->send_fails = sim_chance(200) ? 30 : 0;
    f->recv_resets = sim_chance(200) ? 20 : 0;
    f->reorders = sim_chance(300) ? 300 : 0;
    f->pauses = sim_chance(200) ? 20 : 0;
    f->pause_ns = 200 * SIM_MS;
    f->buffers = sim_chance(300) ? (uint32_t)sim_between(1, 8) : 0;
    world.trouble = sim_chance(700) ? (uint32_t)sim_below(300) : 0;
    world.streams_max = (uint32_t)sim_between(1, sim_chance(500) ? 4 : 100);
    world.window_bytes = (uint32_t)sim_between(1, sim_chance(500) ? 8 : 70000);
    world.open_max = (uint32_t)sim_between(1, 12);
    *o = (struct ringsend_options){.size = sizeof *o,
                                   .http = RINGSEND_HTTP2_KNOWN,
                                   .connections_max = world.open_max,
                                   .streams_max = (uint32_t)sim_between(1, 20),
                                   .requests_max = RECORDS_MAX,
                                   .tries = (uint32_t)sim_between(1, 6),
                                   .attempt_timeout_ns = sim_between(50, 2000) * SIM_MS,
                                   .backoff_min_ns = SIM_MS,
                                   .backoff_max_ns = 10 * SIM_MS,
                                   .retry_budget_percent = RINGSEND_UNLIMITED,
                                   .idle_timeout_ns = sim_between(1, 500) * SIM_MS,
                                   .seed = sim.seed};
}

static void run_seed(uint64_t seed)
{
    struct ringsend_options options;
    struct ringsend *engine;
    const struct ringsend_result *results[16];
    uint32_t submitted = 0;

    sim_begin(NULL, seed);
    memset(&world, 0, sizeof world);
    buf_pool_init(&world.pool);
    draw(&options);
    world.count = (uint32_t)sim_between(1, RECORDS_MAX);
    sim_ring_bounds(options.connections_max, options.connections_max);
    struct sim_peer *peer = sim_peer_new("10.0.0.1", 80, 0);
    peer->frames = frames;
    peer->gone = gone;
    SIM_CHECK(engine_new_on(&engine, &options, sim_ring_new) == 0, "no engine");
    while (world.done < world.count) {
        while (submitted < world.count && sim_chance(800)) {
            make(submitted);
            SIM_CHECK(ringsend_submit(engine, &world.records[submitted].request) == 0, "full");
            submitted++;
        }
        if (submitted > 0 && sim_chance(10))
            ringsend_cancel(engine, world.records[sim_below(submitted)].request.handle);
        SIM_CHECK(ringsend_run(engine, sim_chance(500) ? SIM_MS : 0) >= 0, "the ring broke");
        size_t count = ringsend_reap(engine, results, 16);
        for (size_t i = 0; i < count; i++)
            check(results[i]);
        SIM_CHECK(sim.now_ns < sim.began_ns + 60ull * SIM_S, "%u of %u are done after a minute",
                  world.done, world.count);
    }
    ringsend_free(engine);
    sim_end();
    buf_pool_free(&world.pool);
}

static void by_seed(void)
{
    const char *first = getenv("SIM_HTTP2"), *seeds = getenv("SIM_HTTP2_SEEDS");
    uint64_t from = first ? strtoull(first, NULL, 10) : 1;
    uint64_t count = seeds ? strtoull(seeds, NULL, 10) : first ? 1 : SEEDS;

    SIM_CHECK(!h2_fault(), "%s", h2_fault());
    for (uint64_t seed = from; seed < from + count; seed++)
        run_seed(seed);
}

static const struct scenario_function functions[] = {
    {"HTTP/2 by seed", by_seed},
};

const struct scenario_function *sim_http2_scenarios(size_t *count)
{
    *count = sizeof functions / sizeof *functions;
    return functions;
}
