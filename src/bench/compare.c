/* Bootstrap. The percentile method: the quantile is computed from RESAMPLES samples drawn with
 * replacement from the one at hand, and the interval is what holds the middle 95 % of the results.
 *
 * Of runs: whole runs are drawn, and a drawn run counts as often as it was drawn. For that a side is
 * kept as a table of running sums, one row a bucket that is not empty, one column a run; the weighted
 * sum of a row tells how many values lie at or below its bucket, and rows can be found by bisection.
 *
 * Of requests: a resample of n values out of n, sorted, is the sample's quantile function at n sorted
 * uniform numbers. Only the k-th of those is needed, and its distribution is known: Beta(k, n - k +
 * 1). So a resample costs one random variable and one look-up, however many requests there were.
 * Simulated, such an interval holds the true quantile in 95 % of cases where a hundred values lie
 * above it, in 92 % where twenty do. */
#include "bench/compare.h"

#include "base/check.h"
#include "base/random.h"

#include <math.h>
#include <stdlib.h>

enum { RESAMPLES = 2000, TAIL = RESAMPLES / 40 }; /* 2.5 % on each end */

#define SIGNIFICANT 0.05

/* ---- random variables ---- */

struct random {
    uint64_t seed, used;
};

static double uniform(struct random *r)
{
    return random_unit(random_at(r->seed, r->used++));
}

static double normal(struct random *r)
{
    double u = uniform(r), v = uniform(r);
    return sqrt(-2 * log(1 - u)) * cos(6.283185307179586 * v);
}

/* Shape >= 1. Marsaglia and Tsang, A simple method for generating gamma variables (2000). */
static double gamma_variable(struct random *r, double shape)
{
    double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        double x = normal(r), v = 1 + c * x;
        if (v <= 0)
            continue;
        v = v * v * v;
        if (log(1 - uniform(r)) < x * x / 2 + d - d * v + d * log(v))
            return d * v;
    }
}

static double beta_variable(struct random *r, double a, double b)
{
    double x = gamma_variable(r, a), y = gamma_variable(r, b);
    return x / (x + y);
}

/* ---- tables of running sums ---- */

struct table {
    size_t rows, columns;
    uint64_t *edges; /* of each row's bucket the largest value */
    uint64_t *sums;  /* rows x columns: how many of a run's values are at most that */
};

static void table_free(struct table *t)
{
    free(t->edges);
    free(t->sums);
}

static bool is_used(const struct compare_side *side, size_t bucket)
{
    for (size_t i = 0; i < side->runs_count; i++) {
        if (side->runs[i].counts[bucket] > 0)
            return true;
    }
    return false;
}

/* A column a run, or one for all of them. */
static bool table_init(struct table *t, const struct compare_side *side, bool by_runs)
{
    const struct histogram *runs = side->runs;
    uint64_t running[COMPARE_RUNS_MAX] = {0}, max = 0;
    size_t used = 0, row = 0;
    for (size_t i = 0; i < runs[0].buckets; i++)
        used += is_used(side, i);
    for (size_t i = 0; i < side->runs_count; i++)
        max = runs[i].max > max ? runs[i].max : max;
    *t = (struct table){.rows = used, .columns = by_runs ? side->runs_count : 1};
    t->edges = calloc(used + 1, sizeof *t->edges);
    t->sums = calloc(used * t->columns + 1, sizeof *t->sums);
    if (!t->edges || !t->sums)
        return false;
    for (size_t i = 0; i < runs[0].buckets; i++) {
        if (!is_used(side, i))
            continue;
        uint64_t edge = histogram_upper_edge(&runs[0], i);
        t->edges[row] = edge < max ? edge : max;
        for (size_t run = 0; run < side->runs_count; run++)
            running[by_runs ? run : 0] += runs[run].counts[i];
        for (size_t column = 0; column < t->columns; column++)
            t->sums[row * t->columns + column] = running[column];
        row++;
    }
    return true;
}

static uint64_t row_sum(const struct table *t, size_t row, const unsigned *weights)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < t->columns; i++)
        sum += weights[i] * t->sums[row * t->columns + i];
    return sum;
}

/* The smallest value that at least `fraction` of all do not exceed, each run counted as often as
 * its weight says; 0 when there are none. */
