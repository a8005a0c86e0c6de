#include "serve/limits.h"

#include "base/check.h"
#include "base/time.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void limits_free(struct limits *l)
{
    free(l->items);
    *l = (struct limits){0};
}

/* ---- requests ---- */

static uint64_t leak_gap_ns(const struct limits *l)
{
    return l->plan.requests_per_ns / l->plan.requests;
}

/* 0: one more is in order. */
static uint64_t request_wait_ns(struct limits *l, uint64_t now_ns)
{
    const struct limits_plan *p = &l->plan;
    if (p->requests == 0)
        return 0;
    if (p->leaks) {
        uint64_t allowed_ns = now_ns + leak_gap_ns(l) * p->burst;
        return l->leak_ns > allowed_ns ? l->leak_ns - allowed_ns : 0;
    }
    if (l->period_ns == 0 || now_ns - l->period_ns >= p->requests_per_ns) {
        l->period_ns = now_ns;
        l->count = 0;
    }
    return l->count < p->requests ? 0 : l->period_ns + p->requests_per_ns - now_ns;
}

static void take_request(struct limits *l, uint64_t now_ns)
{
    if (l->plan.leaks)
        l->leak_ns = (l->leak_ns > now_ns ? l->leak_ns : now_ns) + leak_gap_ns(l);
    l->count++;
}

/* ---- weights ---- */

static struct limits_item *item(const struct limits *l, size_t i)
{
    return &l->items[(l->items_first + i) % l->items_capacity];
}

static void forget_items(struct limits *l, uint64_t now_ns)
{
    while (l->items_count > 0 && now_ns - item(l, 0)->at_ns > l->plan.weight_per_ns) {
        l->weight -= item(l, 0)->weight;
        l->items_first = (l->items_first + 1) % l->items_capacity;
        l->items_count--;
    }
}

/* One that is too heavy for ever is taken in alone. */
static uint64_t weight_wait_ns(struct limits *l, uint64_t weight, uint64_t now_ns)
{
    if (l->plan.weight == 0)
        return 0;
    forget_items(l, now_ns);
    uint64_t left = l->weight;
    for (size_t i = 0; i <= l->items_count; i++) {
        if (left == 0 || left + weight <= l->plan.weight)
            return i == 0 ? 0 : item(l, i - 1)->at_ns + l->plan.weight_per_ns + 1 - now_ns;
        left -= item(l, i)->weight;
    }
    UNREACHABLE("a weight that nothing is left beside");
}

static bool more_items(struct limits *l)
{
    size_t capacity = 2 * l->items_capacity + 64;
    struct limits_item *items = calloc(capacity, sizeof *items);
    if (!items)
        return false;
    for (size_t i = 0; i < l->items_count; i++)
        items[i] = *item(l, i);
    free(l->items);
    l->items = items;
    l->items_first = 0;
    l->items_capacity = capacity;
    return true;
}

static bool take_weight(struct limits *l, uint64_t weight, uint64_t now_ns)
{
    if (l->plan.weight == 0 || weight == 0)
        return true;
    if (l->items_count == l->items_capacity && !more_items(l))
        return false;
    l->items_count++;
    *item(l, l->items_count - 1) = (struct limits_item){now_ns, weight};
    l->weight += weight;
    return true;
}

bool limits_take(struct limits *l, uint64_t weight, uint64_t now_ns, uint64_t *wait_ns)
{
    uint64_t by_weight_ns = weight_wait_ns(l, weight, now_ns);
    *wait_ns = request_wait_ns(l, now_ns);
    *wait_ns = *wait_ns > by_weight_ns ? *wait_ns : by_weight_ns;
    if (*wait_ns > 0 || !take_weight(l, weight, now_ns))
        return false;
    take_request(l, now_ns);
    return true;
}

/* ---- headers ---- */

struct lines {
    char *out;
    size_t bytes;
};

__attribute__((format(printf, 2, 3))) static void add(struct lines *lines, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(lines->out + lines->bytes, LIMITS_HEAD_BYTES_MAX - lines->bytes, format,
                      arguments);
    va_end(arguments);
    CHECK(n >= 0 && (size_t)n < LIMITS_HEAD_BYTES_MAX - lines->bytes);
    lines->bytes += (size_t)n;
}

