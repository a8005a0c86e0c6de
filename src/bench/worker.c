/* One turn of the loop: see which starts are due, make as many as there are free connections, let
 * the engine work until the next is due, take results.
 *
 *   begin ... ramp ... warm-up ... | measured part ........ | drain
 *                                  measure_ns               end_ns, or `count` requests
 *
 * A request is measured when its start lies in the measured part, whenever it ends. After the end
 * of the starts, those that are in flight are waited for; those that still wait for a connection
 * are never started. They count with what they waited until the first connection became free (a
 * lower bound: not even the first of them could have started before): so a server that hangs to the
 * end is in the figures.
 *
 * In a closed loop a server that refuses would be asked as fast as this machine can, to no purpose.
 * So once each connection has failed in a row without a response from anywhere, those that fail
 * rest before their next request, each round for longer, until all together begin no more than a
 * thousand a second. A response ends all rests. An answer of any status is one, and a timeout has
 * waited already. The starts of an open loop are the schedule's.
 *
 * Invariants. due - next == waiting. A slot is in `free_slots`, in `resting`, or its request is in
 * the engine. started + never_started == scheduled once the engine is idle. */
#include "bench/worker.h"

#include "base/check.h"
#include "base/time.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { REAP_BATCH = 64 };

/* ---- making and freeing ---- */

/* Thread `index`'s part of `all`, split as evenly as can be. */
static uint64_t share_of(uint64_t all, uint32_t index, uint32_t threads)
{
    return all / threads + (index < all % threads);
}

/* Nobody reads a response's body, unless a predicate or its coding or its length decides about
 * success. */
static bool discards_bodies(const struct ringsend_options *engine)
{
    return !engine->ok_if && !engine->retry_if && !engine->decode && engine->body_max_bytes == 0;
}

static int engine_open(struct worker *w, char *message, size_t message_bytes)
{
    struct ringsend_options options = *w->options->engine;
    const struct figures_settings *settings = &w->options->settings;
    options.connections_max = options.connections_per_origin = w->connections;
    options.requests_max = w->connections;
    options.tries = 1;
    options.no_free_try = true;
    options.no_pauses = true; /* the schedule says when requests start */
    options.exact_times = !settings->batch;
    options.spin = settings->spin;
    options.watch_max = WORKER_WATCHED;
    options.timestamps = settings->timestamps;
    options.message = message;
    options.message_bytes = message_bytes;
    return ringsend_new(&w->engine, &options);
}

int worker_init(struct worker *w, const struct load_options *options, struct series *series,
                uint32_t index, char *message, size_t message_bytes)
{
    const struct figures_settings *settings = &options->settings;
    *w = (struct worker){.options = options, .series = series, .index = index};
    sem_init(&w->release, 0, 0);
    w->connections = (uint32_t)share_of(settings->connections, index, settings->threads);
    w->count = share_of(settings->requests, index, settings->threads);
    w->template = index % options->requests_count;
    w->flags = discards_bodies(options->engine) ? RINGSEND_RESPONSE_DISCARD : 0;
    w->slots = calloc(w->connections, sizeof *w->slots);
    w->free_slots = calloc(w->connections, sizeof *w->free_slots);
    bool part = series_part_init(&w->part, settings->seconds_whole);
    w->resting = calloc(w->connections, sizeof *w->resting);
    if (!figures_init(&w->figures) || !part || !w->slots || !w->free_slots || !w->resting)
        return -RINGSEND_E_NO_MEMORY;
    /* The lowest are taken first. */
    while (w->free_count < w->connections) {
        w->free_slots[w->free_count] = &w->slots[w->connections - 1 - w->free_count];
        w->free_count++;
    }
    return engine_open(w, message, message_bytes);
}

void worker_free(struct worker *w)
{
    ringsend_free(w->engine); /* that no thread ever ran */
    sem_destroy(&w->release);
    figures_free(&w->figures);
    series_part_free(&w->part);
    free(w->slots);
    free(w->free_slots);
    free(w->resting);
}

