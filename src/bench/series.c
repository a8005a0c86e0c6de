/* Invariants, under the lock: seconds below `closed` have an entry, the SERIES_OPEN ones from there on a place in
 * `open` (second % SERIES_OPEN). */
#include "bench/series.h"

#include "base/check.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { PART_PRECISION = 7 }; /* 0.8 %: a second's percentiles are for the eye */

struct open_second {
    uint32_t handed_in;
    struct series_part sum;
};

struct series {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint32_t threads; /* that have not left */
    uint64_t closed;
    struct open_second open[SERIES_OPEN];
    struct figures entries; /* its series alone */
};

bool series_part_init(struct series_part *part)
{
    *part = (struct series_part){0};
    bool response = histogram_init(&part->response_ns, PART_PRECISION);
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
    to->connections += from->connections;
    to->waiting += from->waiting;
    to->retransmits += from->retransmits;
}

struct series *series_new(uint32_t threads)
{
    struct series *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->threads = threads;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    bool all = true;
    for (size_t i = 0; i < SERIES_OPEN; i++)
        all &= series_part_init(&s->open[i].sum);
    if (all)
        return s;
    series_free(s);
    return NULL;
}

void series_free(struct series *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < SERIES_OPEN; i++)
        series_part_free(&s->open[i].sum);
    free(s->entries.series);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    free(s);
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
    if (s->entries.series_count == s->closed)
        figures_add_second(&s->entries, &entry);
    part_clear(&open->sum);
    open->handed_in = 0;
    s->closed++;
    pthread_cond_broadcast(&s->changed);
}

/* Closes what nobody is missing in. */
static void close_complete(struct series *s)
{
    while (s->open[s->closed % SERIES_OPEN].handed_in > 0 &&
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
    } else {
        struct open_second *open = &s->open[second % SERIES_OPEN];
        counts_add(&open->sum.counts, &part->counts);
        histogram_merge(&open->sum.response_ns, &part->response_ns);
        histogram_merge(&open->sum.rtt_us, &part->rtt_us);
        open->handed_in++;
        close_complete(s);
    }
    pthread_mutex_unlock(&s->lock);
    part_clear(part);
}

void series_leave(struct series *s)
{
    pthread_mutex_lock(&s->lock);
    CHECK(s->threads > 0);
    s->threads--;
    close_complete(s);
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

bool series_wait(struct series *s, uint64_t second, struct figures_second *entry)
{
    pthread_mutex_lock(&s->lock);
    while (s->closed <= second && s->threads > 0)
        pthread_cond_wait(&s->changed, &s->lock);
    bool there = second < s->entries.series_count;
    if (there)
        *entry = s->entries.series[second];
    pthread_mutex_unlock(&s->lock);
    return there;
}

void series_publish(struct series *s, struct figures *figures)
{
    CHECK(s->threads == 0);
    figures->series = s->entries.series;
    figures->series_count = s->entries.series_count;
    figures->series_capacity = s->entries.series_capacity;
    s->entries.series = NULL;
    s->entries.series_count = s->entries.series_capacity = 0;
}
