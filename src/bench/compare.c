/* Bootstrap, by the percentile method: quantiles are computed from RESAMPLES samples of runs, drawn
 * with replacement from those at hand, and the interval is what holds the middle 95 % of the
 * results.
 *
 * A drawn run counts as often as it was drawn. For that a side is kept as a table of running sums,
 * one row a bucket that is not empty, one column a run; the weighted sum of a row tells how many
 * values lie at or below its bucket, and rows can be found by bisection. There are two such sums:
 * of all values, and of those that are no lower bounds, whose ranks are what the quantile is if the
 * bounds took for ever. */
#include "bench/compare.h"

#include "base/check.h"
#include "base/random.h"

#include <math.h>
#include <stdlib.h>

enum { RESAMPLES = 2000, TAIL = RESAMPLES / 40 }; /* 2.5 % on each end */

#define SIGNIFICANT 0.05

/* ---- tables of running sums ---- */

struct table {
    size_t rows, columns;
    uint64_t *edges; /* of each row's bucket the largest value */
    uint64_t *sums;  /* rows x columns: how many of a run's values are at most that */
    uint64_t *exact; /* the same of those that are no lower bounds */
};

static void table_free(struct table *t)
{
    free(t->edges);
    free(t->sums);
    free(t->exact);
}

static bool is_used(const struct compare_side *side, size_t bucket)
{
    for (size_t i = 0; i < side->runs_count; i++) {
        if (side->runs[i].counts[bucket] > 0)
            return true;
    }
    return false;
}

static void fill_row(struct table *t, const struct compare_side *side, size_t row, size_t bucket)
{
    uint64_t *sums = &t->sums[row * t->columns], *exact = &t->exact[row * t->columns];
    for (size_t run = 0; run < t->columns; run++) {
        uint64_t here = side->runs[run].counts[bucket];
        uint64_t bounds = side->bounds ? side->bounds[run].counts[bucket] : 0;
        uint64_t below = row > 0 ? t->sums[(row - 1) * t->columns + run] : 0;
        uint64_t exact_below = row > 0 ? t->exact[(row - 1) * t->columns + run] : 0;
        sums[run] = below + here;
        exact[run] = exact_below + here - (bounds < here ? bounds : here);
    }
}

static bool table_init(struct table *t, const struct compare_side *side)
{
    const struct histogram *runs = side->runs;
    uint64_t max = 0;
    size_t used = 0, row = 0;
    for (size_t i = 0; i < runs[0].buckets; i++)
        used += is_used(side, i);
    for (size_t i = 0; i < side->runs_count; i++)
        max = runs[i].max > max ? runs[i].max : max;
    *t = (struct table){.rows = used, .columns = side->runs_count};
    t->edges = calloc(used + 1, sizeof *t->edges);
    t->sums = calloc(used * t->columns + 1, sizeof *t->sums);
    t->exact = calloc(used * t->columns + 1, sizeof *t->exact);
    if (!t->edges || !t->sums || !t->exact)
        return false;
    for (size_t i = 0; i < runs[0].buckets; i++) {
        if (!is_used(side, i))
            continue;
        uint64_t edge = histogram_upper_edge(&runs[0], i);
        t->edges[row] = edge < max ? edge : max;
        fill_row(t, side, row++, i);
    }
    return true;
}

static uint64_t row_sum(const struct table *t, const uint64_t *sums, size_t row,
                        const unsigned *weights)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < t->columns; i++)
        sum += weights[i] * sums[row * t->columns + i];
    return sum;
}

/* The smallest value that at least `rank` of the values in `sums` do not exceed; infinite when
 * there are fewer. */
static double value_at(const struct table *t, const uint64_t *sums, double rank,
                       const unsigned *weights)
{
    size_t low = 0, high = t->rows; /* the row lies in [low, high) */
    if ((double)row_sum(t, sums, t->rows - 1, weights) < rank)
        return INFINITY;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if ((double)row_sum(t, sums, middle - 1, weights) < rank)
            low = middle;
        else
            high = middle;
    }
    return (double)t->edges[low];
}

/* Between these the quantile lies, each run counted as often as its weight says; 0 when there are
 * no values. */
struct range {
    double low, high;
};