void worker_schedule(struct worker *w, uint64_t begin_ns)
{
    const struct figures_settings *settings = &w->options->settings;
    w->begin_ns = begin_ns;
    w->measure_ns = begin_ns + settings->ramp_ns + settings->warmup_ns;
    w->end_ns = settings->duration_ns ? w->measure_ns + settings->duration_ns : UINT64_MAX;
    if (settings->open_loop) {
        schedule_init(&w->due, &(struct schedule_options){.begin_ns = begin_ns,
                                                          .rate = settings->rate,
                                                          .ramp_ns = settings->ramp_ns,
                                                          .arrivals = settings->arrivals,
                                                          .seed = settings->seed,
                                                          .thread = w->index,
                                                          .threads = settings->threads});
        w->next = w->due;
        double length_ns = settings->duration_ns
                               ? (double)settings->duration_ns
                               : (double)settings->requests / settings->rate * NS_PER_S;
        w->early_end_ns = w->measure_ns + (uint64_t)(length_ns / 10);
    }
}

/* ---- starts ---- */

/* All that were to start have been counted. */
static bool is_counted_out(const struct worker *w)
{
    return w->options->settings.requests > 0 && w->counted >= w->count;
}

static void note_due(struct worker *w, uint64_t now_ns)
{
    struct figures *f = &w->figures;
    while (w->due.at_ns <= now_ns && w->due.at_ns < w->end_ns && !is_counted_out(w)) {
        if (w->due.at_ns >= w->measure_ns) {
            uint64_t lag_ns = now_ns - w->due.at_ns;
            histogram_add(&f->loop_lag_ns, lag_ns);
            f->late_loop += lag_ns > FIGURES_LATE_NS;
            f->scheduled++;
            w->counted++;
        }
        w->waiting++;
        schedule_advance(&w->due);
    }
}

/* Gives the next request to the engine. False: it was refused. */
static bool submit(struct worker *w, uint64_t intended_ns, bool waited)
{
    CHECK(w->free_count > 0);
    struct slot *slot = w->free_slots[--w->free_count];
    slot->request = w->options->requests[w->template];
    slot->request.user = slot;
    slot->request.tries = 1;
    slot->request.flags |= w->flags;
    slot->intended_ns = intended_ns;
    slot->measured = intended_ns >= w->measure_ns;
    slot->waited = waited;
    slot->unstarted = false;
    w->template = (w->template + w->options->settings.threads) % w->options->requests_count;
    int error = ringsend_submit(w->engine, &slot->request);
    if (error == 0)
        return true;
    w->free_slots[w->free_count++] = slot;
    w->error = error;
    w->detail = ringsend_submit_detail(w->engine);
    return false;
}

/* Of those that wait, the first `before` did so already when the turn began. */
static void make_due(struct worker *w, uint64_t before)
{
    while (w->waiting > 0 && w->free_count > 0 && submit(w, w->next.at_ns, before > 0)) {
        before -= before > 0;
        w->waiting--;
        schedule_advance(&w->next);
    }
}

/* In the ramp of a closed loop the connections in use grow from one to all. */
static uint32_t in_flight_max(const struct worker *w, uint64_t now_ns)
{
    uint64_t ramp_ns = w->options->settings.ramp_ns, past_ns = now_ns - w->begin_ns;
    if (past_ns >= ramp_ns)
        return w->connections;
    return 1 + (uint32_t)((double)(w->connections - 1) * ((double)past_ns / (double)ramp_ns));
}

/* ---- rests of a closed loop ---- */

static bool is_timeout(enum ringsend_error error)
{
    return error == RINGSEND_E_TIMEOUT_DNS || error == RINGSEND_E_TIMEOUT_CONNECT ||
           error == RINGSEND_E_TIMEOUT_HANDSHAKE || error == RINGSEND_E_TIMEOUT_FIRST_BYTE ||
           error == RINGSEND_E_TIMEOUT_ATTEMPT || error == RINGSEND_E_TIMEOUT_RECORD;
}

/* After the failure that has just been counted; 0: none. */
static uint64_t rest_ns(const struct worker *w)
{
    uint64_t rounds = (w->failures - 1) / w->connections;
    uint64_t longest_ns = w->options->settings.connections * NS_PER_MS;
    uint64_t rest_ns = rounds == 0 ? 0 : NS_PER_MS << (rounds < 30 ? rounds - 1 : 29);
    return rest_ns < longest_ns ? rest_ns : longest_ns;
}

static struct slot *first_resting(const struct worker *w)
{
    return w->resting_count > 0 ? w->resting[w->resting_first] : NULL;
}

static void end_rest(struct worker *w)
{
    w->free_slots[w->free_count++] = first_resting(w);
    w->resting_first = (w->resting_first + 1) % w->connections;
    w->resting_count--;
}

static void end_rests(struct worker *w, uint64_t now_ns)
{
    while (w->resting_count > 0 && first_resting(w)->rests_until_ns <= now_ns)
        end_rest(w);
}

