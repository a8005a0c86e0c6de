#include "batch/engine_threads.h"

#include "batch/job_internal.h"
#include "engine/file.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

enum order { ORDER_STOP = 1, ORDER_CANCEL = 2, ORDER_LEAVE = 4, ORDER_REPORT = 8 };

struct engine_thread {
    struct engine_threads *threads;
    struct ringsend *engine;
    pthread_t pthread;
    uint32_t in_flight; /* the job's thread counts */
    atomic_uint orders; /* enum order, of the job's thread */
    /* The thread's own. */
    unsigned orders_seen;
    size_t returned_bytes_max; /* 0: no bound */
    struct buf_pool pool;
    /* Under threads.lock. */
    struct list returned;  /* slot.returned */
    size_t returned_bytes; /* of it */
    bool is_held_up;       /* by those: the engine has more */
    struct ringsend_stats stats;
    bool is_asked; /* for these, again and again */
};

struct engine_threads {
    struct ringsend *lead;
    pthread_mutex_t lock;
    pthread_cond_t leave; /* ORDER_LEAVE was given */
    atomic_bool broke;
    size_t count;               /* with a thread */
    struct ringsend_stats gone; /* of those that have ended */
    struct engine_thread all[];
};

/* ---- the thread ---- */

/* Its figures, though no results are ready. */
static void report(struct engine_thread *t)
{
    struct ringsend_stats stats = {.size = sizeof stats};
    ringsend_stats(t->engine, &stats);
    pthread_mutex_lock(&t->threads->lock);
    t->stats = stats;
    t->is_asked = true;
    pthread_mutex_unlock(&t->threads->lock);
}

static void take_orders(struct engine_thread *t)
{
    unsigned orders = atomic_fetch_and(&t->orders, ~(unsigned)ORDER_REPORT),
             fresh = orders & ~t->orders_seen;
    t->orders_seen = orders & ~(unsigned)ORDER_REPORT;
    if (fresh & ORDER_REPORT)
        report(t);
    if (fresh & ORDER_STOP)
        ringsend_stop(t->engine);
    if (fresh & ORDER_CANCEL)
        ringsend_cancel_all(t->engine);
}

/* The copy's memory is the job's from now on. */
static void copy_result(struct engine_thread *t, struct slot *slot,
                        const struct ringsend_result *result)
{
    struct result_line line = result_line_of(result);
    slot->cut_short = result->cut_short && !result->processed;
    slot->kept_whole = result_line_keep(&line, &t->pool, &slot->kept_memory, &slot->kept);
    if (!slot->kept_whole) {
        line.body = line.encoding = (struct ringsend_bytes){0};
        line.location = line.redirect_urls = (struct ringsend_bytes){0};
        line.headers = NULL;
        line.trace = NULL;
        line.detail = NULL;
        line.headers_count = line.trace_count = 0;
        slot->kept = line;
    }
    buf_pool_give(&t->pool, &slot->kept_memory);
}

/* How many bytes the job may still be given. */
static size_t room_of(struct engine_thread *t)
{
    if (t->returned_bytes_max == 0)
        return SIZE_MAX;
    pthread_mutex_lock(&t->threads->lock);
    size_t bytes = t->returned_bytes;
    t->is_held_up = bytes >= t->returned_bytes_max;
    pthread_mutex_unlock(&t->threads->lock);
    return bytes < t->returned_bytes_max ? t->returned_bytes_max - bytes : 0;
}

/* While the job takes none, those that are ready are no reason to wake. */
static int run(struct engine_thread *t)
{
    return room_of(t) == 0 ? file_run(t->engine, RINGSEND_NEVER)
                           : ringsend_run(t->engine, RINGSEND_NEVER);
}