static double table_quantile(const struct table *t, double fraction, const unsigned *weights)
{
    uint64_t total = t->rows > 0 ? row_sum(t, t->rows - 1, weights) : 0;
    double rank = fmax(1, ceil(fraction * (double)total));
    size_t low = 0, high = t->rows; /* the row lies in [low, high) */
    if (total == 0)
        return 0;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if ((double)row_sum(t, middle - 1, weights) < rank)
            low = middle;
        else
            high = middle;
    }
    return (double)t->edges[low];
}

/* ---- bootstrap ---- */

static const unsigned once[COMPARE_RUNS_MAX] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                                1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

static bool has_tail(const struct table *t, double fraction)
{
    double values = t->rows > 0 ? (double)row_sum(t, t->rows - 1, once) : 0;
    return values * (1 - fraction) >= COMPARE_TAIL_MIN * (1 - 1e-9);
}

static double resample_runs(const struct table *t, double fraction, struct random *random)
{
    unsigned weights[COMPARE_RUNS_MAX] = {0};
    for (size_t i = 0; i < t->columns; i++)
        weights[(size_t)(uniform(random) * (double)t->columns)]++;
    return table_quantile(t, fraction, weights);
}

static double resample_requests(const struct table *t, double fraction, struct random *random)
{
    double n = t->rows > 0 ? (double)t->sums[t->rows - 1] : 0;
    double k = fmax(1, ceil(fraction * n));
    return n > 0 ? table_quantile(t, beta_variable(random, k, n - k + 1), once) : 0;
}

static int compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b;
}

static void interval_of(double *resamples, struct compare_interval *interval)
{
    qsort(resamples, RESAMPLES, sizeof *resamples, compare_doubles);
    interval->low = resamples[TAIL];
    interval->high = resamples[RESAMPLES - 1 - TAIL];
}

static double ratio_of(double a, double b)
{
    return fmax(1, b) / fmax(1, a); /* below a nanosecond nothing is known */
}

static void bootstrap(struct compare_quantile *q, const struct table *a, const struct table *b,
                      bool by_runs, double *room)
{
    double (*resample)(const struct table *, double, struct random *) =
        by_runs ? resample_runs : resample_requests;
    double *of_a = room, *of_b = room + RESAMPLES, *ratios = room + 2 * RESAMPLES;
    struct random random = {.seed = 1};
    for (size_t i = 0; i < RESAMPLES; i++) {
        of_a[i] = resample(a, q->fraction, &random);
        of_b[i] = resample(b, q->fraction, &random);
        ratios[i] = ratio_of(of_a[i], of_b[i]);
    }
    q->enough = has_tail(a, q->fraction) && has_tail(b, q->fraction);
    q->a_ns.value = table_quantile(a, q->fraction, once);
    q->b_ns.value = table_quantile(b, q->fraction, once);
    q->ratio.value = ratio_of(q->a_ns.value, q->b_ns.value);
    interval_of(of_a, &q->a_ns);
    interval_of(of_b, &q->b_ns);
    interval_of(ratios, &q->ratio);
}

/* ---- verdicts ---- */

static void rank_runs(struct compare_quantile *q, const struct compare_side *a,
                      const struct compare_side *b)
{
    double of_a[COMPARE_RUNS_MAX], of_b[COMPARE_RUNS_MAX];
    for (size_t i = 0; i < a->runs_count; i++)
        of_a[i] = (double)histogram_quantile(&a->runs[i], q->fraction);
    for (size_t i = 0; i < b->runs_count; i++)
        of_b[i] = (double)histogram_quantile(&b->runs[i], q->fraction);
    rank_values(of_a, a->runs_count, of_b, b->runs_count, &q->runs);
}

/* A resample holds nothing that the sample does not: with next to nothing above a quantile, the
 * interval cannot reach as far up as it should. That also goes for a side without any response. */
static enum compare_verdict quantile_verdict(const struct compare_quantile *q, double tolerance,
                                             bool by_runs)
{
    if (!q->enough)
        return COMPARE_UNDECIDED;
    bool sure = !by_runs || q->runs.p <= SIGNIFICANT;
    if (q->ratio.low >= 1 / (1 + tolerance) && q->ratio.high <= 1 + tolerance)
        return COMPARE_SAME;
    if (q->ratio.low > 1 + tolerance && sure)
        return COMPARE_WORSE;
    if (q->ratio.high < 1 / (1 + tolerance) && sure)
        return COMPARE_BETTER;
    return COMPARE_UNDECIDED;
}

