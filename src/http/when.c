#include "http/when.h"

#include "base/check.h"
#include "base/time.h"
#include "http/fields.h"

#include <time.h>

/* ---- Numbers and durations ---- */

/* Takes n off the front. */
static void skip(struct ringsend_bytes *text, size_t n)
{
    text->data += n;
    text->bytes -= n;
}

static bool take_char(struct ringsend_bytes *text, char c)
{
    if (text->bytes == 0 || text->data[0] != c)
        return false;
    skip(text, 1);
    return true;
}

struct number {
    uint64_t whole;
    uint32_t millionths; /* rounded up */
};

/* Digits behind a point. */
static bool take_fraction(struct ringsend_bytes *text, uint32_t *millionths)
{
    uint32_t scale = 1000000;
    bool any = false, more = false;
    *millionths = 0;
    for (; text->bytes > 0 && is_digit(text->data[0]); skip(text, 1)) {
        scale /= 10;
        *millionths += scale * (uint32_t)(text->data[0] - '0');
        more |= scale == 0 && text->data[0] != '0';
        any = true;
    }
    *millionths += more;
    return any;
}

/* Digits, and perhaps a point with digits behind it. */
static bool take_decimal(struct ringsend_bytes *text, struct number *n)
{
    bool any = false;
    *n = (struct number){0};
    for (; text->bytes > 0 && is_digit(text->data[0]); skip(text, 1)) {
        n->whole = n->whole * 10 + (uint64_t)(text->data[0] - '0');
        n->whole = n->whole < WHEN_MS_MAX ? n->whole : WHEN_MS_MAX;
        any = true;
    }
    return any && (!take_char(text, '.') || take_fraction(text, &n->millionths));
}

static int64_t ms_of(struct number n, uint64_t unit_us)
{
    uint64_t us;
    CHECK(unit_us <= S_PER_DAY * US_PER_S);
    if (__builtin_mul_overflow(n.whole, unit_us, &us))
        return WHEN_MS_MAX;
    us += (n.millionths * unit_us + US_PER_S - 1) / US_PER_S;
    uint64_t ms = (us + US_PER_MS - 1) / US_PER_MS;
    return ms < WHEN_MS_MAX ? (int64_t)ms : WHEN_MS_MAX;
}

bool when_number(struct ringsend_bytes text, uint64_t unit_us, int64_t *ms)
{
    struct number n;
    if (!take_decimal(&text, &n) || text.bytes > 0)
        return false;
    *ms = ms_of(n, unit_us);
    return true;
}

/* The longer names first. Nanoseconds count as microseconds: nobody waits for either. */
static uint64_t take_unit_us(struct ringsend_bytes *text)
{
    static const struct {
        struct ringsend_bytes name;
        uint64_t us;
    } units[] = {{{"ms", 2}, US_PER_MS},
                 {{"us", 2}, 1},
                 {{"\xc2\xb5s", 3}, 1},
                 {{"ns", 2}, 1},
                 {{"d", 1}, S_PER_DAY * US_PER_S},
                 {{"h", 1}, S_PER_HOUR * US_PER_S},
                 {{"m", 1}, S_PER_MINUTE * US_PER_S},
                 {{"s", 1}, US_PER_S}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        struct ringsend_bytes name = units[i].name;
        if (text->bytes >= name.bytes && memcmp(text->data, name.data, name.bytes) == 0) {
            skip(text, name.bytes);
            return units[i].us;
        }
    }
    return 0;
}

bool when_duration(struct ringsend_bytes text, int64_t *ms)
{
    int64_t sum = 0;
    if (text.bytes == 0)
        return false;
    while (text.bytes > 0) {
        struct number n;
        if (!take_decimal(&text, &n))
            return false;
        uint64_t unit_us = take_unit_us(&text);
        if (unit_us == 0)
            return false;
        sum += ms_of(n, unit_us);
        sum = sum < WHEN_MS_MAX ? sum : WHEN_MS_MAX;
    }
    *ms = sum;
    return true;
}

/* ---- Dates ---- */

struct date {
    struct tm tm;
    uint32_t millionths; /* of a second */
    int offset_minutes;  /* east of Greenwich */
};

static bool take_digits(struct ringsend_bytes *text, size_t digits, int *value)
{
    uint64_t number;
    if (text->bytes < digits ||
        !span_decimal((struct ringsend_bytes){text->data, digits}, INT16_MAX, &number))
        return false;
    skip(text, digits);
    *value = (int)number;
    return true;
}

