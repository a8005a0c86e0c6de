/* What platforms say about their limits, each as its own documents define it.
 *
 *   Retry-After                                 RFC 9110 10.2.3; many give a fraction
 *   retry-after-ms, x-ms-retry-after-ms         OpenAI, Azure: goes before Retry-After
 *   x-should-retry, stripe-should-retry         OpenAI, Anthropic, Stripe: true or false
 *   RateLimit-Remaining, RateLimit-Reset        draft-ietf-httpapi-ratelimit-headers 00 to 06
 *   RateLimit: limit=9, remaining=0, reset=5    the same, 07
 *   RateLimit: "a";r=0;t=5, RateLimit-Policy    the same, 08 to 10: r remains, t is when it is
 *                                               reset; without t that takes its window w at most
 *   X-RateLimit-..., X-Rate-Limit-...           GitHub, GitLab, Okta, Twitter, Reddit, Discord, ...
 *   x-ratelimit-reset-tokens                    OpenAI, Azure, Groq: of each limit that has a name
 *   anthropic-ratelimit-tokens-reset            Anthropic: the same, the words the other way round
 *
 * A name is taken apart into its words: one says that it is about a rate limit, one what of it
 * (remaining, reset), and all others together name the limit. So each limit's remainder finds its
 * own reset, whichever of the words a platform puts first. What is used up is so when less than one
 * remains: some count in fractions. The longest wait for one that is used up counts.
 *
 * A reset is seconds with some and a point in time with others, in any of the forms of when.h. */
#include "http/response_hints.h"

#include "base/check.h"
#include "base/time.h"
#include "http/fields.h"
#include "http/when.h"

#define DELTA_MS_MAX (INT64_C(1000) << 31) /* RFC 9111 1.2.2: larger ones become this */
/* Nobody waits for thirty years; since 2001 the time in seconds, and since 1970 that in
 * milliseconds, is larger. */
#define EPOCH_S_MIN INT64_C(1000000000)
#define EPOCH_MS_MIN INT64_C(1000000000000)

/* ---- Names ---- */

/* Takes the next word off; empty ones are words. */
static bool word_next(struct ringsend_bytes *rest, struct ringsend_bytes *word)
{
    if (rest->bytes == 0)
        return false;
    const char *dash = memchr(rest->data, '-', rest->bytes);
    word->data = rest->data;
    word->bytes = dash ? (size_t)(dash - rest->data) : rest->bytes;
    size_t taken = word->bytes + (dash != NULL);
    rest->data += taken;
    rest->bytes -= taken;
    return true;
}

static bool is_word(struct ringsend_bytes word, const char *text)
{
    return span_equal_nocase(word, span_of(text));
}

static uint16_t name_of(uint32_t hash)
{
    return (uint16_t)((hash ^ hash >> 16) & ((1u << LIMIT_NAME_BITS) - 1));
}

/* Words of a header about a rate limit. */
static struct hint limit_hint_of(struct ringsend_bytes name)
{
    struct ringsend_bytes word, before = {0};
    bool is_limit = false, remaining = false, reset = false, retry = false, after = false;
    bool policy = false, bound = false;
    uint32_t names = 0, hash = 0;
    while (word_next(&name, &word)) {
        bool is_two = is_word(before, "rate") && is_word(word, "limit");
        if (is_two || is_word(word, "ratelimit"))
            is_limit = true;
        else if (is_word(word, "remaining"))
            remaining = true;
        else if (is_word(word, "reset"))
            reset = true;
        else if (is_word(word, "retry"))
            retry = true;
        else if (is_word(word, "after"))
            after = true;
        else if (is_word(word, "policy"))
            policy = true;
        else if (is_word(word, "limit"))
            bound = true;
        else if (!is_word(word, "x") && !is_word(word, "rate") && !is_word(word, "seconds")) {
            names++;
            hash = hash * 31 + span_hash_nocase(word);
        }
        before = word;
    }
    struct hint hint = {HINT_NONE, name_of(hash)};
    if (!is_limit || bound)
        return hint;
    if (retry)
        hint.kind = after && names == 0 ? HINT_RETRY_AFTER : HINT_NONE;
    else if (remaining)
        hint.kind = HINT_REMAINING;
    else if (reset)
        hint.kind = after ? HINT_RESET_AFTER : HINT_RESET;
    else if (names == 0)
        hint.kind = policy ? HINT_POLICY : HINT_ITEMS;
    return hint;
}

