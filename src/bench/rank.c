/* All values are sorted together and ranked, equal ones by the mean of their ranks. The test
 * statistic is the sum of b's ranks. When all values come from one distribution, each choice of
 * b_count of them was equally likely to be b: for few values the sums of all choices are counted;
 * for many the sum is close to normal, with
 *
 *   mean      b_count (n + 1) / 2                    n = a_count + b_count
 *   variance  a_count b_count / 12 (n + 1 - sum of (t^3 - t) / (n (n - 1)))
 *
 * where t are the sizes of the groups of equal values. Ranks are kept doubled, so that they are
 * whole numbers. */
#include "bench/rank.h"

#include "base/check.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { SUMS = RANK_EXACT_MAX * (RANK_EXACT_MAX + 1) + 1 };

/* The groups of equal values, taken in ascending order. */
struct ranking {
    double below;       /* values in the groups so far */
    double a, b;        /* of these */
    double b_rank_sum2; /* doubled */
    double ties;        /* sum of t^3 - t */
};

static void ranking_add(struct ranking *r, double a, double b)
{
    double group = a + b;
    r->b_rank_sum2 += b * (2 * r->below + group + 1);
    r->ties += group * group * group - group;
    r->below += group;
    r->a += a;
    r->b += b;
}

static void ranking_finish(const struct ranking *r, struct rank_test *test)
{
    *test = (struct rank_test){.b_larger = 0.5, .p = 1};
    if (r->a <= 0 || r->b <= 0)
        return;
    double n = r->a + r->b;
    double mean2 = r->b * (n + 1);
    test->b_larger = (r->b_rank_sum2 / 2 - r->b * (r->b + 1) / 2) / (r->a * r->b);
    double variance = r->a * r->b / 12 * (n + 1 - r->ties / (n * (n - 1)));
    /* Corrected for continuity: sums are half ranks apart at the least. */
    double distance = fabs(r->b_rank_sum2 - mean2) / 2 - 0.5;
    if (variance > 0 && distance > 0)
        test->p = erfc(distance / sqrt(variance) * sqrt(0.5));
}

double rank_b_larger(const struct histogram *a, const struct histogram *b)
{
    struct ranking r = {0};
    CHECK(a->precision == b->precision);
    for (size_t i = 0; i < a->buckets; i++) {
        if (a->counts[i] > 0 || b->counts[i] > 0)
            ranking_add(&r, (double)a->counts[i], (double)b->counts[i]);
    }
    struct rank_test test;
    ranking_finish(&r, &test);
    return test.b_larger;
}

/* ---- values ---- */

struct value {
    double value;
    bool is_b;
};

static int compare_values(const void *left, const void *right)
{
    double a = ((const struct value *)left)->value, b = ((const struct value *)right)->value;
    return a < b ? -1 : a > b;
}

/* The share of all choices of `chosen` of the doubled ranks whose sum is at least as far from the
 * mean as `sum`. ways[k][s] is the number of choices of k of the ranks looked at so far that add
 * up to s. */
static double exact_p(const unsigned *ranks2, size_t count, size_t chosen, unsigned sum)
{
    static const size_t row = SUMS;
    double *ways = calloc((chosen + 1) * row, sizeof *ways);
    if (!ways)
        return -1;
    ways[0] = 1;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = i < chosen ? i + 1 : chosen; k > 0; k--) {
            for (size_t s = ranks2[i]; s < row; s++)
                ways[k * row + s] += ways[(k - 1) * row + s - ranks2[i]];
        }
    }
    double mean = (double)chosen * (double)(count + 1), all = 0, far = 0;
    for (size_t s = 0; s < row; s++) {
        all += ways[chosen * row + s];
        if (fabs((double)s - mean) >= fabs((double)sum - mean))
            far += ways[chosen * row + s];
    }
    free(ways);
    return far / all;
}

void rank_values(const double *a, size_t a_count, const double *b, size_t b_count,
                 struct rank_test *test)
{
    struct value all[RANK_EXACT_MAX];
    unsigned ranks2[RANK_EXACT_MAX];
    struct ranking r = {0};
    size_t count = a_count + b_count;
    CHECK(count <= RANK_EXACT_MAX);
    for (size_t i = 0; i < count; i++)
        all[i] = i < a_count ? (struct value){a[i], false} : (struct value){b[i - a_count], true};
    qsort(all, count, sizeof all[0], compare_values);
    for (size_t i = 0, end; i < count; i = end) {
        double b_here = 0;
        for (end = i; end < count && all[end].value == all[i].value; end++)
            b_here += all[end].is_b;
        for (size_t k = i; k < end; k++)
            ranks2[k] = (unsigned)(i + end + 1);
        ranking_add(&r, (double)(end - i) - b_here, b_here);
    }
    ranking_finish(&r, test);
    double p =
        a_count > 0 && b_count > 0 ? exact_p(ranks2, count, b_count, (unsigned)r.b_rank_sum2) : -1;
    if (p >= 0) {
        test->p = p;
        test->exact = true;
    }
}
