/* Integers all the way, so that "0.3s" is 300,000,000 ns and not a neighbour of it: the whole part
 * is multiplied by its unit, and each digit of the fraction by a tenth, a hundredth ... of the
 * unit. */
#include "base/duration.h"

#include "base/time.h"

#include <stddef.h>

struct unit {
    struct ringsend_bytes name;
    uint64_t ns;
};

static const struct unit units[] = {
    {{"", 0}, NS_PER_S}, {{"s", 1}, NS_PER_S},      {{"ms", 2}, NS_PER_MS},  {{"us", 2}, NS_PER_US},
    {{"ns", 2}, 1},      {{"m", 1}, NS_PER_MINUTE}, {{"h", 1}, NS_PER_HOUR},
};

static size_t digits_at(struct ringsend_bytes text, size_t at)
{
    size_t end = at;
    while (end < text.bytes && text.data[end] >= '0' && text.data[end] <= '9')
        end++;
    return end - at;
}

bool duration_parse(struct ringsend_bytes text, uint64_t *ns)
{
    size_t whole_digits = digits_at(text, 0);
    size_t at = whole_digits, fraction_digits = 0;
    if (whole_digits > 0 && at < text.bytes && text.data[at] == '.') {
        fraction_digits = digits_at(text, ++at);
        if (fraction_digits == 0)
            return false;
        at += fraction_digits;
    }
    const struct ringsend_bytes name = {text.data + at, text.bytes - at};
    const struct unit *unit = NULL;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (span_equal(units[i].name, name))
            unit = &units[i];
    }
    if (whole_digits == 0 || !unit)
        return false;

    uint64_t total_ns = 0;
    for (size_t i = 0; i < whole_digits; i++) {
        if (__builtin_mul_overflow(total_ns, 10, &total_ns) ||
            __builtin_add_overflow(total_ns, (uint64_t)(text.data[i] - '0'), &total_ns))
            return false;
    }
    if (__builtin_mul_overflow(total_ns, unit->ns, &total_ns))
        return false;
    uint64_t place_ns = unit->ns;
    for (size_t i = whole_digits + 1; i <= whole_digits + fraction_digits; i++) {
        place_ns /= 10;
        if (__builtin_add_overflow(total_ns, place_ns * (uint64_t)(text.data[i] - '0'), &total_ns))
            return false;
    }
    *ns = total_ns;
    return true;
}