static bool take_month(struct ringsend_bytes *text, int *month)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int i = 0; text->bytes >= 3 && i < 12; i++) {
        if (memcmp(text->data, months + i * 3, 3) == 0) {
            *month = i;
            skip(text, 3);
            return true;
        }
    }
    return false;
}

/* "GMT", "UTC", "Z"; "+0100", "+01:00". */
static bool take_zone(struct ringsend_bytes *text, int *minutes)
{
    int sign = text->bytes > 0 && text->data[0] == '-' ? -1 : 1, hours;
    if (span_equal(*text, SPAN("GMT")) || span_equal(*text, SPAN("UTC")) ||
        span_equal_nocase(*text, SPAN("Z"))) {
        skip(text, text->bytes);
        return true;
    }
    if ((!take_char(text, '+') && !take_char(text, '-')) || !take_digits(text, 2, &hours))
        return false;
    take_char(text, ':');
    if (!take_digits(text, 2, minutes) || *minutes > 59)
        return false;
    *minutes = sign * (hours * 60 + *minutes);
    return true;
}

/* One directive of date_matches. */
static bool take_part(struct ringsend_bytes *text, char directive, struct date *d)
{
    switch (directive) {
    case 'w': /* a day's name: nothing depends on it */
        while (text->bytes > 0 && is_letter(text->data[0]))
            skip(text, 1);
        return true;
    case 'd':
        return take_digits(text, 2, &d->tm.tm_mday);
    case 'e': /* padded with a space */
        return take_digits(text, take_char(text, ' ') ? 1 : 2, &d->tm.tm_mday);
    case 'b':
        return take_month(text, &d->tm.tm_mon);
    case 'm':
        if (!take_digits(text, 2, &d->tm.tm_mon))
            return false;
        return --d->tm.tm_mon >= 0;
    case 'Y':
        if (!take_digits(text, 4, &d->tm.tm_year))
            return false;
        d->tm.tm_year -= 1900;
        return true;
    case 'y': /* no clock here to apply the fifty-year rule with: POSIX's pivot does */
        if (!take_digits(text, 2, &d->tm.tm_year))
            return false;
        d->tm.tm_year += d->tm.tm_year < 69 ? 100 : 0;
        return true;
    case 'H':
        return take_digits(text, 2, &d->tm.tm_hour);
    case 'M':
        return take_digits(text, 2, &d->tm.tm_min);
    case 's': /* Atlassian leaves them out */
        if (!take_char(text, ':'))
            return true;
        __attribute__((fallthrough));
    case 'S':
        return take_digits(text, 2, &d->tm.tm_sec) &&
               (!take_char(text, '.') || take_fraction(text, &d->millionths));
    case 'Z':
        return take_zone(text, &d->offset_minutes);
    case 'T':
        return take_char(text, 'T') || take_char(text, 't') || take_char(text, ' ');
    }
    UNREACHABLE("date directive");
}

static bool date_matches(struct ringsend_bytes text, const char *format, struct date *d)
{
    for (; *format; format++) {
        if (*format == '%' ? !take_part(&text, *++format, d) : !take_char(&text, *format))
            return false;
    }
    return text.bytes == 0;
}

bool when_date(struct ringsend_bytes text, int64_t *ms)
{
    static const char *const formats[] = {
        "%w, %d %b %Y %H:%M:%S %Z", /* IMF-fixdate */
        "%w, %d-%b-%y %H:%M:%S %Z", /* RFC 850 */
        "%w %b %e %H:%M:%S %Y",     /* asctime */
        "%Y-%m-%d%T%H:%M%s%Z",      /* RFC 3339 5.6 */
    };
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        struct date d = {0};
        if (!date_matches(text, formats[i], &d))
            continue;
        if (d.tm.tm_hour > 23 || d.tm.tm_min > 59 || d.tm.tm_sec > 60)
            return false;
        /* timegm would turn 30 February into a day of March. */
        int month = d.tm.tm_mon;
        d.tm.tm_sec = d.tm.tm_sec < 60 ? d.tm.tm_sec : 59;
        int64_t seconds = timegm(&d.tm) - (int64_t)d.offset_minutes * S_PER_MINUTE;
        if (d.tm.tm_mon != month || seconds < 0)
            return false;
        *ms = seconds * (int64_t)MS_PER_S + (d.millionths + US_PER_MS - 1) / US_PER_MS;
        return true;
    }
    return false;
}
