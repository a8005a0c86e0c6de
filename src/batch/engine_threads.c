#include "batch/engine_threads.h"

#include "batch/job_internal.h"
#include "engine/file.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

enum mate_word { MATE_STOP = 1, MATE_CANCEL = 2, MATE_LEAVE = 4, MATE_TELL = 8 };

struct mate {
    struct crew *crew;
    struct ringsend *engine;
    pthread_t thread;
    uint32_t in_flight; /* the job's thread counts */
    atomic_uint words;  /* said to it: enum mate_word */
    /* The thread's own. */
    unsigned heard;
    size_t returned_bytes_max; /* 0: no bound */
    struct buf_pool pool;
    /* Under crew.lock. */
    struct list returned;  /* slot.returned */
    size_t returned_bytes; /* of it */
    bool is_held_up;       /* by those: the engine has more */
    struct ringsend_stats stats;
    bool is_asked; /* for these, again and again */
};

struct crew {
    struct ringsend *lead;
    pthread_mutex_t lock;
    pthread_cond_t leave; /* MATE_LEAVE was said */
    atomic_bool broke;
    size_t count;               /* with a thread */
    struct ringsend_stats gone; /* of those that have ended */
    struct mate mates[];
};

/* ---- the thread ---- */

/* Its figures, though no results are ready. */
static void tell(struct mate *m)
{
    struct ringsend_stats stats = {.size = sizeof stats};
    ringsend_stats(m->engine, &stats);
    pthread_mutex_lock(&m->crew->lock);
    m->stats = stats;
    m->is_asked = true;
    pthread_mutex_unlock(&m->crew->lock);
}

static void hear(struct mate *m)
{
    unsigned words = atomic_fetch_and(&m->words, ~(unsigned)MATE_TELL), fresh = words & ~m->heard;
    m->heard = words & ~(unsigned)MATE_TELL;
    if (fresh & MATE_TELL)
        tell(m);
    if (fresh & MATE_STOP)
        ringsend_stop(m->engine);
    if (fresh & MATE_CANCEL)
        ringsend_cancel_all(m->engine);
}

/* The copy's memory is the job's from now on. */
static void copy_result(struct mate *m, struct slot *slot, const struct ringsend_result *result)
{
    struct result_line line = result_line_of(result);
    slot->cut_short = result->cut_short;
    slot->kept_whole = result_line_keep(&line, &m->pool, &slot->kept_memory, &slot->kept);
    if (!slot->kept_whole) {
        line.body = line.encoding = (struct ringsend_bytes){0};
        line.headers = NULL;
        line.trace = NULL;
        line.detail = NULL;
        line.headers_count = line.trace_count = 0;
        slot->kept = line;
    }
    buf_pool_give(&m->pool, &slot->kept_memory);
}

/* How many bytes the job may still be given. */
static size_t room_of(struct mate *m)
{
    if (m->returned_bytes_max == 0)
        return SIZE_MAX;
    pthread_mutex_lock(&m->crew->lock);
    size_t bytes = m->returned_bytes;
    m->is_held_up = bytes >= m->returned_bytes_max;
    pthread_mutex_unlock(&m->crew->lock);
    return bytes < m->returned_bytes_max ? m->returned_bytes_max - bytes : 0;
}

/* While the job takes none, those that are ready are no reason to wake. */
static int run(struct mate *m)
{
    return room_of(m) == 0 ? file_run(m->engine, RINGSEND_NEVER)
                           : ringsend_run(m->engine, RINGSEND_NEVER);
}

static void hand_back(struct mate *m)
{
    const struct ringsend_result *result;
    struct list back;
    size_t bytes = 0, room = room_of(m);
    list_init(&back);
    while (bytes < room && ringsend_reap(m->engine, &result, 1) == 1) {
        struct slot *slot = result->request->user;
        copy_result(m, slot, result);
        bytes += slot->kept_memory.capacity;
        list_push_back(&back, &slot->returned);
    }
    if (list_empty(&back))
        return;
    struct ringsend_stats stats = {.size = sizeof stats};
    ringsend_stats(m->engine, &stats);
    pthread_mutex_lock(&m->crew->lock);
    bool wake = list_empty(&m->returned);
    list_append_all(&m->returned, &back);
    m->returned_bytes += bytes;
    m->is_held_up = bytes >= room;
    if (m->is_asked && stats.exchanges < m->stats.exchanges) /* the most since it was asked: */
        stats.exchanges = m->stats.exchanges;                /* now some have just ended */
    m->stats = stats;
    pthread_mutex_unlock(&m->crew->lock);
    if (wake)
        ringsend_wake(m->crew->lead);
}

static void *mate_run(void *argument)
{
    struct mate *m = argument;
    struct crew *crew = m->crew;
    while (!(m->heard & MATE_LEAVE)) {
        if (run(m) < 0) {
            atomic_store(&crew->broke, true);
            ringsend_wake(crew->lead);
            break;
        }
        hand_back(m);
        hear(m);
    }
    /* Until all is said, others may post to it and wake it, though its ring broke. */
    pthread_mutex_lock(&crew->lock);
    while (!(atomic_load(&m->words) & MATE_LEAVE))
        pthread_cond_wait(&crew->leave, &crew->lock);
    pthread_mutex_unlock(&crew->lock);
    ringsend_free(m->engine);
    m->engine = NULL;
    return NULL;
}

