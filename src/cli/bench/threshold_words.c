#include "cli/bench/threshold_words.h"

#include "cli/units.h"

#include <stdio.h>
#include <string.h>

/* `amount`, with digits enough to tell it from `other`. */
static struct units_text amount_text(const struct threshold *t, double amount, double other)
{
    switch (t->subject) {
    case THRESHOLD_RESPONSE:
    case THRESHOLD_SERVICE:
    case THRESHOLD_SEND_LAG:
        return duration_text_beside((uint64_t)amount, (uint64_t)other);
    case THRESHOLD_ERRORS_SHARE:
    case THRESHOLD_RATE_SHARE:
        return share_text_beside(amount, other);
    case THRESHOLD_ERRORS:
    case THRESHOLD_RATE:
        break;
    }
    return rate_text_beside(amount, other);
}

/* Where the value lies. One that is a lower bound and passed may lie anywhere above it. */
static const char *relation(const struct threshold *t, const struct threshold_outcome *o)
{
    static const char *const found[][2][2] = {
        /* [fails_below][fails_at][failed] */
        {{"not above", "above"}, {"below", "not below"}},
        {{"not below", "below"}, {"above", "not above"}},
    };
    if (o->at_least && !o->failed)
        return t->fails_at ? "not known to reach" : "not known to be above";
    return found[t->fails_below][t->fails_at][o->failed];
}

/* Nothing but lower bounds fails, whatever they are. */
static bool is_beyond(const struct threshold *t, double value)
{
    return (t->fails_below ? value < t->limit : value > t->limit) ||
           (t->fails_at && value == t->limit);
}

static const char *unit_of(const struct threshold *t)
{
    return t->subject == THRESHOLD_RATE         ? " a second"
           : t->subject == THRESHOLD_RATE_SHARE ? " of that asked for"
                                                : "";
}

void threshold_words(char *text, size_t text_bytes, const struct threshold *threshold,
                     const struct threshold_outcome *outcome)
{
    const struct threshold *t = threshold;
    const char *verdict = outcome->failed ? "FAILED" : "passed";
    struct units_text value = amount_text(t, outcome->value, t->limit),
                      limit = amount_text(t, t->limit, outcome->value);
    int name_bytes = 0;
    while ((size_t)name_bytes < t->text.bytes && !strchr(" <>", t->text.data[name_bytes]))
        name_bytes++;
    if (!outcome->measured)
        snprintf(text, text_bytes, "%.*s unknown, as no response came: %s", name_bytes,
                 t->text.data, verdict);
    else if (outcome->failed && !is_beyond(t, outcome->value))
        snprintf(text, text_bytes,
                 "%.*s at least %s, as every request was given up or never started: %s", name_bytes,
                 t->text.data, value.chars, verdict);
    else
        snprintf(text, text_bytes, "%.*s %s%s%s, %s %s%s: %s", name_bytes, t->text.data,
                 outcome->at_least ? "at least " : "", value.chars, unit_of(t),
                 relation(t, outcome), limit.chars, t->subject == THRESHOLD_RATE ? " a second" : "",
                 verdict);
}

void threshold_condition(char *text, size_t text_bytes, const struct threshold *threshold)
{
    snprintf(text, text_bytes, "%.*s", (int)threshold->text.bytes, threshold->text.data);
}
