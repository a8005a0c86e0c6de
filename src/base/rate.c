#include "base/rate.h"

#include "base/duration.h"
#include "base/time.h"

#include <stddef.h>
#include <string.h>

enum { FRACTION_DIGITS_MAX = 9 };

/* What stands behind the slash. */
static bool read_period(struct ringsend_bytes text, uint64_t *per_ns)
{
    char one[16] = "1";
    if (duration_parse(text, per_ns))
        return true;
    if (text.bytes == 0 || text.bytes > sizeof one - 1)
        return false;
    memcpy(one + 1, text.data, text.bytes);
    return duration_parse((struct ringsend_bytes){one, text.bytes + 1}, per_ns);
}

/* Digits from *at on are added to *count; returns how many there were, or 0 when they are too many.
 */
static size_t read_digits(struct ringsend_bytes text, size_t *at, uint64_t *count)
{
    size_t start = *at;
    for (; *at < text.bytes && text.data[*at] >= '0' && text.data[*at] <= '9'; ++*at)
        if (__builtin_mul_overflow(*count, 10, count) ||
            __builtin_add_overflow(*count, (uint64_t)(text.data[*at] - '0'), count))
            return 0;
    return *at - start;
}

bool rate_parse(struct ringsend_bytes text, struct rate *rate)
{
    uint64_t count = 0, per_ns = NS_PER_S;
    size_t at = 0, fraction = 0;
    if (read_digits(text, &at, &count) == 0)
        return false;
    if (at < text.bytes && text.data[at] == '.') {
        at++;
        fraction = read_digits(text, &at, &count);
        if (fraction == 0 || fraction > FRACTION_DIGITS_MAX)
            return false;
    }
    if (at < text.bytes && text.data[at] == '/' &&
        !read_period((struct ringsend_bytes){text.data + at + 1, text.bytes - at - 1}, &per_ns))
        return false;
    if ((at < text.bytes && text.data[at] != '/') || count == 0 || per_ns == 0)
        return false;
    for (; fraction > 0; fraction--) {
        bool shortens = count % 10 == 0;
        if (shortens)
            count /= 10;
        else if (__builtin_mul_overflow(per_ns, 10, &per_ns))
            return false;
    }
    *rate = (struct rate){count, per_ns};
    return true;
}

double rate_per_s(const struct rate *rate)
{
    return (double)rate->count * NS_PER_S / (double)rate->per_ns;
}
