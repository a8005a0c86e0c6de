/* The public door: ringsend.h's functions on top of the engine. Arguments are checked here and
 * nowhere deeper.
 *
 * All memory is taken in ringsend_new (tables.c): requests, connections, origins and hosts, whose
 * untouched parts stay unmapped. Only buffers for heads and bodies grow later, out of engine.bufs.
 */
#include "base/buf.h"
#include "base/errors.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/memory.h"
#include "base/time.h"
#include "base/timers.h"
#include "engine/admission.h"
#include "engine/certificates.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/file.h"
#include "engine/follow.h"
#include "engine/handshaker.h"
#include "engine/host.h"
#include "engine/lookup.h"
#include "engine/lookups.h"
#include "engine/make_way.h"
#include "engine/on_ring.h"
#include "engine/options.h"
#include "engine/origin.h"
#include "engine/pause.h"
#include "engine/places.h"
#include "engine/post.h"
#include "engine/relay.h"
#include "engine/request.h"
#include "engine/retry.h"
#include "engine/room.h"
#include "engine/run_limits.h"
#include "engine/steps.h"
#include "engine/stream.h"
#include "engine/tcp_info.h"
#include "engine/turns.h"
#include "engine/verdict.h"
#include "engine/way.h"
#include "engine/well_formed.h"
#include "engine/wire.h"
#include "http/head.h"
#include "http/response.h"
#include "http2/h2.h"
#include "ringsend.h"
#include "tls/tls.h"
#include "uring/ring.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* What flows from descriptor to descriptor has always something to do, and no result for long: so
 * long, and so many turns, a call goes on at most that was not asked to wait, or has waited. */
#define RUN_NS (2 * NS_PER_MS)
enum { RUN_TURNS_MAX = 100 };

static void init_lists(struct ringsend *e)
{
    struct list *lists[] = {&e->requests_free,
                            &e->conns_free,
                            &e->unused_origins,
                            &e->ready,
                            &e->lines[GATE_BUDGET],
                            &e->lines[GATE_PACE],
                            &e->idle_lru,
                            &e->starved,
                            &e->finished,
                            &e->events,
                            &e->events_reaped,
                            &e->reaped,
                            &e->undecoded,
                            &e->held_sends,
                            &e->crowd,
                            &e->pools_free,
                            &e->first};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        list_init(lists[i]);
    lookups_init(e);
    turns_init(e);
    for (size_t i = 0; i < STANDINGS * PLACE_RANKS; i++)
        list_init(&e->blocked[i / PLACE_RANKS][i % PLACE_RANKS]);
}

static void release(struct ringsend *e)
{
    lookup_free(e->lookup);
    handshaker_free(e->handshaker);
    if (e->broken)
        for (uint32_t i = 0; i < e->conns_mark; i++)
            wire_break(&e->conns[i].wire);
    tls_local_free(e->tls_local);
    if (!e->options.tls)
        ringsend_tls_free(e->tls);
    watch_free(e);
    ring_free(e->ring);
    pools_leave_run(e);
    place_leave(e);
    origins_leave_run(e);
    verdict_release(e);
    costs_release(e);
    if (!e->options.limits)
        costs_free(&e->own_limits.costs, &e->memory);
    unpack_free(e->unpack);
    hosts_release(e);
    relays_free(e);
    if (!e->broken)
        buf_pool_free(&e->bufs);
    tables_give_back(e);
    struct memory memory = e->memory;
    memory_give_back(&memory, e, sizeof *e);
}

/* The engine itself, from where its options say. Null: memory is out. */
static struct ringsend *engine_take(const struct ringsend_options *options)
{
    struct memory memory = {.max_bytes = options->memory_max_bytes};
    if (options->allocator)
        memory.allocator = *options->allocator;
    struct ringsend *e = memory_take_zeroed(&memory, sizeof *e);
    if (!e)
        return NULL;
    e->memory = memory;
    e->options = *options;
    init_lists(e);
    buf_pool_init(&e->bufs);
    e->bufs.memory = &e->memory;
    return e;
}

