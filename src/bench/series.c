/* Invariants, under the lock: seconds below `closed` have an entry, the SERIES_OPEN ones from there
 * on a place in `open` (second % SERIES_OPEN). The times of the SERIES_OPEN seconds below `closed`
 * stand in `shut`, in the same places, until they are taken; those of a whole series, of which the
 * first `held_count` have or had a place, in `held`, until their text is made. Histograms change
 * places only: who hands in adds nothing up for whoever looks on. */
#include "bench/series.h"

#include "base/check.h"
#include "bench/hdr.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* 0.8 %: a second's percentiles are for the eye. Those that are kept whole are not. */
enum { PART_PRECISION = 7, WHOLE_PRECISION = HDR_PRECISION };

struct open_second {
    uint32_t handed_in; /* by threads that have not left */
    bool is_begun;      /* any has handed it in */
    struct series_part sum;
};

struct series {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint32_t threads; /* that have not left */
    uint64_t closed;
    struct open_second open[SERIES_OPEN];
    struct histogram shut[SERIES_OPEN]; /* unless it is whole */
    struct figures entries;             /* its series alone */
    bool is_whole;
    struct histogram *held; /* by second */
    size_t held_count, held_capacity;
    /* Of the thread that takes the entries, without the lock. */
    struct histogram taken, so_far;
};

bool series_part_init(struct series_part *part, bool is_whole)
{
    *part = (struct series_part){0};
    bool response = histogram_init(&part->response_ns, is_whole ? WHOLE_PRECISION : PART_PRECISION);
    return histogram_init(&part->rtt_us, PART_PRECISION) && response;
}

void series_part_free(struct series_part *part)
{
    histogram_free(&part->response_ns);
    histogram_free(&part->rtt_us);
}

static void part_clear(struct series_part *part)
{
    part->counts = (struct figures_second){0};
    histogram_clear(&part->response_ns);
    histogram_clear(&part->rtt_us);
}

static void counts_add(struct figures_second *to, const struct figures_second *from)
{
    to->requests += from->requests;
    to->errors += from->errors;
    to->never_started += from->never_started;
    to->not_ok += from->not_ok;
    to->connections += from->connections;
    to->waiting += from->waiting;
    to->retransmits += from->retransmits;
}

struct series *series_new(uint32_t threads, bool is_whole)
{
    struct series *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->threads = threads;
    s->is_whole = is_whole;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    bool all = true;
    for (size_t i = 0; i < SERIES_OPEN; i++) {
        all &= series_part_init(&s->open[i].sum, is_whole);
        all &= is_whole || histogram_init(&s->shut[i], PART_PRECISION);
    }
    all &= is_whole || histogram_init(&s->taken, PART_PRECISION);
    all &= histogram_init(&s->so_far, is_whole ? WHOLE_PRECISION : PART_PRECISION);
    if (all)
        return s;
    series_free(s);
    return NULL;
}

void series_free(struct series *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < SERIES_OPEN; i++) {
        series_part_free(&s->open[i].sum);
        histogram_free(&s->shut[i]);
    }
    histogram_free(&s->taken);
    histogram_free(&s->so_far);
    for (size_t i = 0; i < s->held_count; i++)
        histogram_free(&s->held[i]);
    free(s->held);
    figures_free(&s->entries);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* Takes the times of a second that is closed, and leaves room for those of another. False when
 * memory is out. */
static bool hold(struct series *s, struct histogram *times)
{
    struct histogram empty;
    if (s->held_count == s->held_capacity) {
        size_t capacity = s->held_capacity ? 2 * s->held_capacity : 64;
        struct histogram *held = realloc(s->held, capacity * sizeof *held);
        if (!held)
            return false;
        s->held = held;
        s->held_capacity = capacity;
    }
    if (!histogram_init(&empty, times->precision)) {
        histogram_free(&empty);
        return false;
    }
    s->held[s->held_count++] = *times;
    *times = empty;
    return true;
}

static void swap(struct histogram *a, struct histogram *b)
{
    struct histogram kept = *a;
    *a = *b;
    *b = kept;
}