static void hand_back(struct engine_thread *t)
{
    const struct ringsend_result *result;
    struct list back;
    size_t bytes = 0, room = room_of(t);
    list_init(&back);
    while (bytes < room && ringsend_reap(t->engine, &result, 1) == 1) {
        struct slot *slot = result->request->user;
        copy_result(t, slot, result);
        bytes += slot->kept_memory.capacity;
        list_push_back(&back, &slot->returned);
    }
    if (list_empty(&back))
        return;
    struct ringsend_stats stats = {.size = sizeof stats};
    ringsend_stats(t->engine, &stats);
    pthread_mutex_lock(&t->threads->lock);
    bool wake = list_empty(&t->returned);
    list_append_all(&t->returned, &back);
    t->returned_bytes += bytes;
    t->is_held_up = bytes >= room;
    if (t->is_asked && stats.exchanges < t->stats.exchanges) /* the most since it was asked: */
        stats.exchanges = t->stats.exchanges;                /* now some have just ended */
    t->stats = stats;
    pthread_mutex_unlock(&t->threads->lock);
    if (wake)
        ringsend_wake(t->threads->lead);
}

static void *thread_run(void *argument)
{
    struct engine_thread *t = argument;
    struct engine_threads *threads = t->threads;
    while (!(t->orders_seen & ORDER_LEAVE)) {
        if (run(t) < 0) {
            atomic_store(&threads->broke, true);
            ringsend_wake(threads->lead);
            break;
        }
        hand_back(t);
        take_orders(t);
    }
    /* Until all orders are given, others may post to it and wake it, though its ring broke. */
    pthread_mutex_lock(&threads->lock);
    while (!(atomic_load(&t->orders) & ORDER_LEAVE))
        pthread_cond_wait(&threads->leave, &threads->lock);
    pthread_mutex_unlock(&threads->lock);
    ringsend_free(t->engine);
    t->engine = NULL;
    return NULL;
}

/* ---- the job's side ---- */

static bool start(struct engine_thread *t)
{
    sigset_t all, before;
    sigfillset(&all);
    /* All signals stay with the threads that the program made itself. */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&t->pthread, NULL, thread_run, t);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error == 0;
}

struct engine_threads *engine_threads_new(const struct thread_engine *engines, size_t count,
                                          struct ringsend *lead)
{
    CHECK(count < ENGINE_THREADS_MAX);
    struct engine_threads *threads = calloc(1, sizeof *threads + count * sizeof *threads->all);
    bool good = threads != NULL;
    if (threads) {
        threads->lead = lead;
        pthread_mutex_init(&threads->lock, NULL);
        pthread_cond_init(&threads->leave, NULL);
    }
    for (size_t i = 0; i < count; i++) {
        struct engine_thread *t = threads ? &threads->all[i] : NULL;
        if (good) {
            *t = (struct engine_thread){.threads = threads,
                                        .engine = engines[i].engine,
                                        .returned_bytes_max = engines[i].returned_bytes_max};
            buf_pool_init(&t->pool);
            list_init(&t->returned);
            good = start(t);
            threads->count += good;
        }
        if (!good)
            ringsend_free(engines[i].engine);
    }
    if (good)
        return threads;
    engine_threads_free(threads);
    return NULL;
}

static void give_order(struct engine_threads *threads, unsigned order)
{
    for (size_t i = 0; i < threads->count; i++) {
        atomic_fetch_or(&threads->all[i].orders, order);
        ringsend_wake(threads->all[i].engine);
    }
}

void engine_threads_ask_stats(struct engine_threads *threads)
{
    give_order(threads, ORDER_REPORT);
}

void engine_threads_stop(struct engine_threads *threads)
{
    give_order(threads, ORDER_STOP);
}

void engine_threads_cancel(struct engine_threads *threads)
{
    give_order(threads, ORDER_CANCEL);
}