static int no_memory(struct ringsend *e)
{
    options_message(&e->options,
                    e->options.memory_max_bytes
                        ? "memory is out, or memory_max_bytes is too low for these options"
                        : ringsend_error_text(RINGSEND_E_NO_MEMORY));
    return -RINGSEND_E_NO_MEMORY;
}

static const enum ring_backend backends[] = {
    [RINGSEND_IO_AUTO] = RING_ANY,
    [RINGSEND_IO_URING] = RING_IO_URING,
    [RINGSEND_IO_EPOLL] = RING_EPOLL,
};

/* It is made: whoever asked is told when it is another one than it should be. */
static void explain_refusal(const struct ringsend *e)
{
    int refused = ring_features(e->ring).refused;
    options_message(&e->options, "");
    if (refused != 0 && e->options.message && e->options.message_bytes > 0)
        ring_explain_fallback(refused, e->options.message, e->options.message_bytes);
}

static int open_ring(struct ringsend *e, ring_make_fn *make_ring)
{
    struct ring_options options = {.backend = backends[e->options.io],
                                   .sockets_max = e->options.connections_max,
                                   .buffers = e->buffers,
                                   .buffer_bytes = LIMIT_BUFFER_BYTES,
                                   .stamps = e->options.timestamps,
                                   .min_wait = !e->options.exact_times,
                                   .source = way_source(&e->options)};
    int error = make_ring(&e->ring, &options);
    if (error == 0)
        explain_refusal(e);
    if (error == 0)
        return 0;
    e->ring = NULL;
    if (error == -ENOBUFS)
        return no_memory(e);
    if (e->options.message && e->options.message_bytes > 0)
        ring_explain(error, e->options.message, e->options.message_bytes);
    return -RINGSEND_E_RING;
}

/* Predicates, and what answers tell of costs. */
static int compile_texts(struct ringsend *e)
{
    char message[300] = "";
    enum ringsend_error error = verdict_prepare(e, message, sizeof message);
    if (error == RINGSEND_OK)
        error = costs_prepare(e, message, sizeof message);
    if (error == RINGSEND_OK && !e->options.limits &&
        !costs_init(&e->own_limits.costs, &e->options, &e->memory))
        error = RINGSEND_E_NO_MEMORY;
    e->options.costs = NULL; /* only borrowed */
    if (error != RINGSEND_OK)
        options_message(&e->options, message[0] ? message : ringsend_error_text(error));
    return -(int)error;
}

static int read_overrides(struct ringsend *e)
{
    char message[300];
    if (overrides_read(e, message, sizeof message) &&
        way_read_diversions(e, message, sizeof message))
        return 0;
    options_message(&e->options, message);
    return -RINGSEND_E_INVALID;
}

static int read_relays(struct ringsend *e)
{
    char message[200];
    if (relays_read(e, message, sizeof message))
        return 0;
    if (!message[0])
        return no_memory(e);
    options_message(&e->options, message);
    return -RINGSEND_E_INVALID;
}

/* Certificates that the user named must be there before anything is sent. */
static int open_tls(struct ringsend *e)
{
    e->tls = e->options.tls;
    int error = e->tls ? 0 : certificates_new(&e->tls, &e->options);
    if (error == 0 && !e->options.tls)
        options_message_add(&e->options, certificates_message(e->tls));
    return error == -RINGSEND_E_NO_MEMORY ? no_memory(e) : error;
}

/* All that the options say and nothing can fail of. */
static void set_up(struct ringsend *e)
{
    const struct ringsend_options *o = &e->options;
    e->now_ns = e->turn_ns = ring_now_ns(e->ring);
    e->conns_limit = o->connections_max;
    e->gap_ns = NS_PER_MS; /* no batching before it is seen to pay */
    e->limits =
        (struct response_limits){.head_bytes = o->head_max_bytes,
                                 .head_lines = o->head_max_lines,
                                 .body_bytes = o->body_max_bytes,
                                 .strict = o->strict_http,
                                 .store_headers = o->store_headers || verdict_wants_headers(e)};
    e->random = o->seed;
    if (e->random == 0 && getrandom(&e->random, sizeof e->random, GRND_NONBLOCK) < 0)
        e->random = e->now_ns;
    follow_init(e);
    retry_init(e);
    e->run_limits = o->limits ? o->limits : &e->own_limits;
    if (!o->limits)
        limits_init(&e->own_limits, o, e->now_ns);
    place_join(e);
}