/* Takes a slot back, at once or to rest. */
static void take_back(struct worker *w, struct slot *slot, const struct ringsend_result *r)
{
    bool failed = r->error != RINGSEND_OK && !is_timeout(r->error);
    w->failures = r->error == RINGSEND_OK ? 0 : w->failures + failed;
    while (w->failures == 0 && w->resting_count > 0)
        end_rest(w);
    uint64_t wait_ns = failed && !w->options->settings.open_loop ? rest_ns(w) : 0;
    if (wait_ns == 0) {
        w->free_slots[w->free_count++] = slot;
        return;
    }
    slot->rests_until_ns = clock_ns(CLOCK_MONOTONIC) + wait_ns;
    w->resting[(w->resting_first + w->resting_count++) % w->connections] = slot;
    w->figures.rests++;
    if (wait_ns > w->figures.rest_max_ns)
        w->figures.rest_max_ns = wait_ns;
}

static void make_closed(struct worker *w, uint64_t now_ns)
{
    if (now_ns < w->begin_ns)
        return;
    end_rests(w, now_ns);
    uint32_t max = in_flight_max(w, now_ns);
    while (w->connections - w->free_count < max && w->free_count > 0 && now_ns < w->end_ns &&
           !is_counted_out(w) && submit(w, now_ns, false))
        w->counted += now_ns >= w->measure_ns;
}

/* ---- results ---- */

static void add_unless_zero(struct histogram *h, uint64_t value)
{
    if (value > 0)
        histogram_add(h, value);
}

/* Response, service and lag of a request that counts. In a closed loop the first two are one, and
 * there is no third. One that was given up has lower bounds. */
static void time_result(struct worker *w, const struct slot *slot, const struct ringsend_result *r)
{
    struct figures *f = &w->figures;
    bool open_loop = w->options->settings.open_loop, given_up = r->error != RINGSEND_OK;
    /* An attempt begins when its lookup is over; one that was given up in it is all lookup. */
    uint64_t begun_ns =
        r->times.begun_at_ns - (r->error == RINGSEND_E_TIMEOUT_DNS ? r->times.dns_ns : 0);
    uint64_t service_ns = r->times.done_at_ns - begun_ns;
    uint64_t response_ns = open_loop ? r->times.done_at_ns - slot->intended_ns : service_ns;
    histogram_add(&f->service_ns, service_ns);
    histogram_add(&f->response_ns, response_ns);
    histogram_add(&w->part.response_ns, response_ns);
    heat_add(&f->heat, r->times.done_at_ns - w->measure_ns, response_ns);
    if (open_loop)
        histogram_add(&f->send_lag_ns,
                      begun_ns > slot->intended_ns ? begun_ns - slot->intended_ns : 0);
    if (given_up) {
        histogram_add(&f->service_bounds_ns, service_ns);
        histogram_add(&f->response_bounds_ns, response_ns);
    }
}

/* Whatever became of it: a start that failed may have been late as well. */
static void count_lateness(struct worker *w, const struct slot *slot,
                           const struct ringsend_times *t)
{
    struct figures *f = &w->figures;
    bool is_late =
        w->options->settings.open_loop && t->begun_at_ns - slot->intended_ns > FIGURES_LATE_NS;
    f->late_starts += is_late;
    f->late_waits += is_late && slot->waited;
}

/* The rate that was reached is that of the responses in time. A closed loop is always full, so they
 * are those of the measured part, whenever they were begun. An open loop fills up first: what is in
 * flight when it ends had its start in time, and is in time itself unless it takes longer than
 * responses did in the beginning. Of a server that takes requests in faster than it answers them,
 * the rest is not. */
static void count_in_time(struct worker *w, const struct slot *slot, const struct ringsend_times *t)
{
    uint64_t end_ns = w->ended ? w->ended_ns : w->end_ns, done_ns = t->done_at_ns;
    if (!w->options->settings.open_loop) {
        w->figures.in_time += done_ns >= w->measure_ns && done_ns < end_ns;
        return;
    }
    uint64_t service_ns = done_ns - t->begun_at_ns;
    if ((w->early_ns == 0 || done_ns < w->early_end_ns) && service_ns > w->early_ns)
        w->early_ns = service_ns;
    w->figures.in_time += slot->measured && done_ns - w->early_ns < end_ns;
}