static struct range quantile_range(const struct table *t, double fraction, const unsigned *weights)
{
    uint64_t total = t->rows > 0 ? row_sum(t, t->sums, t->rows - 1, weights) : 0;
    double rank = fmax(1, ceil(fraction * (double)total));
    if (total == 0)
        return (struct range){0, 0};
    return (struct range){value_at(t, t->sums, rank, weights),
                          value_at(t, t->exact, rank, weights)};
}

/* ---- bootstrap ---- */

static const unsigned once[COMPARE_RUNS_MAX] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                                1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

static double values_of(const struct table *t)
{
    return t->rows > 0 ? (double)row_sum(t, t->sums, t->rows - 1, once) : 0;
}

static bool has_tail(const struct table *t, double fraction)
{
    return values_of(t) * (1 - fraction) >= COMPARE_TAIL_MIN * (1 - 1e-9);
}

struct random {
    uint64_t seed, used;
};

static struct range resample(const struct table *t, double fraction, struct random *random)
{
    unsigned weights[COMPARE_RUNS_MAX] = {0};
    for (size_t i = 0; i < t->columns; i++) {
        double u = random_unit(random_at(random->seed, random->used++));
        weights[(size_t)(u * (double)t->columns)]++;
    }
    return quantile_range(t, fraction, weights);
}

static int compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b;
}

static void interval_of(double *lows, double *highs, struct compare_interval *interval)
{
    qsort(lows, RESAMPLES, sizeof *lows, compare_doubles);
    qsort(highs, RESAMPLES, sizeof *highs, compare_doubles);
    interval->low = lows[TAIL];
    interval->high = highs[RESAMPLES - 1 - TAIL];
}

/* Below a nanosecond nothing is known. */
static double ratio_of(double a, double b)
{
    return isinf(a) ? 0 : fmax(1, b) / fmax(1, a);
}

