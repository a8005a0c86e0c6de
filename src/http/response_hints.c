#include "http/response_hints.h"

#include "base/check.h"
#include "http/fields.h"

#include <time.h>

#define DELTA_SECONDS_MAX (UINT64_C(1) << 31) /* RFC 9111 1.2.2: larger ones become this */
/* A Reset is seconds to wait with some platforms and a point in time with others. Nobody waits for
 * thirty years; since 2001 the time in seconds, and since 1970 that in milliseconds, is larger. */
#define EPOCH_S_MIN INT64_C(1000000000)
#define EPOCH_MS_MIN INT64_C(1000000000000)
#define RESET_MAX (UINT64_C(1) << 52)

/* ---- Dates (RFC 9110 5.6.7), without the locale that strptime would look at ----------------- */

static bool take_number(struct ringsend_bytes *text, size_t digits, int *value)
{
    uint64_t number;
    if (text->bytes < digits ||
        !span_decimal((struct ringsend_bytes){text->data, digits}, INT16_MAX, &number))
        return false;
    text->data += digits;
    text->bytes -= digits;
    *value = (int)number;
    return true;
}

static bool take_month(struct ringsend_bytes *text, int *month)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int i = 0; text->bytes >= 3 && i < 12; i++) {
        if (memcmp(text->data, months + i * 3, 3) == 0) {
            *month = i;
            text->data += 3;
            text->bytes -= 3;
            return true;
        }
    }
    return false;
}

/* One directive of date_matches. */
static bool take_part(struct ringsend_bytes *text, char directive, struct tm *tm)
{
    switch (directive) {
    case 'w': /* a day's name: nothing depends on it */
        while (text->bytes > 0 && is_letter(text->data[0])) {
            text->data++;
            text->bytes--;
        }
        return true;
    case 'd':
        return take_number(text, 2, &tm->tm_mday);
    case 'e': /* padded with a space */
        if (text->bytes > 0 && text->data[0] == ' ') {
            text->data++;
            text->bytes--;
            return take_number(text, 1, &tm->tm_mday);
        }
        return take_number(text, 2, &tm->tm_mday);
    case 'b':
        return take_month(text, &tm->tm_mon);
    case 'Y':
        if (!take_number(text, 4, &tm->tm_year))
            return false;
        tm->tm_year -= 1900;
        return true;
    case 'y': /* no clock here to apply the fifty-year rule with: POSIX's pivot does */
        if (!take_number(text, 2, &tm->tm_year))
            return false;
        tm->tm_year += tm->tm_year < 69 ? 100 : 0;
        return true;
    case 'H':
        return take_number(text, 2, &tm->tm_hour);
    case 'M':
        return take_number(text, 2, &tm->tm_min);
    case 'S':
        return take_number(text, 2, &tm->tm_sec);
    }
    UNREACHABLE("date directive");
}

static bool date_matches(struct ringsend_bytes text, const char *format, struct tm *tm)
{
    for (; *format; format++) {
        if (*format == '%') {
            if (!take_part(&text, *++format, tm))
                return false;
        } else {
            if (text.bytes == 0 || text.data[0] != *format)
                return false;
            text.data++;
            text.bytes--;
        }
    }
    return text.bytes == 0;
}

static bool date_read(struct ringsend_bytes text, int64_t *seconds)
{
    static const char *const formats[] = {
        "%w, %d %b %Y %H:%M:%S GMT", /* IMF-fixdate */
        "%w, %d-%b-%y %H:%M:%S GMT", /* RFC 850 */
        "%w %b %e %H:%M:%S %Y",      /* asctime */
    };
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        struct tm tm = {0};
        if (!date_matches(text, formats[i], &tm))
            continue;
        if (tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
            return false;
        /* timegm would turn 30 February into a day of March. */
        int month = tm.tm_mon;
        tm.tm_sec = tm.tm_sec < 60 ? tm.tm_sec : 59;
        *seconds = timegm(&tm);
        return tm.tm_mon == month;
    }
    return false;
}

/* ---- The headers ---- */