/* By the kernel's stamps. The clocks' difference is read anew for each, hence some may overlap by
 * nanoseconds. */
static void split_result(struct worker *w, const struct ringsend_times *t)
{
    struct figures_split *split = &w->figures.split;
    if (t->arrived_at_ns == 0 || t->left_at_ns < t->sent_at_ns ||
        t->arrived_at_ns < t->left_at_ns || t->first_byte_at_ns < t->arrived_at_ns)
        return;
    split->samples++;
    histogram_add(&split->sending_ns, t->left_at_ns - t->sent_at_ns);
    histogram_add(&split->outside_ns, t->arrived_at_ns - t->left_at_ns);
    histogram_add(&split->receiving_ns, t->first_byte_at_ns - t->arrived_at_ns);
}

static void count_response(struct worker *w, const struct ringsend_result *r)
{
    struct figures *f = &w->figures;
    const struct ringsend_times *t = &r->times;
    f->requests++;
    f->ok += r->ok;
    w->part.counts.requests++;
    w->part.counts.not_ok += !r->ok;
    if (r->status >= 0 && r->status <= FIGURES_STATUS_MAX)
        f->statuses[r->status]++;
    add_unless_zero(&f->dns_ns, t->dns_ns);
    add_unless_zero(&f->connect_ns, t->connect_ns);
    add_unless_zero(&f->tls_ns, t->tls_ns);
    histogram_add(&f->first_byte_ns, t->first_byte_ns);
    histogram_add(&f->transfer_ns, t->done_at_ns - t->first_byte_at_ns);
    split_result(w, t);
}

static void count_error(struct worker *w, const struct ringsend_result *r)
{
    struct figures *f = &w->figures;
    f->errors_count++;
    f->errors[r->error]++;
    f->timed_out += is_timeout(r->error) && r->times.done_at_ns > 0;
    f->cancelled += r->error == RINGSEND_E_CANCELLED && r->times.done_at_ns > 0;
    w->part.counts.errors++;
}

static void take_result(struct worker *w, const struct ringsend_result *r)
{
    struct slot *slot = r->request->user;
    take_back(w, slot, r);
    slot->unstarted =
        r->attempts == 0 && (r->error == RINGSEND_E_STOPPED || r->error == RINGSEND_E_CANCELLED);
    if (slot->unstarted)
        return;
    if (w->ended && w->freed_ns == 0)
        w->freed_ns = r->times.done_at_ns > w->ended_ns ? r->times.done_at_ns : w->ended_ns;
    if (r->error == RINGSEND_OK)
        count_in_time(w, slot, &r->times);
    if (!slot->measured) {
        w->figures.warmup_requests++;
        return;
    }
    w->figures.started++;
    if (r->error == RINGSEND_OK)
        count_response(w, r);
    else
        count_error(w, r);
    if (r->times.done_at_ns == 0)
        return; /* its name's lookup failed: it never came to an attempt */
    count_lateness(w, slot, &r->times);
    if (r->error == RINGSEND_OK || is_timeout(r->error) || r->error == RINGSEND_E_CANCELLED)
        time_result(w, slot, r);
    if (r->times.done_at_ns > w->last_done_ns)
        w->last_done_ns = r->times.done_at_ns;
}

static void reap(struct worker *w)
{
    const struct ringsend_result *results[REAP_BATCH];
    size_t count;
    while ((count = ringsend_reap(w->engine, results, REAP_BATCH)) > 0)
        for (size_t i = 0; i < count; i++)
            take_result(w, results[i]);
}

/* ---- the starts' end ---- */

/* All are made. Of an open loop the last one has its share of the time, too: until the next one of
 * any thread would be due. */
static void finish_starts(struct worker *w, uint64_t now_ns)
{
    const struct figures_settings *s = &w->options->settings;
    w->ended = true;
    w->ended_ns = now_ns;
    if (!s->open_loop)
        return;
    uint64_t others_ns = s->arrivals == ARRIVALS_CONSTANT
                             ? (uint64_t)((double)(s->threads - 1) / s->rate * NS_PER_S)
                             : 0;
    if (w->due.at_ns - others_ns > now_ns)
        w->ended_ns = w->due.at_ns - others_ns;
    if (w->ended_ns > w->end_ns)
        w->ended_ns = w->end_ns;
}

static void end_starts(struct worker *w, uint64_t now_ns)
{
    w->ended = true;
    w->ended_ns = now_ns < w->end_ns ? now_ns : w->end_ns;
    /* What was made in this very turn is begun: it has a connection. */
    int ready = ringsend_run(w->engine, 0);
    if (ready < 0)
        w->error = ready;
    reap(w);
    ringsend_stop(w->engine);
}