static int open_all(struct ringsend *e, ring_make_fn *make_ring)
{
    if (!tables_take(e))
        return no_memory(e);
    way_read(e);
    int error = read_overrides(e);
    if (!error)
        error = read_relays(e);
    if (!error)
        error = compile_texts(e);
    if (!error && verdict_decodes(e) && !(e->unpack = unpack_new(&e->memory, UNPACK_WINDOW_HTTP)))
        error = no_memory(e);
    if (!error)
        error = open_ring(e, make_ring);
    return error ? error : open_tls(e);
}

int engine_new_on(struct ringsend **engine, const struct ringsend_options *options,
                  ring_make_fn *make_ring)
{
    struct ringsend_options o;
    int error = options_read(&o, options);
    if (error)
        return error;
    const char *fault = o.http != RINGSEND_HTTP1 ? h2_fault() : NULL;
    if (fault) {
        options_message(&o, fault);
        return -RINGSEND_E_INVALID;
    }
    struct ringsend *e = engine_take(&o);
    if (!e) {
        options_message(&o, ringsend_error_text(RINGSEND_E_NO_MEMORY));
        return -RINGSEND_E_NO_MEMORY;
    }
    error = open_all(e, make_ring);
    if (error) {
        release(e);
        return error;
    }
    set_up(e);
    *engine = e;
    return 0;
}

int ringsend_new(struct ringsend **engine, const struct ringsend_options *options)
{
    return engine_new_on(engine, options, ring_new);
}

static void give_back_reaped(struct ringsend *e)
{
    struct list *node;
    stream_give_back(e);
    while ((node = list_pop_front(&e->reaped)))
        request_put(LIST_OWNER(node, struct request, finished));
    bool any = e->reaped_count > 0;
    if (any)
        engine_may_rest(e);
    e->reaped_count = 0;
    if (any)
        room_made(e);
}

void ringsend_free(struct ringsend *e)
{
    if (!e)
        return;
    engine_check_thread(e);
    stream_give_back(e);
    for (size_t i = 0; i < LIMIT_FILES; i++)
        file_close(&e->files[i]);
    e->stopping = true;
    for (uint32_t i = 0; i < e->requests_mark; i++) {
        e->requests[i].cancel_asked = true;
        if (e->requests[i].user)
            task_wake(e, &e->requests[i].task);
    }
    for (uint32_t i = 0; i < e->conns_mark; i++)
        if (e->conns[i].step == CONN_READY && list_empty(&e->conns[i].exchanges))
            conn_abandon(&e->conns[i], RINGSEND_OK, NULL);
    while (e->conns_open > 0 || e->requests_used > e->finished_count + e->reaped_count)
        if (engine_wait(e) < 0)
            break;
    list_append_all(&e->reaped, &e->finished);
    give_back_reaped(e);
    release(e);
}

bool ringsend_may_repeat(const struct ringsend_request *r)
{
    return (r->flags & RINGSEND_AT_LEAST_ONCE) || request_is_idempotent(r, request_method(r));
}

int ringsend_submit(struct ringsend *e, struct ringsend_request *r)
{
    engine_check_thread(e);
    e->submit_detail = NULL;
    if (!request_is_well_formed(r))
        return -RINGSEND_E_INVALID;
    if (e->stopping)
        return -RINGSEND_E_STOPPED;
    if (e->requests_used - e->reaped_count >= e->options.requests_max)
        return -RINGSEND_E_FULL;
    struct head head;
    bool accepts_codings = e->options.decode && !(r->flags & RESPONSE_STREAMED);
    enum ringsend_error error =
        request_make_head(&head, r, accepts_codings, &e->url_start, &e->submit_detail);
    if (error == RINGSEND_OK && e->relays)
        error = relay_check(e, &head.url, &e->submit_detail);
    if (error == RINGSEND_OK && head.url.https && !e->tls_local)
        error = follow_load_tls(e, &e->submit_detail);
    if (error != RINGSEND_OK)
        return -(int)error;
    bool streams = stream_is_wanted(r);
    struct stream *stream = streams ? stream_new(e, r) : NULL;
    if (streams && !stream)
        return -RINGSEND_E_NO_MEMORY;
    e->now_ns = ring_now_ns(e->ring); /* the last turn may be long ago */
    struct origin *o = origin_find(e, &head.url);
    relay_head(o->pool, &head);
    request_take(e, r, &head, o, stream);
    return 0;
}