enum hint_kind hint_kind_of(struct ringsend_bytes name)
{
    static const struct {
        struct ringsend_bytes name;
        enum hint_kind kind;
    } rows[] = {
        {{"keep-alive", 10}, HINT_KEEP_ALIVE},
        {{"retry-after", 11}, HINT_RETRY_AFTER},
        {{"ratelimit", 9}, HINT_LIMIT},
        {{"ratelimit-reset", 15}, HINT_RESET},
        {{"x-ratelimit-reset", 17}, HINT_RESET},
        {{"ratelimit-remaining", 19}, HINT_REMAINING},
        {{"x-ratelimit-remaining", 21}, HINT_REMAINING},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (name.bytes == rows[i].name.bytes && span_equal_nocase(name, rows[i].name))
            return rows[i].kind;
    return HINT_NONE;
}

/* "NAME=" and a number. */
static bool parameter_is(struct ringsend_bytes parameter, struct ringsend_bytes name, uint64_t max,
                         uint64_t *number)
{
    if (parameter.bytes <= name.bytes ||
        !span_equal_nocase((struct ringsend_bytes){parameter.data, name.bytes}, name))
        return false;
    return span_decimal(
        (struct ringsend_bytes){parameter.data + name.bytes, parameter.bytes - name.bytes}, max,
        number);
}

static void read_keep_alive(struct response_hints *hints, struct ringsend_bytes value)
{
    struct ringsend_bytes parameter;
    uint64_t seconds;
    while (list_next(&value, &parameter)) {
        if (parameter_is(parameter, SPAN("timeout="), DELTA_SECONDS_MAX, &seconds)) {
            hints->has_keep_alive_s = true;
            hints->keep_alive_s = (uint32_t)seconds;
        }
    }
}

static void read_retry_after(struct response_hints *hints, struct ringsend_bytes value)
{
    uint64_t seconds;
    hints->retry_after_is_date = false;
    if (span_decimal(value, DELTA_SECONDS_MAX, &seconds)) {
        hints->has_retry_after = true;
        hints->retry_after_s = (int64_t)seconds;
    } else {
        hints->has_retry_after = hints->retry_after_is_date =
            date_read(value, &hints->retry_after_s);
    }
}

/* A number with perhaps a fraction, which is rounded up. */
static bool read_rounded_up(struct ringsend_bytes value, uint64_t *number)
{
    const char *point = memchr(value.data, '.', value.bytes);
    uint64_t fraction;
    if (!point)
        return span_decimal(value, RESET_MAX, number);
    size_t before = (size_t)(point - value.data);
    if (!span_decimal((struct ringsend_bytes){value.data, before}, RESET_MAX, number) ||
        !span_decimal((struct ringsend_bytes){point + 1, value.bytes - before - 1}, 1, &fraction))
        return false;
    *number += fraction;
    return true;
}

static void read_reset(struct response_hints *hints, struct ringsend_bytes value)
{
    uint64_t number;
    if (value.bytes == 0 || !read_rounded_up(value, &number))
        return;
    hints->has_reset = true;
    hints->reset_s = (int64_t)number;
    hints->reset_is_date = hints->reset_s >= EPOCH_S_MIN;
    if (hints->reset_s >= EPOCH_MS_MIN)
        hints->reset_s = (hints->reset_s + 999) / 1000;
}

/* Items with parameters, RFC 9651: of each limit its name, what remains, and when it is reset. The
 * longest wait for one that is used up counts. */
static void read_limit(struct response_hints *hints, struct ringsend_bytes value)
{
    struct ringsend_bytes item;
    while (list_next(&value, &item)) {
        bool used_up = false, has_reset = false;
        uint64_t number, reset_s = 0;
        while (item.bytes > 0) {
            const char *end = memchr(item.data, ';', item.bytes);
            size_t bytes = end ? (size_t)(end - item.data) : item.bytes;
            struct ringsend_bytes parameter = span_trim((struct ringsend_bytes){item.data, bytes});
            if (parameter_is(parameter, SPAN("r="), 1, &number))
                used_up = number == 0;
            if (parameter_is(parameter, SPAN("t="), DELTA_SECONDS_MAX, &number)) {
                has_reset = true;
                reset_s = number;
            }
            item.data += bytes + (end != NULL);
            item.bytes -= bytes + (end != NULL);
        }
        if (!used_up || !has_reset)
            continue;
        if (!hints->used_up || !hints->has_reset || (int64_t)reset_s > hints->reset_s)
            hints->reset_s = (int64_t)reset_s;
        hints->used_up = hints->has_reset = true;
        hints->reset_is_date = false;
    }
}

void response_hints_read(struct response_hints *hints, enum hint_kind kind,
                         struct ringsend_bytes value)
{
    uint64_t number;
    switch (kind) {
    case HINT_NONE:
        return;
    case HINT_KEEP_ALIVE:
        read_keep_alive(hints, value);
        return;
    case HINT_RETRY_AFTER:
        read_retry_after(hints, value);
        return;
    case HINT_REMAINING:
        hints->used_up |= span_decimal(value, 1, &number) && number == 0;
        return;
    case HINT_RESET:
        read_reset(hints, value);
        return;
    case HINT_LIMIT:
        read_limit(hints, value);
        return;
    }
    UNREACHABLE("hint kind");
}