/* How a limit stands: what remains of it, and when all of it will. */
struct standing {
    uint64_t limit, remaining, reset_ns, window_ns;
};

static struct standing requests_of(const struct limits *l, uint64_t now_ns)
{
    const struct limits_plan *p = &l->plan;
    if (p->leaks) {
        uint64_t used_ns = l->leak_ns > now_ns ? l->leak_ns - now_ns : 0;
        uint64_t used = used_ns / leak_gap_ns(l);
        return (struct standing){p->burst + 1, used < p->burst + 1 ? p->burst + 1 - used : 0,
                                 used_ns, leak_gap_ns(l) * (p->burst + 1)};
    }
    uint64_t end_ns = l->period_ns + p->requests_per_ns;
    return (struct standing){p->requests, p->requests > l->count ? p->requests - l->count : 0,
                             end_ns > now_ns ? end_ns - now_ns : 0, p->requests_per_ns};
}

static struct standing weight_of(const struct limits *l, uint64_t now_ns)
{
    const struct limits_plan *p = &l->plan;
    uint64_t last_ns = l->items_count > 0 ? item(l, l->items_count - 1)->at_ns : 0;
    uint64_t end_ns = last_ns + p->weight_per_ns;
    return (struct standing){p->weight, p->weight > l->weight ? p->weight - l->weight : 0,
                             l->items_count > 0 && end_ns > now_ns ? end_ns - now_ns : 0,
                             p->weight_per_ns};
}

static uint64_t up(uint64_t ns, uint64_t unit_ns)
{
    return (ns + unit_ns - 1) / unit_ns;
}

/* As Go prints a time.Duration: 6m0s, 1.5s, 120ms. */
static void add_duration(struct lines *lines, const char *name, uint64_t ns)
{
    uint64_t ms = up(ns, NS_PER_MS), s = ms / MS_PER_S, rest_ms = ms % MS_PER_S;
    if (s == 0)
        add(lines, "%s: %" PRIu64 "ms\r\n", name, ms);
    else if (s < S_PER_MINUTE)
        add(lines, "%s: %" PRIu64 ".%03" PRIu64 "s\r\n", name, s, rest_ms);
    else
        add(lines, "%s: %" PRIu64 "m%" PRIu64 ".%03" PRIu64 "s\r\n", name,
            (uint64_t)(s / S_PER_MINUTE), (uint64_t)(s % S_PER_MINUTE), rest_ms);
}

static void add_openai(struct lines *lines, const char *name, const struct standing *s)
{
    char reset[64];
    snprintf(reset, sizeof reset, "x-ratelimit-reset-%s", name);
    add(lines, "x-ratelimit-limit-%s: %" PRIu64 "\r\nx-ratelimit-remaining-%s: %" PRIu64 "\r\n",
        name, s->limit, name, s->remaining);
    add_duration(lines, reset, s->reset_ns);
}