static void close_oldest(struct series *s)
{
    struct open_second *open = &s->open[s->closed % SERIES_OPEN];
    struct figures_second entry = open->sum.counts;
    entry.p50_ns = histogram_quantile(&open->sum.response_ns, 0.5);
    entry.p99_ns = histogram_quantile(&open->sum.response_ns, 0.99);
    entry.max_ns = open->sum.response_ns.max;
    entry.rtt_us = (uint32_t)histogram_quantile(&open->sum.rtt_us, 0.5);
    /* Memory is out: the series ends here, for an entry is told by its place. */
    struct figures *all = &s->entries;
    all->series_truncated = all->series_truncated || !figures_add_second(all, &entry) ||
                            (s->is_whole && !hold(s, &open->sum.response_ns));
    if (!s->is_whole)
        swap(&open->sum.response_ns, &s->shut[s->closed % SERIES_OPEN]);
    part_clear(&open->sum);
    open->handed_in = 0;
    open->is_begun = false;
    s->closed++;
    pthread_cond_broadcast(&s->changed);
}

/* Closes what nobody is missing in. */
static void close_complete(struct series *s)
{
    while (s->open[s->closed % SERIES_OPEN].is_begun &&
           s->open[s->closed % SERIES_OPEN].handed_in >= s->threads)
        close_oldest(s);
}

void series_hand_in(struct series *s, uint64_t second, struct series_part *part)
{
    pthread_mutex_lock(&s->lock);
    while (second >= s->closed + SERIES_OPEN)
        close_oldest(s);
    if (second < s->closed) {
        if (second < s->entries.series_count)
            counts_add(&s->entries.series[second], &part->counts);
        if (s->is_whole)
            histogram_merge(&s->open[s->closed % SERIES_OPEN].sum.response_ns, &part->response_ns);
    } else {
        struct open_second *open = &s->open[second % SERIES_OPEN];
        counts_add(&open->sum.counts, &part->counts);
        histogram_merge(&open->sum.response_ns, &part->response_ns);
        histogram_merge(&open->sum.rtt_us, &part->rtt_us);
        open->handed_in++;
        open->is_begun = true;
        close_complete(s);
    }
    pthread_mutex_unlock(&s->lock);
    part_clear(part);
}

void series_leave(struct series *s, uint64_t seconds)
{
    pthread_mutex_lock(&s->lock);
    CHECK(s->threads > 0);
    s->threads--;
    for (uint64_t i = s->closed; i < seconds; i++)
        s->open[i % SERIES_OPEN].handed_in--;
    close_complete(s);
    /* Times that came too late for all seconds that were handed in. */
    if (s->threads == 0 && s->is_whole &&
        s->open[s->closed % SERIES_OPEN].sum.response_ns.count > 0)
        close_oldest(s);
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

/* Makes the text of a second, without the lock meanwhile. */
static void make_text(struct series *s, uint64_t second)
{
    struct histogram times = s->held[second];
    s->held[second] = (struct histogram){0};
    pthread_mutex_unlock(&s->lock);
    char *text = hdr_encode(&times);
    histogram_merge(&s->so_far, &times);
    histogram_free(&times);
    pthread_mutex_lock(&s->lock);
    s->entries.series[second].times = text;
}

bool series_wait(struct series *s, uint64_t second, struct figures_second *entry)
{
    pthread_mutex_lock(&s->lock);
    while (s->closed <= second && s->threads > 0)
        pthread_cond_wait(&s->changed, &s->lock);
    bool there = second < s->entries.series_count;
    bool is_shut = there && !s->is_whole && s->closed - second <= SERIES_OPEN;
    if (second < s->held_count && s->held[second].counts)
        make_text(s, second);
    if (is_shut)
        swap(&s->taken, &s->shut[second % SERIES_OPEN]);
    if (there)
        *entry = s->entries.series[second];
    pthread_mutex_unlock(&s->lock);
    if (is_shut)
        histogram_merge(&s->so_far, &s->taken);
    return there;
}

const struct histogram *series_so_far(const struct series *s)
{
    return &s->so_far;
}

void series_publish(struct series *s, struct figures *figures)
{
    CHECK(s->threads == 0);
    figures->series = s->entries.series;
    figures->series_count = s->entries.series_count;
    figures->series_capacity = s->entries.series_capacity;
    figures->series_truncated = s->entries.series_truncated;
    s->entries.series = NULL;
    s->entries.series_count = s->entries.series_capacity = 0;
}