static double share_of(uint64_t errors, uint64_t requests)
{
    uint64_t all = errors + requests;
    return all > 0 ? (double)errors / (double)all : 0;
}

/* Were the sides alike, each error would have been B's with B's share of all requests: a binomial
 * distribution, taken as normal with the correction for continuity. */
static void compare_error_shares(struct compare_errors *e, const struct compare_side *a,
                                 const struct compare_side *b, double tolerance)
{
    *e = (struct compare_errors){.known = a->errors_known && b->errors_known, .p = 1};
    if (!e->known)
        return;
    double of_a = (double)(a->errors + a->requests), of_b = (double)(b->errors + b->requests);
    double errors = (double)(a->errors + b->errors), share = of_b / fmax(1, of_a + of_b);
    double variance = errors * share * (1 - share);
    double distance = fabs((double)b->errors - errors * share) - 0.5;
    if (variance > 0 && distance > 0)
        e->p = erfc(distance / sqrt(variance) * sqrt(0.5));
    e->a_share = share_of(a->errors, a->requests);
    e->b_share = share_of(b->errors, b->requests);
    if (e->p > SIGNIFICANT)
        return;
    if (e->b_share > e->a_share * (1 + tolerance))
        e->verdict = COMPARE_WORSE;
    else if (e->b_share * (1 + tolerance) < e->a_share)
        e->verdict = COMPARE_BETTER;
}

static enum compare_verdict verdict_of(const struct comparison *c)
{
    const enum compare_verdict all[] = {c->p50.verdict, c->p99.verdict, c->errors.verdict};
    unsigned counts[COMPARE_UNDECIDED + 1] = {0};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        counts[all[i]]++;
    return counts[COMPARE_WORSE] > 0       ? COMPARE_WORSE
           : counts[COMPARE_BETTER] > 0    ? COMPARE_BETTER
           : counts[COMPARE_UNDECIDED] > 0 ? COMPARE_UNDECIDED
                                           : COMPARE_SAME;
}

static bool merge_runs(const struct compare_side *side, struct histogram *all)
{
    if (!histogram_init(all, side->runs[0].precision))
        return false;
    for (size_t i = 0; i < side->runs_count; i++)
        histogram_merge(all, &side->runs[i]);
    return true;
}

static bool rank_requests(const struct compare_side *a, const struct compare_side *b,
                          struct rank_test *test)
{
    struct histogram of_a = {0}, of_b = {0};
    bool done = merge_runs(a, &of_a) && merge_runs(b, &of_b);
    if (done)
        rank_histograms(&of_a, &of_b, test);
    histogram_free(&of_a);
    histogram_free(&of_b);
    return done;
}

bool compare_sides(const struct compare_side *a, const struct compare_side *b, double tolerance,
                   struct comparison *out)
{
    struct compare_quantile *const quantiles[] = {&out->p50, &out->p99};
    struct table of_a = {0}, of_b = {0};
    double *room = malloc(3 * RESAMPLES * sizeof *room);
    CHECK(a->runs_count > 0 && a->runs_count <= COMPARE_RUNS_MAX && b->runs_count > 0 &&
          b->runs_count <= COMPARE_RUNS_MAX);
    *out = (struct comparison){.by_runs = a->runs_count >= COMPARE_RUNS_MIN &&
                                          b->runs_count >= COMPARE_RUNS_MIN,
                               .p50.fraction = 0.5,
                               .p99.fraction = 0.99};
    bool done = room && table_init(&of_a, a, out->by_runs) && table_init(&of_b, b, out->by_runs) &&
                rank_requests(a, b, &out->requests);
    for (size_t i = 0; done && i < 2; i++) {
        struct compare_quantile *q = quantiles[i];
        bootstrap(q, &of_a, &of_b, out->by_runs, room);
        if (out->by_runs)
            rank_runs(q, a, b);
        q->verdict = quantile_verdict(q, tolerance, out->by_runs);
    }
    compare_error_shares(&out->errors, a, b, tolerance);
    out->verdict = verdict_of(out);
    table_free(&of_a);
    table_free(&of_b);
    free(room);
    return done;
}
