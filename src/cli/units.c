#include "cli/units.h"

#include "base/time.h"

#include <stddef.h>
#include <stdio.h>

struct unit {
    double size;
    const char *name;
};

/* Whole numbers stand without any. */
static int decimals_of(double number)
{
    return number >= 100 || number == (double)(long)number ? 0 : number >= 10 ? 1 : 2;
}

/* In the largest unit of the list that is not larger than the amount, rounded to three digits; the
 * last one is the smallest. */
static struct units_text in_units(double amount, const struct unit *units)
{
    while (units[1].name && amount < units->size * 0.9995)
        units++;
    double number = amount / units->size;
    struct units_text text;
    snprintf(text.chars, sizeof text.chars, "%.*f %s", decimals_of(number), number, units->name);
    return text;
}

struct units_text duration_text(uint64_t ns)
{
    static const struct unit units[] = {{NS_PER_HOUR, "h"}, {NS_PER_MINUTE, "min"}, {NS_PER_S, "s"},
                                        {NS_PER_MS, "ms"},  {NS_PER_US, "us"},      {1, "ns"},
                                        {0, NULL}};
    return in_units((double)ns, units);
}

struct units_text bytes_text(uint64_t bytes)
{
    static const struct unit units[] = {{1e12, "TB"}, {1e9, "GB"},  {1e6, "MB"},
                                        {1e3, "kB"},  {1, "bytes"}, {0, NULL}};
    return in_units((double)bytes, units);
}

struct units_text rate_text(double per_second)
{
    struct units_text text;
    snprintf(text.chars, sizeof text.chars, "%.*f", decimals_of(per_second), per_second);
    return text;
}

struct units_text share_text(double share)
{
    struct units_text text;
    if (share > 0 && share < 0.00005)
        snprintf(text.chars, sizeof text.chars, "<0.01 %%");
    else
        snprintf(text.chars, sizeof text.chars, "%.*f %%", decimals_of(share * 100), share * 100);
    return text;
}

const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}