/* ---- the job's side ---- */

static bool start(struct mate *m)
{
    sigset_t all, before;
    sigfillset(&all);
    /* All signals stay with the threads that the program made itself. */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&m->thread, NULL, mate_run, m);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error == 0;
}

struct crew *crew_new(const struct crew_engine *engines, size_t count, struct ringsend *lead)
{
    CHECK(count < CREW_MAX);
    struct crew *crew = calloc(1, sizeof *crew + count * sizeof *crew->mates);
    bool good = crew != NULL;
    if (crew) {
        crew->lead = lead;
        pthread_mutex_init(&crew->lock, NULL);
        pthread_cond_init(&crew->leave, NULL);
    }
    for (size_t i = 0; i < count; i++) {
        struct mate *m = crew ? &crew->mates[i] : NULL;
        if (good) {
            *m = (struct mate){.crew = crew,
                               .engine = engines[i].engine,
                               .returned_bytes_max = engines[i].returned_bytes_max};
            buf_pool_init(&m->pool);
            list_init(&m->returned);
            good = start(m);
            crew->count += good;
        }
        if (!good)
            ringsend_free(engines[i].engine);
    }
    if (good)
        return crew;
    crew_free(crew);
    return NULL;
}

static void say(struct crew *crew, unsigned word)
{
    for (size_t i = 0; i < crew->count; i++) {
        atomic_fetch_or(&crew->mates[i].words, word);
        ringsend_wake(crew->mates[i].engine);
    }
}

void crew_ask_stats(struct crew *crew)
{
    say(crew, MATE_TELL);
}

void crew_stop(struct crew *crew)
{
    say(crew, MATE_STOP);
}

void crew_cancel(struct crew *crew)
{
    say(crew, MATE_CANCEL);
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
    to->exchanges += from->exchanges;
    to->completed += from->completed;
    to->service_ns += from->service_ns;
    to->pushed_back += from->pushed_back;
    if (from->origins_paused > to->origins_paused) /* a pause is all threads' */
        to->origins_paused = from->origins_paused;
    to->handshakes_full += from->handshakes_full;
    to->handshakes_resumed += from->handshakes_resumed;
    to->bytes_sent += from->bytes_sent;
    to->bytes_received += from->bytes_received;
    to->enters += from->enters;
    to->pauses += from->pauses;
    to->retries_held += from->retries_held;
    to->connects_put_off += from->connects_put_off;
    to->closed_silently += from->closed_silently;
    to->spoke_unasked += from->spoke_unasked;
}

void crew_end(struct crew *crew)
{
    pthread_mutex_lock(&crew->lock);
    say(crew, MATE_LEAVE);
    pthread_cond_broadcast(&crew->leave);
    pthread_mutex_unlock(&crew->lock);
    for (size_t i = 0; i < crew->count; i++) {
        struct mate *m = &crew->mates[i];
        struct list *node;
        pthread_join(m->thread, NULL);
        while ((node = list_pop_front(&m->returned))) { /* nobody took it */
            struct buf *memory = &LIST_OWNER(node, struct slot, returned)->kept_memory;
            buf_pool_adopt(&m->pool, memory);
            buf_release(&m->pool, memory);
        }
        buf_pool_free(&m->pool);
        add(&crew->gone, &m->stats);
    }
    crew->count = 0;
}

void crew_free(struct crew *crew)
{
    if (!crew)
        return;
    crew_end(crew);
    pthread_cond_destroy(&crew->leave);
    pthread_mutex_destroy(&crew->lock);
    free(crew);
}

bool crew_post(struct crew *crew, struct ringsend_request *request, uint32_t in_flight, int *error)
{
    struct mate *best = NULL;
    for (size_t i = 0; i < crew->count; i++) {
        struct mate *m = &crew->mates[i];
        if (m->in_flight >= in_flight)
            continue;
        best = m;
        in_flight = m->in_flight;
    }
    if (!best)
        return false;
    *error = -ringsend_post(best->engine, request);
    if (*error == RINGSEND_OK) {
        ((struct slot *)request->user)->mate = best;
        best->in_flight++;
    }
    return true;
}

size_t crew_collect(struct crew *crew, struct list *returned)
{
    size_t total = 0;
    for (size_t i = 0; i < crew->count; i++) {
        struct mate *m = &crew->mates[i];
        struct list back;
        list_init(&back);
        pthread_mutex_lock(&crew->lock);
        list_append_all(&back, &m->returned);
        m->returned_bytes = 0;
        bool wake = m->is_held_up;
        m->is_held_up = false;
        pthread_mutex_unlock(&crew->lock);
        if (wake)
            ringsend_wake(m->engine);
        for (const struct list *node = back.next; node != &back; node = node->next) {
            m->in_flight--;
            total++;
        }
        list_append_all(returned, &back);
    }
    return total;
}

bool crew_broke(const struct crew *crew)
{
    return atomic_load(&crew->broke);
}

void crew_add_stats(struct crew *crew, struct ringsend_stats *stats)
{
    pthread_mutex_lock(&crew->lock);
    for (size_t i = 0; i < crew->count; i++)
        add(stats, &crew->mates[i].stats);
    add(stats, &crew->gone);
    pthread_mutex_unlock(&crew->lock);
}
