/* Read from left to right, subject, comparison, limit, by a cursor that remembers the first thing
 * that is wrong. */
#include "bench/threshold.h"

#include "base/check.h"
#include "base/duration.h"
#include "base/rate.h"
#include "base/span.h"

#include <stdlib.h>
#include <string.h>

enum { NUMBER_CHARS_MAX = 31 };

struct cursor {
    struct ringsend_bytes text;
    size_t at;
    struct threshold_error *error;
    bool failed;
};

static bool fail(struct cursor *c, size_t at, const char *says)
{
    if (!c->failed)
        *c->error = (struct threshold_error){at + 1, says};
    c->failed = true;
    return false;
}

static void skip_spaces(struct cursor *c)
{
    while (c->at < c->text.bytes && c->text.data[c->at] == ' ')
        c->at++;
}

static bool take(struct cursor *c, struct ringsend_bytes word)
{
    if (c->text.bytes - c->at < word.bytes ||
        memcmp(c->text.data + c->at, word.data, word.bytes) != 0)
        return false;
    c->at += word.bytes;
    return true;
}

/* Digits with at most one point among them; *digits counts what was taken. */
static bool take_number(struct cursor *c, double *number, size_t *digits, bool *has_point)
{
    char copy[NUMBER_CHARS_MAX + 1];
    size_t taken = 0, points = 0;
    while (c->at + taken < c->text.bytes && taken < NUMBER_CHARS_MAX) {
        char next = c->text.data[c->at + taken];
        if (next != '.' && (next < '0' || next > '9'))
            break;
        points += next == '.';
        copy[taken++] = next;
    }
    if (taken == 0 || points > 1 || copy[0] == '.' || copy[taken - 1] == '.')
        return false;
    copy[taken] = '\0';
    *number = strtod(copy, NULL);
    *digits = taken - points;
    *has_point = points > 0;
    c->at += taken;
    return true;
}

/* "99", "99.9", and "999" or "9999" as the keys of the JSON have them; no other number above 100 is
 * one. */
static bool read_percentile(struct cursor *c, double *quantile)
{
    double number;
    size_t digits, start = c->at;
    bool has_point;
    if (!take_number(c, &number, &digits, &has_point))
        return fail(c, start,
                    "a percentile is expected, above 0 and up to 100, such as p99 or p99.9");
    bool is_key = !has_point && digits > 2 && memcmp(c->text.data + start, "99", 2) == 0;
    for (; is_key && digits > 2; digits--)
        number /= 10;
    if (number <= 0 || number > 100)
        return fail(
            c, start,
            "a percentile lies above 0 and up to 100: p99, p99.9 (or p999, as in the JSON)");
    *quantile = number / 100;
    return true;
}

static bool is_time(const struct threshold *t)
{
    return t->subject <= THRESHOLD_SEND_LAG;
}

static bool read_time_subject(struct cursor *c, struct threshold *t, bool *as_k6)
{
    if (take(c, SPAN("service.")))
        t->subject = THRESHOLD_SERVICE;
    else if (take(c, SPAN("send_lag.")))
        t->subject = THRESHOLD_SEND_LAG;
    else
        (void)take(c, SPAN("response."));
    if (take(c, SPAN("max"))) {
        t->quantile = 1;
        return true;
    }
    *as_k6 = take(c, SPAN("p("));
    if (!*as_k6 && !take(c, SPAN("p")))
        return fail(c, c->at,
                    "p99, max, errors or rate is expected, or a percentile's limit as "
                    "k6 writes it: p(99)<800");
    if (!read_percentile(c, &t->quantile))
        return false;
    if (*as_k6 && !take(c, SPAN(")")))
        return fail(c, c->at, "a ) is expected");
    return true;
}

static bool read_subject(struct cursor *c, struct threshold *t, bool *as_k6)
{
    *as_k6 = false;
    if (take(c, SPAN("errors")))
        t->subject = THRESHOLD_ERRORS;
    else if (take(c, SPAN("rate")))
        t->subject = THRESHOLD_RATE;
    else
        return read_time_subject(c, t, as_k6);
    return true;
}

static bool read_comparison(struct cursor *c, struct threshold *t, bool as_k6)
{
    size_t start = c->at;
    bool wants_below = t->subject == THRESHOLD_RATE || as_k6;
    bool is_below = take(c, SPAN("<"));
    if (!is_below && !take(c, SPAN(">")))
        return fail(c, start, "a comparison is expected: < <= > or >=");
    bool or_equal = take(c, SPAN("="));
    if (is_below != wants_below) {
        if (as_k6)
            return fail(c, start,
                        "p(99)<800, as k6 writes it, says what must hold, so < or <= is "
                        "expected; what must not: p99>800ms");
        return fail(c, start,
                    is_below ? "this would fail a run for being good: > or >= is expected"
                             : "this would fail a run for being good: < or <= is expected");
    }
    /* What must hold turns around: < 800 fails at 800 and above. */
    t->fails_below = as_k6 ? false : is_below;
    t->fails_at = as_k6 ? !or_equal : or_equal;
    return true;
}