static void count_never_started(struct worker *w, uint64_t intended_ns, uint64_t until_ns)
{
    struct figures *f = &w->figures;
    if (intended_ns < w->measure_ns)
        return;
    uint64_t waited_ns = until_ns > intended_ns ? until_ns - intended_ns : 0;
    histogram_add(&f->response_ns, waited_ns);
    histogram_add(&f->response_bounds_ns, waited_ns);
    histogram_add(&f->send_lag_ns, waited_ns);
    histogram_add(&f->send_lag_bounds_ns, waited_ns);
    histogram_add(&w->part.response_ns, waited_ns);
    heat_add(&f->heat, intended_ns + waited_ns - w->measure_ns, waited_ns);
    w->part.counts.never_started++;
    f->never_started++;
    if (waited_ns > f->never_started_wait_ns)
        f->never_started_wait_ns = waited_ns;
}

/* All is over. What was due and has no connection yet is with us, or was with the engine. */
static void count_unstarted(struct worker *w)
{
    uint64_t until_ns = w->freed_ns ? w->freed_ns : w->ended_ns;
    if (!w->options->settings.open_loop)
        return;
    for (; w->waiting > 0; w->waiting--) {
        count_never_started(w, w->next.at_ns, until_ns);
        schedule_advance(&w->next);
    }
    for (uint32_t i = 0; i < w->connections; i++)
        if (w->slots[i].unstarted)
            count_never_started(w, w->slots[i].intended_ns, until_ns);
}

/* ---- seconds ---- */

static uint64_t second_ends_ns(const struct worker *w)
{
    return w->measure_ns + (w->second + 1) * NS_PER_S;
}

/* Asks TCP about the watched connections. */
static void sample_tcp(struct worker *w)
{
    struct figures_tcp *tcp = &w->figures.tcp;
    uint64_t retransmits = 0;
    int count = ringsend_tcp_samples(w->engine, w->samples, 3 * WORKER_WATCHED);
    if (count < 0)
        tcp->absent = "the kernel gives no descriptor for the ring's sockets (Linux 6.8 does)";
    for (int i = 0; i < count; i++) {
        const struct ringsend_tcp_sample *s = &w->samples[i];
        tcp->samples++;
        histogram_add(&tcp->rtt_ns, s->rtt_ns);
        histogram_add(&w->part.rtt_us, s->rtt_ns / 1000);
        if (s->connection > tcp->connections)
            tcp->connections = s->connection;
        *(s->ended ? &w->retransmits_ended : &retransmits) += s->retransmits;
    }
    retransmits += w->retransmits_ended;
    w->part.counts.retransmits = retransmits - tcp->retransmits;
    tcp->retransmits = retransmits;
}

static void hand_in(struct worker *w)
{
    sample_tcp(w);
    struct ringsend_stats stats = {.size = sizeof stats};
    ringsend_stats(w->engine, &stats);
    w->part.counts.connections = stats.connections_open;
    w->part.counts.waiting =
        w->waiting < UINT32_MAX - stats.waiting ? (uint32_t)w->waiting + stats.waiting : UINT32_MAX;
    series_hand_in(w->series, w->second++, &w->part);
}

/* ---- the run ---- */

static void cancel_all(struct worker *w)
{
    w->cancelled = true;
    for (uint32_t i = 0; i < w->connections; i++)
        if (w->slots[i].request.handle)
            ringsend_cancel(w->engine, w->slots[i].request.handle);
}

/* When a closed loop may have one more in flight. */
static uint64_t next_in_ramp_ns(const struct worker *w)
{
    uint32_t in_flight = w->connections - w->free_count;
    if (in_flight == 0)
        return w->begin_ns;
    double part = (double)in_flight / (double)(w->connections - 1);
    return w->begin_ns + 1 + (uint64_t)((double)w->options->settings.ramp_ns * part);
}

/* Until when the engine may work without us. */
static uint64_t wake_at_ns(const struct worker *w)
{
    uint64_t at_ns = second_ends_ns(w);
    if (w->ended)
        return at_ns;
    uint64_t start_ns = UINT64_MAX;
    if (w->options->settings.open_loop && !is_counted_out(w))
        start_ns = w->due.at_ns;
    else if (!w->options->settings.open_loop && w->free_count > 0)
        start_ns = next_in_ramp_ns(w);
    if (w->resting_count > 0 && first_resting(w)->rests_until_ns < start_ns)
        start_ns = first_resting(w)->rests_until_ns;
    at_ns = start_ns < at_ns ? start_ns : at_ns;
    return w->end_ns < at_ns ? w->end_ns : at_ns;
}