static void add(struct ringsend_stats *to, const struct ringsend_stats *from)
{
    to->submitted += from->submitted;
    to->finished += from->finished;
    to->attempts += from->attempts;
    to->connections_opened += from->connections_opened;
    to->connections_reused += from->connections_reused;
    to->connections_open += from->connections_open;
    if (from->connections_peak > to->connections_peak) /* as their limits, all engines' */
        to->connections_peak = from->connections_peak;
    to->waiting += from->waiting;
    to->held += from->held;
    to->exchanges += from->exchanges;
    to->completed += from->completed;
    to->service_ns += from->service_ns;
    to->pushed_back += from->pushed_back;
    to->refused += from->refused;
    if (from->origins_paused > to->origins_paused) /* a pause is all threads' */
        to->origins_paused = from->origins_paused;
    to->handshakes_full += from->handshakes_full;
    to->handshakes_resumed += from->handshakes_resumed;
    to->bytes_sent += from->bytes_sent;
    to->bytes_received += from->bytes_received;
    to->enters += from->enters;
    to->pauses += from->pauses;
    to->held_pause_ns += from->held_pause_ns;
    to->held_budget_ns += from->held_budget_ns;
    to->held_rate_ns += from->held_rate_ns;
    to->held_connections_ns += from->held_connections_ns;
    for (size_t i = 0; i < RINGSEND_COSTS_MAX; i++) {
        to->held_cost_ns[i] += from->held_cost_ns[i];
        to->cost_guessed[i] += from->cost_guessed[i];
        to->cost_known[i] += from->cost_known[i];
    }
    to->retries_held += from->retries_held;
    to->connects_put_off += from->connects_put_off;
    to->closed_silently += from->closed_silently;
    to->spoke_unasked += from->spoke_unasked;
    to->answers_suspect += from->answers_suspect;
    to->io = from->io;
}

void engine_threads_end(struct engine_threads *threads)
{
    pthread_mutex_lock(&threads->lock);
    give_order(threads, ORDER_LEAVE);
    pthread_cond_broadcast(&threads->leave);
    pthread_mutex_unlock(&threads->lock);
    for (size_t i = 0; i < threads->count; i++) {
        struct engine_thread *t = &threads->all[i];
        struct list *node;
        pthread_join(t->pthread, NULL);
        while ((node = list_pop_front(&t->returned))) { /* nobody took it */
            struct buf *memory = &LIST_OWNER(node, struct slot, returned)->kept_memory;
            buf_pool_adopt(&t->pool, memory);
            buf_release(&t->pool, memory);
        }
        buf_pool_free(&t->pool);
        add(&threads->gone, &t->stats);
    }
    threads->count = 0;
}

void engine_threads_free(struct engine_threads *threads)
{
    if (!threads)
        return;
    engine_threads_end(threads);
    pthread_cond_destroy(&threads->leave);
    pthread_mutex_destroy(&threads->lock);
    free(threads);
}

bool engine_threads_post(struct engine_threads *threads, struct ringsend_request *request,
                         uint32_t in_flight, int *error)
{
    struct engine_thread *best = NULL;
    for (size_t i = 0; i < threads->count; i++) {
        struct engine_thread *t = &threads->all[i];
        if (t->in_flight >= in_flight)
            continue;
        best = t;
        in_flight = t->in_flight;
    }
    if (!best)
        return false;
    *error = -ringsend_post(best->engine, request);
    if (*error == RINGSEND_OK) {
        ((struct slot *)request->user)->thread = best;
        best->in_flight++;
    }
    return true;
}

size_t engine_threads_collect(struct engine_threads *threads, struct list *returned)
{
    size_t total = 0;
    for (size_t i = 0; i < threads->count; i++) {
        struct engine_thread *t = &threads->all[i];
        struct list back;
        list_init(&back);
        pthread_mutex_lock(&threads->lock);
        list_append_all(&back, &t->returned);
        t->returned_bytes = 0;
        bool wake = t->is_held_up;
        t->is_held_up = false;
        pthread_mutex_unlock(&threads->lock);
        if (wake)
            ringsend_wake(t->engine);
        for (const struct list *node = back.next; node != &back; node = node->next) {
            t->in_flight--;
            total++;
        }
        list_append_all(returned, &back);
    }
    return total;
}

bool engine_threads_broke(const struct engine_threads *threads)
{
    return atomic_load(&threads->broke);
}

void engine_threads_add_stats(struct engine_threads *threads, struct ringsend_stats *stats)
{
    pthread_mutex_lock(&threads->lock);
    for (size_t i = 0; i < threads->count; i++)
        add(stats, &threads->all[i].stats);
    add(stats, &threads->gone);
    pthread_mutex_unlock(&threads->lock);
}