static bool read_time_limit(struct cursor *c, struct threshold *t, bool as_k6)
{
    struct ringsend_bytes rest = {c->text.data + c->at, c->text.bytes - c->at};
    size_t start = c->at, digits;
    double number;
    bool has_point;
    uint64_t ns;
    if (!take_number(c, &number, &digits, &has_point))
        return fail(c, start, "a time is expected, such as 20ms");
    if (c->at == c->text.bytes) {
        if (!as_k6)
            return fail(c, c->at, "a unit is expected behind the number: ns, us, ms, s, m or h");
        t->limit = number * 1e6;
        return true;
    }
    if (!duration_parse(rest, &ns))
        return fail(c, c->at, "a time ends with its unit: ns, us, ms, s, m or h");
    t->limit = (double)ns;
    c->at = c->text.bytes;
    return true;
}

static bool read_limit(struct cursor *c, struct threshold *t, bool as_k6)
{
    size_t start = c->at, digits;
    bool has_point;
    if (is_time(t))
        return read_time_limit(c, t, as_k6);
    if (!take_number(c, &t->limit, &digits, &has_point))
        return fail(c, start,
                    t->subject == THRESHOLD_ERRORS
                        ? "a number or a share is expected, such as 10 or 0.1%"
                        : "a share or a rate is expected, such as 0.99, 99% or 900/s");
    if (take(c, SPAN("%"))) {
        t->subject = t->subject == THRESHOLD_ERRORS ? THRESHOLD_ERRORS_SHARE : THRESHOLD_RATE_SHARE;
        t->limit /= 100;
    } else if (t->subject == THRESHOLD_ERRORS) {
        return !has_point || fail(c, start, "a share is written with %, such as 0.1%");
    } else if (c->at < c->text.bytes && c->text.data[c->at] == '/') {
        struct rate rate;
        if (!rate_parse((struct ringsend_bytes){c->text.data + start, c->text.bytes - start},
                        &rate))
            return fail(c, c->at, "a rate is a number per time: 900/s, 5000/m");
        t->limit = rate_per_s(&rate);
        c->at = c->text.bytes;
    } else {
        t->subject = THRESHOLD_RATE_SHARE;
    }
    if (t->subject != THRESHOLD_RATE && t->limit > 1)
        return fail(c, start,
                    t->subject == THRESHOLD_ERRORS_SHARE
                        ? "a share is at most 100%"
                        : "a share of the rate asked for is at most 1; a rate ends with /s: 900/s");
    return true;
}

bool threshold_parse(struct ringsend_bytes text, struct threshold *threshold,
                     struct threshold_error *error)
{
    struct cursor c = {.text = text, .error = error};
    struct threshold t = {.text = text};
    bool as_k6;
    while (c.text.bytes > 0 && c.text.data[c.text.bytes - 1] == ' ')
        c.text.bytes--;
    skip_spaces(&c);
    if (!read_subject(&c, &t, &as_k6))
        return false;
    skip_spaces(&c);
    if (!read_comparison(&c, &t, as_k6))
        return false;
    skip_spaces(&c);
    if (!read_limit(&c, &t, as_k6))
        return false;
    if (c.at < c.text.bytes)
        return fail(&c, c.at, "nothing is expected here; one --fail-if is one condition");
    *threshold = t;
    return true;
}

/* ---- checking ---- */

static const struct histogram *histogram_of(const struct figures *f, enum threshold_subject subject)
{
    return subject == THRESHOLD_SERVICE    ? &f->service_ns
           : subject == THRESHOLD_SEND_LAG ? &f->send_lag_ns
                                           : &f->response_ns;
}

static const struct histogram *bounds_of(const struct figures *f, enum threshold_subject subject)
{
    return subject == THRESHOLD_SERVICE    ? &f->service_bounds_ns
           : subject == THRESHOLD_SEND_LAG ? &f->send_lag_bounds_ns
                                           : &f->response_bounds_ns;
}

static void check_time(const struct threshold *t, const struct figures *figures,
                       struct threshold_outcome *outcome)
{
    const struct histogram *times = histogram_of(figures, t->subject);
    const struct histogram *bounds = bounds_of(figures, t->subject);
    outcome->measured = times->count > 0;
    outcome->failed = times->count == bounds->count;
    outcome->value = (double)histogram_quantile(times, t->quantile);
    outcome->at_least = figures_is_bound(times, bounds, t->quantile);
}

static double ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

struct threshold_outcome threshold_check(const struct threshold *threshold,
                                         const struct figures *figures)
{
    struct threshold_outcome outcome = {.measured = true};
    double bad = (double)(figures->errors_count + figures->requests - figures->ok);
    switch (threshold->subject) {
    case THRESHOLD_RESPONSE:
    case THRESHOLD_SERVICE:
    case THRESHOLD_SEND_LAG:
        check_time(threshold, figures, &outcome);
        break;
    case THRESHOLD_ERRORS:
        outcome.value = bad;
        break;
    case THRESHOLD_ERRORS_SHARE:
        outcome.value = ratio(bad, (double)(figures->errors_count + figures->requests));
        break;
    case THRESHOLD_RATE:
        outcome.value = figures_rate(figures);
        break;
    case THRESHOLD_RATE_SHARE:
        outcome.value = ratio(figures_rate(figures), figures->settings.rate);
        break;
    }
    outcome.failed |= (threshold->fails_below ? outcome.value < threshold->limit
                                              : outcome.value > threshold->limit);
    outcome.failed |= threshold->fails_at && outcome.value == threshold->limit;
    return outcome;
}