const char *ringsend_submit_detail(const struct ringsend *e)
{
    return e->submit_detail;
}

int ringsend_run(struct ringsend *e, uint64_t wait_ns)
{
#ifdef RINGSEND_SLOW_CHECKS
    if (!e->owned)
        e->owner = pthread_self();
    e->owned = true;
#endif
    engine_check_thread(e);
    give_back_reaped(e);
    e->now_ns = ring_now_ns(e->ring);
    uint64_t until_ns = wait_ns > 0 ? timer_after(e->now_ns, wait_ns) : 0;
    uint64_t work_until_ns = timer_after(wait_ns > 0 ? until_ns : e->now_ns, RUN_NS);
    unsigned turns = 0;
    post_take(e, ringsend_submit);
    do {
        if (engine_turn(e, until_ns) < 0)
            return -RINGSEND_E_RING;
    } while (e->finished_count == 0 && e->events_count == 0 && !e->woken &&
             (e->now_ns < until_ns ||
              (++turns < RUN_TURNS_MAX && e->now_ns < work_until_ns && engine_has_work(e))));
    if (e->woken)
        post_take(e, ringsend_submit); /* or the wake-up for it would be spent */
    e->woken = false;
    return (int)(e->finished_count + e->events_count);
}

void file_close(struct file **file)
{
    struct file *f = *file;
    if (!f)
        return;
    file_cancel(f);
    while (!file_is_quiet(f))
        if (engine_wait(f->engine) < 0)
            break;
    file_free(f);
    *file = NULL;
}

int file_run(struct ringsend *e, uint64_t wait_ns)
{
    engine_check_thread(e);
    give_back_reaped(e);
    e->now_ns = ring_now_ns(e->ring);
    uint64_t until_ns = wait_ns > 0 ? timer_after(e->now_ns, wait_ns) : 0;
    post_take(e, ringsend_submit);
    do {
        if (engine_turn_on(e, until_ns) < 0)
            return -RINGSEND_E_RING;
    } while (!e->woken && e->now_ns < until_ns);
    if (e->woken)
        post_take(e, ringsend_submit);
    e->woken = false;
    return 0;
}

size_t ringsend_reap(struct ringsend *e, const struct ringsend_result **results, size_t max)
{
    size_t count = 0;
    struct list *node;
    engine_check_thread(e);
    while (count < max && e->events_count > 0)
        results[count++] = stream_reap(e);
    while (count < max && (node = list_pop_front(&e->finished))) {
        results[count++] = &LIST_OWNER(node, struct request, finished)->result;
        list_push_back(&e->reaped, node);
        e->finished_count--;
        e->reaped_count++;
    }
    return count;
}

void ringsend_cancel_all(struct ringsend *e)
{
    engine_check_thread(e);
    for (uint32_t i = 0; i < e->requests_mark; i++) {
        struct request *r = &e->requests[i];
        if (!r->user || r->step == REQUEST_FINISHED)
            continue;
        r->cancel_asked = true;
        task_wake(e, &r->task);
    }
}

void ringsend_stop(struct ringsend *e)
{
    engine_check_thread(e);
    e->stopping = true;
    for (uint32_t i = 0; i < e->requests_mark; i++)
        if (e->requests[i].user)
            task_wake(e, &e->requests[i].task);
    for (uint32_t i = 0; i < e->conns_mark; i++)
        if (e->conns[i].waits_since_ns > 0) /* that is no attempt in flight */
            task_wake(e, &e->conns[i].task);
}

bool ringsend_idle(const struct ringsend *e)
{
    return e->requests_used == e->reaped_count && post_is_empty(e);
}