/* room: for six values of each resample. */
static void bootstrap(struct compare_quantile *q, const struct table *a, const struct table *b,
                      double *room)
{
    double *of[6];
    struct random random = {.seed = 1};
    for (size_t i = 0; i < 6; i++)
        of[i] = room + i * RESAMPLES;
    for (size_t i = 0; i < RESAMPLES; i++) {
        struct range in_a = resample(a, q->fraction, &random);
        struct range in_b = resample(b, q->fraction, &random);
        of[0][i] = in_a.low;
        of[1][i] = in_a.high;
        of[2][i] = in_b.low;
        of[3][i] = in_b.high;
        of[4][i] = ratio_of(in_a.high, in_b.low);
        of[5][i] = ratio_of(in_a.low, in_b.high);
    }
    interval_of(of[0], of[1], &q->a_ns);
    interval_of(of[2], of[3], &q->b_ns);
    interval_of(of[4], of[5], &q->ratio);
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
static enum compare_verdict quantile_verdict(const struct compare_quantile *q, double tolerance)
{
    bool sure = q->enough && q->runs.p <= SIGNIFICANT;
    if (q->enough && q->ratio.low >= 1 / (1 + tolerance) && q->ratio.high <= 1 + tolerance)
        return COMPARE_SAME;
    if (q->ratio.low > 1 + tolerance && sure)
        return COMPARE_WORSE;
    if (q->ratio.high < 1 / (1 + tolerance) && sure)
        return COMPARE_BETTER;
    return COMPARE_UNDECIDED;
}

/* Of single runs. */
static enum compare_verdict gross_verdict(struct range a, struct range b, bool enough,
                                          double tolerance)
{
    double gross = fmax(COMPARE_GROSS, 1 + tolerance);
    if (enough && ratio_of(a.high, b.low) >= gross)
        return COMPARE_WORSE;
    if (enough && ratio_of(a.low, b.high) <= 1 / gross)
        return COMPARE_BETTER;
    return COMPARE_UNDECIDED;
}

static bool has_many(const struct table *t)
{
    return values_of(t) >= COMPARE_GROSS_MIN;
}

static void compare_quantiles(struct compare_quantile *q, const struct table *a,
                              const struct table *b, double tolerance)
{
    struct range in_a = quantile_range(a, q->fraction, once);
    struct range in_b = quantile_range(b, q->fraction, once);
    q->enough = has_tail(a, q->fraction) && has_tail(b, q->fraction);
    q->a_ns = (struct compare_interval){in_a.low, NAN, NAN};
    q->b_ns = (struct compare_interval){in_b.low, NAN, NAN};
    q->a_at_least = in_a.high > 1.01 * in_a.low; /* as figures_is_bound has it */
    q->b_at_least = in_b.high > 1.01 * in_b.low;
    q->ratio = (struct compare_interval){ratio_of(in_a.low, in_b.low), NAN, NAN};
    q->verdict = gross_verdict(in_a, in_b, q->enough && has_many(a) && has_many(b), tolerance);
}

static double share_of(struct compare_counts counts)
{
    uint64_t all = counts.failed + counts.good;
    return all > 0 ? (double)counts.failed / (double)all : 0;
}

/* Of all runs together; those of each go to `shares`. */
static struct compare_counts add_counts(const struct compare_side *side, double *shares)
{
    struct compare_counts all = {0};
    for (size_t i = 0; i < side->runs_count; i++) {
        all.failed += side->counts[i].failed;
        all.good += side->counts[i].good;
        shares[i] = share_of(side->counts[i]);
    }
    return all;
}

/* Of single runs: one side's requests failed out of all proportion to the other's. Where not one
 * was good, a few are enough to say so. */
static bool is_gross(struct compare_counts less, struct compare_counts more)
{
    double low = share_of(less), high = share_of(more);
    bool many = less.failed + less.good >= COMPARE_GROSS_MIN &&
                more.failed + more.good >= COMPARE_GROSS_MIN;
    if (more.good == 0 && more.failed >= COMPARE_TAIL_MIN)
        return less.good >= COMPARE_TAIL_MIN && low <= 0.5;
    return many && high >= COMPARE_GROSS * low && high - low >= COMPARE_GROSS_SHARE;
}

static void compare_error_shares(struct compare_errors *e, const struct compare_side *a,
                                 const struct compare_side *b, double tolerance, bool by_runs)
{
    double of_a[COMPARE_RUNS_MAX], of_b[COMPARE_RUNS_MAX];
    *e = (struct compare_errors){.known = a->counts && b->counts, .runs.p = 1};
    if (!e->known)
        return;
    struct compare_counts in_a = add_counts(a, of_a), in_b = add_counts(b, of_b);
    e->a_share = share_of(in_a);
    e->b_share = share_of(in_b);
    bool differs;
    if (by_runs) {
        rank_values(of_a, a->runs_count, of_b, b->runs_count, &e->runs);
        differs = e->runs.p <= SIGNIFICANT;
    } else {
        differs = is_gross(in_a, in_b) || is_gross(in_b, in_a);
    }
    if (!differs)
        e->verdict = by_runs || e->a_share == e->b_share ? COMPARE_SAME : COMPARE_UNDECIDED;
    else if (e->b_share > e->a_share * (1 + tolerance))
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
                          double *b_larger)
{
    struct histogram of_a = {0}, of_b = {0};
    bool done = merge_runs(a, &of_a) && merge_runs(b, &of_b);
    if (done)
        *b_larger = rank_b_larger(&of_a, &of_b);
    histogram_free(&of_a);
    histogram_free(&of_b);
    return done;
}

bool compare_sides(const struct compare_side *a, const struct compare_side *b, double tolerance,
                   struct comparison *out)
{
    struct compare_quantile *const quantiles[] = {&out->p50, &out->p99};
    struct table of_a = {0}, of_b = {0};
    double *room = malloc(6 * RESAMPLES * sizeof *room);
    CHECK(a->runs_count > 0 && a->runs_count <= COMPARE_RUNS_MAX && b->runs_count > 0 &&
          b->runs_count <= COMPARE_RUNS_MAX);
    *out = (struct comparison){.by_runs = a->runs_count >= COMPARE_RUNS_MIN &&
                                          b->runs_count >= COMPARE_RUNS_MIN,
                               .p50.fraction = 0.5,
                               .p99.fraction = 0.99};
    bool done =
        room && table_init(&of_a, a) && table_init(&of_b, b) && rank_requests(a, b, &out->b_larger);
    for (size_t i = 0; done && i < 2; i++) {
        struct compare_quantile *q = quantiles[i];
        compare_quantiles(q, &of_a, &of_b, tolerance);
        if (!out->by_runs)
            continue;
        bootstrap(q, &of_a, &of_b, room);
        rank_runs(q, a, b);
        q->verdict = quantile_verdict(q, tolerance);
    }
    compare_error_shares(&out->errors, a, b, tolerance, out->by_runs);
    out->verdict = verdict_of(out);
    table_free(&of_a);
    table_free(&of_b);
    free(room);
    return done;
}