struct hint hint_of(struct ringsend_bytes name)
{
    static const struct {
        struct ringsend_bytes name;
        enum hint_kind kind;
    } rows[] = {
        {{"keep-alive", 10}, HINT_KEEP_ALIVE},
        {{"retry-after", 11}, HINT_RETRY_AFTER},
        {{"retry-after-ms", 14}, HINT_RETRY_AFTER_MS},
        {{"x-ms-retry-after-ms", 19}, HINT_RETRY_AFTER_MS},
        {{"x-should-retry", 14}, HINT_SHOULD_RETRY},
        {{"stripe-should-retry", 19}, HINT_SHOULD_RETRY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (name.bytes == rows[i].name.bytes && span_equal_nocase(name, rows[i].name))
            return (struct hint){(uint8_t)rows[i].kind, 0};
    /* Most headers of a response are not looked at any further. */
    char first = name.bytes >= 9 ? (char)(name.data[0] | 0x20) : 0;
    if (first == 'r' || first == 'x' || first == 'a')
        return limit_hint_of(name);
    return (struct hint){HINT_NONE, 0};
}

/* ---- Values ---- */

static void longest(int64_t *ms, int64_t other_ms)
{
    *ms = *ms > other_ms ? *ms : other_ms;
}

/* Up to the first of these, outside of quotation marks (RFC 9651 3.3.3); it is taken off. */
static struct ringsend_bytes take_until(struct ringsend_bytes *rest, char end)
{
    size_t n = 0;
    for (bool quoted = false; n < rest->bytes && (quoted || rest->data[n] != end); n++) {
        if (rest->data[n] == '"')
            quoted = !quoted;
        else if (quoted && rest->data[n] == '\\')
            n += n + 1 < rest->bytes;
    }
    struct ringsend_bytes part = span_trim((struct ringsend_bytes){rest->data, n});
    n += n < rest->bytes;
    rest->data += n;
    rest->bytes -= n;
    return part;
}

/* "NAME=": what stands behind it. */
static bool parameter_is(struct ringsend_bytes parameter, struct ringsend_bytes name,
                         struct ringsend_bytes *value)
{
    if (parameter.bytes <= name.bytes ||
        !span_equal_nocase((struct ringsend_bytes){parameter.data, name.bytes}, name))
        return false;
    *value = (struct ringsend_bytes){parameter.data + name.bytes, parameter.bytes - name.bytes};
    return true;
}

static bool read_seconds(struct ringsend_bytes text, int64_t *ms)
{
    if (!when_number(text, US_PER_S, ms))
        return false;
    *ms = *ms < DELTA_MS_MAX ? *ms : DELTA_MS_MAX;
    return true;
}

/* Of a number of what remains. */
static bool read_remaining(struct ringsend_bytes text, bool *used_up)
{
    int64_t thousandths;
    if (!when_number(text, US_PER_S, &thousandths))
        return false;
    *used_up = thousandths < 1000;
    return true;
}

static void read_keep_alive(struct response_hints *hints, struct ringsend_bytes value)
{
    struct ringsend_bytes parameter, number;
    uint64_t seconds;
    while (list_next(&value, &parameter)) {
        if (parameter_is(parameter, SPAN("timeout="), &number) &&
            span_decimal(number, DELTA_MS_MAX / 1000, &seconds)) {
            hints->has_keep_alive_s = true;
            hints->keep_alive_s = (uint32_t)seconds;
        }
    }
}

static void read_retry_after(struct response_hints *hints, struct ringsend_bytes value)
{
    struct hint_wait wait = {0};
    if (hints->has_after_ms)
        return;
    if (!read_seconds(value, &wait.ms) && !when_duration(value, &wait.ms))
        when_date(value, &wait.date_ms);
    hints->said.after = wait;
}

static void read_retry_after_ms(struct response_hints *hints, struct ringsend_bytes value)
{
    int64_t ms;
    if (!when_number(value, US_PER_S / MS_PER_S, &ms))
        return;
    hints->has_after_ms = true;
    hints->said.after = (struct hint_wait){ms < DELTA_MS_MAX ? ms : DELTA_MS_MAX, 0};
}

static void read_should_retry(struct response_hints *hints, struct ringsend_bytes value)
{
    if (span_equal_nocase(value, SPAN("true")))
        hints->said.retry = RETRY_YES;
    else if (span_equal_nocase(value, SPAN("false")))
        hints->said.retry = RETRY_NO;
}

/* Null: there are too many. */
static struct hint_limit *limit_named(struct response_hints *hints, uint16_t name)
{
    for (uint8_t i = 0; i < hints->limits_count; i++)
        if (hints->limits[i].name == name)
            return &hints->limits[i];
    if (hints->limits_count == LIMITS_MAX)
        return NULL;
    struct hint_limit *limit = &hints->limits[hints->limits_count++];
    *limit = (struct hint_limit){.name = name & ((1u << LIMIT_NAME_BITS) - 1)};
    return limit;
}

static void note_remaining(struct response_hints *hints, uint16_t name, struct ringsend_bytes value)
{
    bool used_up;
    struct hint_limit *limit = limit_named(hints, name);
    if (!limit || !read_remaining(value, &used_up))
        return;
    limit->has_remaining = true;
    limit->used_up = used_up;
}

static void note_reset(struct response_hints *hints, uint16_t name, int64_t ms, bool is_date)
{
    struct hint_limit *limit = limit_named(hints, name);
    if (!limit)
        return;
    limit->ms = (uint64_t)ms & ((1ull << 48) - 1);
    limit->has_reset = true;
    limit->is_date = is_date;
}

/* Docker's has its window behind it: 0;w=21600. */
static struct ringsend_bytes first_of(struct ringsend_bytes value)
{
    struct ringsend_bytes member = take_until(&value, ',');
    return take_until(&member, ';');
}

static void read_reset(struct response_hints *hints, struct hint hint, struct ringsend_bytes value)
{
    int64_t number, ms;
    bool is_date = false;
    if (when_number(first_of(value), US_PER_S / MS_PER_S, &number)) {
        is_date = hint.kind == HINT_RESET && number >= EPOCH_S_MIN;
        uint64_t unit_us = is_date && number >= EPOCH_MS_MIN ? US_PER_S / MS_PER_S : US_PER_S;
        when_number(first_of(value), unit_us, &ms);
    } else if (!when_duration(value, &ms)) {
        if (!when_date(value, &ms))
            return;
        is_date = true;
    }
    note_reset(hints, hint.limit_name, ms, is_date);
}

/* ---- RateLimit and RateLimit-Policy ---- */

/* An item's name, or a member of draft 07's dictionary. */
static uint16_t item_name(struct ringsend_bytes text)
{
    if (text.bytes >= 2 && text.data[0] == '"')
        text = (struct ringsend_bytes){text.data + 1, text.bytes - 2};
    return name_of(span_hash_nocase(text));
}

static void read_item(struct response_hints *hints, struct ringsend_bytes item)
{
    struct ringsend_bytes value, name = take_until(&item, ';');
    bool used_up = false, has_remaining = false, has_reset = false;
    int64_t ms = 0;
    if (parameter_is(name, SPAN("remaining="), &value)) {
        note_remaining(hints, 0, value);
    } else if (parameter_is(name, SPAN("reset="), &value)) {
        if (read_seconds(value, &ms))
            note_reset(hints, 0, ms, false);
    }
    while (item.bytes > 0) {
        struct ringsend_bytes parameter = take_until(&item, ';');
        if (parameter_is(parameter, SPAN("r="), &value))
            has_remaining = read_remaining(value, &used_up);
        else if (parameter_is(parameter, SPAN("t="), &value))
            has_reset = read_seconds(value, &ms);
    }
    if (!has_remaining || !used_up)
        return;
    struct hint_limit *limit = has_reset ? NULL : limit_named(hints, item_name(name));
    if (has_reset)
        longest(&hints->said.reset.ms, ms);
    else if (limit)
        limit->has_remaining = limit->used_up = true;
}

static void read_policy(struct response_hints *hints, struct ringsend_bytes policy)
{
    struct ringsend_bytes value, name = take_until(&policy, ';');
    int64_t ms;
    while (policy.bytes > 0) {
        struct ringsend_bytes parameter = take_until(&policy, ';');
        if (!parameter_is(parameter, SPAN("w="), &value) || !read_seconds(value, &ms))
            continue;
        struct hint_limit *limit = limit_named(hints, item_name(name));
        if (limit && !limit->has_reset) {
            limit->ms = (uint64_t)ms & ((1ull << 48) - 1);
            limit->has_window = true;
        }
    }
}

static void read_members(struct response_hints *hints, struct ringsend_bytes value,
                         void read(struct response_hints *, struct ringsend_bytes))
{
    while (value.bytes > 0)
        read(hints, take_until(&value, ','));
}

/* ---- All of them ---- */

void response_hints_read(struct response_hints *hints, struct hint hint,
                         struct ringsend_bytes value)
{
    switch ((enum hint_kind)hint.kind) {
    case HINT_NONE:
        return;
    case HINT_KEEP_ALIVE:
        read_keep_alive(hints, value);
        return;
    case HINT_RETRY_AFTER:
        read_retry_after(hints, value);
        return;
    case HINT_RETRY_AFTER_MS:
        read_retry_after_ms(hints, value);
        return;
    case HINT_SHOULD_RETRY:
        read_should_retry(hints, value);
        return;
    case HINT_ITEMS:
        read_members(hints, value, read_item);
        return;
    case HINT_POLICY:
        read_members(hints, value, read_policy);
        return;
    case HINT_REMAINING:
        note_remaining(hints, hint.limit_name, first_of(value));
        return;
    case HINT_RESET:
    case HINT_RESET_AFTER:
        read_reset(hints, hint, value);
        return;
    }
    UNREACHABLE("hint kind");
}

struct retry_hint response_hints_retry(const struct response_hints *hints, bool is_limited)
{
    struct retry_hint all = hints->said;
    bool is_known = all.after.ms || all.after.date_ms || all.reset.ms;
    for (uint8_t i = 0; i < hints->limits_count; i++)
        is_known |= hints->limits[i].used_up;
    for (uint8_t i = 0; i < hints->limits_count; i++) {
        const struct hint_limit *limit = &hints->limits[i];
        bool counts = limit->used_up ||
                      (is_limited && !is_known && limit->has_reset && !limit->has_remaining);
        if (counts && (limit->has_reset || limit->has_window))
            longest(limit->is_date ? &all.reset.date_ms : &all.reset.ms, (int64_t)limit->ms);
    }
    return all;
}
