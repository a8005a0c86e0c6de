/* How often does the comparison call two alike sides different, and how often does it find one that
 * is? On simulated queues, of which the truth is known: alike [PAIRS [REQUESTS]]
 *
 * Requests arrive at random (Poisson) at c workers, each takes an exponential time: M/M/c, from
 * empty as a run begins. One that waits makes the next one wait, so that requests of a run depend
 * on each other, the longer the higher the load. Three questions of each queue:
 *
 *   single     two runs, alike: share of pairs called worse
 *   repeat     five runs a side, alike: the same
 *   +10 %      five runs a side, B's service time a tenth longer at arrivals a tenth fewer, so at
 *              the same load: its times are a tenth longer, all of them. Share of pairs called
 *              worse
 *
 * Exit status 1 when alike sides were called worse in more than 5 % of pairs: by more than chance
 * makes of the number of pairs (three standard errors). The same seeds each time, so a failure
 * repeats. */
#include "base/histogram.h"
#include "base/random.h"
#include "bench/compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { RUNS = 5, WORKERS_MAX = 4, PRECISION = 10 };

#define SERVICE_NS 1e6
#define ALLOWED 0.05

static double draw(uint64_t seed, uint64_t *index, double mean)
{
    return -log(1 - random_unit(random_at(seed, (*index)++))) * mean;
}

/* Response times of one run. */
static void simulate(struct histogram *h, unsigned workers, double load, double service_ns,
                     size_t requests, uint64_t seed)
{
    double free_at[WORKERS_MAX] = {0}, now = 0;
    uint64_t index = 0;
    histogram_clear(h);
    for (size_t i = 0; i < requests; i++) {
        unsigned first = 0;
        now += draw(seed, &index, service_ns / (load * workers));
        for (unsigned k = 1; k < workers; k++)
            first = free_at[k] < free_at[first] ? k : first;
        double start = now > free_at[first] ? now : free_at[first];
        free_at[first] = start + draw(seed, &index, service_ns);
        histogram_add(h, (uint64_t)(free_at[first] - now));
    }
}

struct queue {
    unsigned workers;
    double load;
};

static struct histogram a[RUNS], b[RUNS];

/* The share of pairs, of `runs` a side, in which B comes out worse. */
static double share_worse(const struct queue *q, size_t runs, double longer, size_t pairs,
                          size_t requests, uint64_t seed)
{
    size_t worse = 0;
    for (size_t pair = 0; pair < pairs; pair++) {
        struct comparison c;
        for (size_t i = 0; i < runs; i++) {
            simulate(&a[i], q->workers, q->load, SERVICE_NS, requests,
                     random_at(seed, 2 * (pair * runs + i)));
            simulate(&b[i], q->workers, q->load, SERVICE_NS * longer, requests,
                     random_at(seed, 2 * (pair * runs + i) + 1));
        }
        struct compare_side of_a = {.runs = a, .runs_count = runs};
        struct compare_side of_b = {.runs = b, .runs_count = runs};
        if (!compare_sides(&of_a, &of_b, COMPARE_TOLERANCE, &c)) {
            fputs("alike: memory is out\n", stderr);
            exit(2);
        }
        worse += c.verdict == COMPARE_WORSE;
    }
    return (double)worse / (double)pairs;
}

int main(int argc, char **argv)
{
    static const struct queue queues[] = {{1, 0.5}, {1, 0.7}, {1, 0.9},
                                          {4, 0.5}, {4, 0.7}, {4, 0.9}};
    size_t pairs = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 400;
    size_t requests = argc > 2 ? (size_t)strtoul(argv[2], NULL, 10) : 10000;
    if (pairs < 1 || requests < 1 || argc > 3) {
        fputs("usage: alike [PAIRS [REQUESTS]]\n", stderr);
        return 2;
    }
    double most = ALLOWED + 3 * sqrt(ALLOWED * (1 - ALLOWED) / (double)pairs);
    int status = 0;
    for (size_t i = 0; i < RUNS; i++)
        if (!histogram_init(&a[i], PRECISION) || !histogram_init(&b[i], PRECISION))
            return 2;
    printf("%zu pairs of runs of %zu requests; called worse:\n  queue    load   single   repeat   "
           "+10 %%\n",
           pairs, requests);
    for (size_t i = 0; i < sizeof queues / sizeof queues[0]; i++) {
        const struct queue *q = &queues[i];
        double single = share_worse(q, 1, 1, pairs, requests, 3 * i);
        double repeat = share_worse(q, RUNS, 1, pairs, requests, 3 * i + 1);
        double longer = share_worse(q, RUNS, 1.1, pairs, requests, 3 * i + 2);
        printf("  M/M/%u   %4.1f  %6.1f %%  %5.1f %%  %5.1f %%\n", q->workers, q->load,
               100 * single, 100 * repeat, 100 * longer);
        status |= single > most || repeat > most;
    }
    for (size_t i = 0; i < RUNS; i++) {
        histogram_free(&a[i]);
        histogram_free(&b[i]);
    }
    return status;
}
