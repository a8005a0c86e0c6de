#include "cli/units.h"

#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { DECIMALS_MAX = 9 };

struct unit {
    double size;
    const char *name;
};

/* Whole numbers stand without any. */
static int decimals_of(double number)
{
    return number >= 100 || number == (double)(long)number ? 0 : number >= 10 ? 1 : 2;
}

/* As many as tell two numbers apart, if that is more. */
static int decimals_beside(double number, double other)
{
    struct units_text a, b;
    int decimals = decimals_of(number);
    for (; number != other && decimals < DECIMALS_MAX; decimals++) {
        snprintf(a.chars, sizeof a.chars, "%.*f", decimals, number);
        snprintf(b.chars, sizeof b.chars, "%.*f", decimals, other);
        if (strcmp(a.chars, b.chars) != 0)
            break;
    }
    return decimals;
}

/* The largest unit of the list that is not larger than the amount, or the last, smallest one. */
static const struct unit *unit_of(double amount, const struct unit *units)
{
    while (units[1].name && amount < units->size * 0.9995)
        units++;
    return units;
}

/* Rounded to three digits, or to as many as tell it from the other in the same unit. */
static struct units_text in_units(double amount, double other, const struct unit *units)
{
    const struct unit *unit = unit_of(amount, units);
    double number = amount / unit->size;
    int decimals = unit == unit_of(other, units) ? decimals_beside(number, other / unit->size)
                                                 : decimals_of(number);
    struct units_text text;
    snprintf(text.chars, sizeof text.chars, "%.*f %s", decimals, number, unit->name);
    return text;
}

struct units_text duration_text_beside(uint64_t ns, uint64_t other_ns)
{
    static const struct unit units[] = {{NS_PER_HOUR, "h"}, {NS_PER_MINUTE, "min"}, {NS_PER_S, "s"},
                                        {NS_PER_MS, "ms"},  {NS_PER_US, "us"},      {1, "ns"},
                                        {0, NULL}};
    return in_units((double)ns, (double)other_ns, units);
}

struct units_text duration_text(uint64_t ns)
{
    return duration_text_beside(ns, ns);
}

struct units_text bytes_text(uint64_t bytes)
{
    static const struct unit units[] = {{1e12, "TB"}, {1e9, "GB"},  {1e6, "MB"},
                                        {1e3, "kB"},  {1, "bytes"}, {0, NULL}};
    return in_units((double)bytes, (double)bytes, units);
}

struct units_text rate_text_beside(double per_second, double other)
{
    struct units_text text;
    snprintf(text.chars, sizeof text.chars, "%.*f", decimals_beside(per_second, other), per_second);
    return text;
}

struct units_text rate_text(double per_second)
{
    return rate_text_beside(per_second, per_second);
}

struct units_text share_text_beside(double share, double other)
{
    struct units_text text;
    bool is_told_apart = other == share || other >= 0.00005;
    if (share > 0 && share < 0.00005 && is_told_apart)
        snprintf(text.chars, sizeof text.chars, "<0.01 %%");
    else
        snprintf(text.chars, sizeof text.chars, "%.*f %%",
                 decimals_beside(share * 100, other * 100), share * 100);
    return text;
}

struct units_text share_text(double share)
{
    return share_text_beside(share, share);
}

const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}