static void turn(struct worker *w)
{
    int stop = atomic_load_explicit(w->options->stop_asked, memory_order_relaxed);
    uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
    while (now_ns >= second_ends_ns(w))
        hand_in(w);
    if (!w->ended && w->options->settings.open_loop) {
        uint64_t before = w->waiting;
        note_due(w, now_ns);
        make_due(w, before);
    } else if (!w->ended) {
        make_closed(w, now_ns);
    }
    bool all_made = is_counted_out(w) && w->waiting == 0;
    if (!w->ended && (now_ns >= w->end_ns || stop > 0)) {
        w->figures.stopped_early = stop > 0;
        end_starts(w, now_ns);
    } else if (!w->ended && all_made) {
        finish_starts(w, now_ns);
    }
    if (stop > 1 && !w->cancelled)
        cancel_all(w);
    uint64_t at_ns = wake_at_ns(w);
    if (w->error == 0 && !(w->ended && ringsend_idle(w->engine))) {
        int ready = ringsend_run(w->engine, at_ns > now_ns ? at_ns - now_ns : 0);
        if (ready < 0)
            w->error = ready;
    }
    reap(w);
}

/* Of this thread: its CPU time, and the time that it could have run and was not let to. */
struct demand {
    uint64_t ran_ns, waited_ns;
};

static struct demand thread_demand(void)
{
    char text[64] = "";
    int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    ssize_t bytes = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0)
        close(fd);
    char *end = text;
    unsigned long long ran_ns = bytes > 0 ? strtoull(text, &end, 10) : 0;
    unsigned long long waited_ns = bytes > 0 ? strtoull(end, NULL, 10) : 0;
    return ran_ns > 0 ? (struct demand){ran_ns, waited_ns}
                      : (struct demand){clock_ns(CLOCK_THREAD_CPUTIME_ID), 0};
}

static void note_demand(struct worker *w, struct demand before, uint64_t from_ns)
{
    struct demand d = thread_demand();
    double all_ns = (double)(clock_ns(CLOCK_MONOTONIC) - from_ns + 1);
    double waited_ns = (double)(d.waited_ns - before.waited_ns);
    w->figures.waited_share = waited_ns / all_ns;
    w->figures.cpu_share = ((double)(d.ran_ns - before.ran_ns) + waited_ns) / all_ns;
}

static void note_stats(struct worker *w)
{
    struct ringsend_stats stats = {.size = sizeof stats};
    struct figures *f = &w->figures;
    if (w->options->settings.timestamps && f->split.samples == 0)
        f->split.absent =
            f->tcp.absent ? f->tcp.absent
            : w->options->settings.new_connection
                ? "the kernel stamps a connection from its second request on, and each had one"
                : "the kernel stamped no request that was answered";
    ringsend_stats(w->engine, &stats);
    f->bytes_sent = stats.bytes_sent;
    f->bytes_received = stats.bytes_received;
    f->connections_opened = stats.connections_opened;
    f->connections_peak = stats.connections_peak;
    f->enters = stats.enters;
    f->handshakes_full = stats.handshakes_full;
    f->handshakes_resumed = stats.handshakes_resumed;
}

void *worker_run(void *worker)
{
    struct worker *w = worker;
    /* The kernel may let a sleep of this thread last as much longer; by default 50 us. */
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    struct demand before = thread_demand();
    uint64_t from_ns = clock_ns(CLOCK_MONOTONIC);
    while (w->error == 0 && !atomic_load_explicit(w->failed, memory_order_relaxed) &&
           !(w->ended && ringsend_idle(w->engine)))
        turn(w);
    if (w->error)
        atomic_store(w->failed, true);
    note_demand(w, before, from_ns);
    count_unstarted(w);
    if (w->part.response_ns.count + w->part.counts.errors > 0)
        hand_in(w);
    else
        sample_tcp(w);
    note_stats(w);
    series_leave(w->series, w->second);
    sem_post(w->ended_one);
    while (sem_wait(&w->release) < 0) /* a signal came */
        ;
    ringsend_free(w->engine);
    w->engine = NULL;
    return NULL;
}