int ringsend_fd(const struct ringsend *e)
{
    int fd = ring_fd(e->ring);
    return fd >= 0 ? fd : -RINGSEND_E_INVALID;
}

int ringsend_limit(struct ringsend *e, uint32_t connections)
{
    struct ringsend_limits *l = e->run_limits;
    if (connections < 1 || connections > l->connections_max)
        return -RINGSEND_E_INVALID;
    if (l->shared)
        run_places_limit(l, connections, e);
    else
        e->conns_limit = connections;
    make_way_to_limit(e);
    return 0;
}

int ringsend_limit_rate(struct ringsend *e, uint32_t count, uint64_t per_ns)
{
    struct ringsend_limits *l = e->run_limits;
    bool good = count <= LIMIT_RATE_COUNT && per_ns >= 1 && per_ns <= LIMIT_RATE_PER_NS;
    if (count > 0 && !good)
        return -RINGSEND_E_INVALID;
    limits_lock(l);
    pace_init(&l->found, count, count > 0 ? per_ns : 1, 0, 0);
    limits_unlock(l);
    gates_freed(e);
    return 0;
}

void ringsend_wake(struct ringsend *e)
{
    ring_wake(e->ring);
}

size_t ringsend_tls_origin(const struct ringsend *e, size_t number, char *text, size_t text_bytes)
{
    return e->tls ? certificates_origin(e->tls, number, text, text_bytes) : 0;
}

size_t ringsend_tls_move(const struct ringsend *e, size_t number, char *text, size_t text_bytes)
{
    return e->tls ? certificates_move(e->tls, number, text, text_bytes) : 0;
}

void ringsend_stats(struct ringsend *e, struct ringsend_stats *stats)
{
    struct ringsend_stats all = e->stats;
    size_t size = stats->size < sizeof all ? stats->size : sizeof all;
    all.size = size;
    all.connections_open = e->conns_open;
    all.waiting = e->waiting;
    all.held = e->held < e->waiting ? e->held : e->waiting;
    all.enters = ring_counters(e->ring).calls;
    all.io = ring_features(e->ring).backend == RING_EPOLL ? RINGSEND_IO_EPOLL : RINGSEND_IO_URING;
    all.exchanges = e->exchanges_open;
    place_stats(e, &all);
    pause_stats(e, &all);
    bool has_room = e->requests_used - e->reaped_count < e->options.requests_max;
    bool at_once = engine_has_work(e) || e->finished_count > 0 || e->events_count > 0 ||
                   !list_empty(&e->events_reaped) || (has_room && !post_is_empty(e));
    all.memory_bytes = e->memory.used_bytes;
    all.next_deadline_ns = at_once ? e->now_ns : timers_next_ns(&e->timers);
    memcpy(stats, &all, size);
}

size_t ringsend_features(const struct ringsend *e, char *text, size_t text_bytes)
{
    static const char *const min_waits[] = {[RING_MIN_WAIT_UNASKED] = "",
                                            [RING_MIN_WAIT_LACKING] = "min_wait:lacking",
                                            [RING_MIN_WAIT_LATE] = "min_wait:late",
                                            [RING_MIN_WAIT_UNPROVEN] = "min_wait:unproven",
                                            [RING_MIN_WAIT_USED] = "min_wait"};
    struct ring_features f = ring_features(e->ring);
    const char *names[] = {f.backend == RING_EPOLL ? "epoll" : "io_uring",
                           f.defer_taskrun ? "defer_taskrun" : "",
                           f.ring_fd ? "ring_fd" : "",
                           f.backend == RING_EPOLL ? "" : min_waits[f.min_wait],
                           f.direct_sockopt ? "direct_sockopt" : "",
                           f.install ? "install" : ""};
    char all[128] = "";
    size_t bytes = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i][0])
            bytes += (size_t)snprintf(all + bytes, sizeof all - bytes, "%s%s", bytes ? " " : "",
                                      names[i]);
    if (text && text_bytes > 0)
        snprintf(text, text_bytes, "%s", all);
    return bytes;
}

const char *ringsend_version(void)
{
    return RINGSEND_VERSION;
}