static void add_anthropic(struct lines *lines, const char *name, const struct standing *s,
                          int64_t wall_ms)
{
    time_t at = (time_t)up((uint64_t)wall_ms * NS_PER_MS + s->reset_ns, NS_PER_S);
    struct tm tm;
    char text[32];
    gmtime_r(&at, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    add(lines,
        "anthropic-ratelimit-%s-limit: %" PRIu64 "\r\nanthropic-ratelimit-%s-remaining: %" PRIu64
        "\r\nanthropic-ratelimit-%s-reset: %s\r\n",
        name, s->limit, name, s->remaining, name, text);
}

/* A limit of three lines, whose reset is in seconds, or a moment since 1970. */
static void add_plain(struct lines *lines, const char *prefix, const struct standing *s,
                      int64_t epoch_ms)
{
    uint64_t reset_s = up((uint64_t)epoch_ms * NS_PER_MS + s->reset_ns, NS_PER_S);
    add(lines, "%s-Limit: %" PRIu64 "\r\n%s-Remaining: %" PRIu64 "\r\n%s-Reset: %" PRIu64 "\r\n",
        prefix, s->limit, prefix, s->remaining, prefix, reset_s);
}

/* Platforms with one limit tell of the one that is nearer to its end; a refusal is by that. */
static struct standing nearest(const struct limits *l, uint64_t wait_ns, uint64_t now_ns)
{
    struct standing a = requests_of(l, now_ns), b = weight_of(l, now_ns), s = a;
    if (l->plan.requests == 0 || (l->plan.weight > 0 && (double)b.remaining * (double)a.limit <
                                                            (double)a.remaining * (double)b.limit))
        s = b;
    if (wait_ns > 0) {
        s.remaining = 0;
        s.reset_ns = wait_ns;
    }
    return s;
}

static void add_ietf(struct lines *lines, enum dialect dialect, const struct standing *s)
{
    uint64_t reset_s = up(s->reset_ns, NS_PER_S), window_s = up(s->window_ns, NS_PER_S);
    if (dialect == DIALECT_IETF_07)
        add(lines, "RateLimit: limit=%" PRIu64 ", remaining=%" PRIu64 ", reset=%" PRIu64 "\r\n",
            s->limit, s->remaining, reset_s);
    else
        add(lines,
            "RateLimit-Policy: \"default\";q=%" PRIu64 ";w=%" PRIu64
            "\r\nRateLimit: \"default\";r=%" PRIu64 ";t=%" PRIu64 "\r\n",
            s->limit, window_s, s->remaining, reset_s);
}

static void add_named(struct lines *lines, const struct limits *l, uint64_t now_ns, int64_t wall_ms)
{
    bool openai = l->plan.dialect != DIALECT_ANTHROPIC;
    struct standing requests = requests_of(l, now_ns), weight = weight_of(l, now_ns);
    if (l->plan.requests > 0 && openai)
        add_openai(lines, "requests", &requests);
    else if (l->plan.requests > 0)
        add_anthropic(lines, "requests", &requests, wall_ms);
    if (l->plan.weight > 0 && openai)
        add_openai(lines, "tokens", &weight);
    else if (l->plan.weight > 0)
        add_anthropic(lines, "tokens", &weight, wall_ms);
}

size_t limits_write(const struct limits *l, uint64_t wait_ns, uint64_t now_ns, int64_t wall_ms,
                    char out[static LIMITS_HEAD_BYTES_MAX])
{
    struct lines lines = {.out = out};
    out[0] = '\0';
    struct standing s = nearest(l, wait_ns, now_ns);
    bool after_s = false, after_ms = false;
    switch (l->plan.dialect) {
    case DIALECT_NONE:
    case DIALECT_SILENT:
    case DIALECTS:
        break;
    case DIALECT_RETRY_AFTER:
        after_s = true;
        break;
    case DIALECT_OPENAI:
    case DIALECT_AZURE:
        after_ms = true;
        after_s = l->plan.dialect == DIALECT_AZURE;
        add_named(&lines, l, now_ns, wall_ms);
        break;
    case DIALECT_ANTHROPIC:
        after_s = true;
        add_named(&lines, l, now_ns, wall_ms);
        break;
    case DIALECT_GITHUB:
        add_plain(&lines, "X-RateLimit", &s, wall_ms);
        break;
    case DIALECT_OKTA:
    case DIALECT_TWITTER:
        add_plain(&lines, "X-Rate-Limit", &s, wall_ms);
        break;
    case DIALECT_REDDIT:
        add(&lines,
            "X-Ratelimit-Used: %" PRIu64 "\r\nX-Ratelimit-Remaining: %" PRIu64
            ".0\r\nX-Ratelimit-Reset: %" PRIu64 "\r\n",
            s.limit - s.remaining, s.remaining, up(s.reset_ns, NS_PER_S));
        break;
    case DIALECT_X_RATELIMIT:
        add_plain(&lines, "X-RateLimit", &s, 0);
        break;
    case DIALECT_IETF_03:
        add_plain(&lines, "RateLimit", &s, 0);
        break;
    case DIALECT_IETF_07:
    case DIALECT_IETF_10:
        add_ietf(&lines, l->plan.dialect, &s);
        break;
    }
    if (wait_ns > 0 && after_ms)
        add(&lines, "retry-after-ms: %" PRIu64 "\r\n", up(wait_ns, NS_PER_MS));
    if (wait_ns > 0 && after_s)
        add(&lines, "Retry-After: %" PRIu64 "\r\n", up(wait_ns, NS_PER_S));
    return lines.bytes;
}
