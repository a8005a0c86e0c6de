/* Figures for people: three significant digits, in units that fit the size. */
#ifndef RINGSEND_CLI_UNITS_H
#define RINGSEND_CLI_UNITS_H

#include <stdint.h>

enum { UNITS_TEXT_BYTES = 32 };

struct units_text {
    char chars[UNITS_TEXT_BYTES];
};

struct units_text duration_text(uint64_t ns);   /* "1.53 ms" */
struct units_text bytes_text(uint64_t bytes);   /* "106 kB" */
struct units_text rate_text(double per_second); /* "485", "9.99", "12300" */
struct units_text share_text(double share);     /* "0.12 %" */
/* The same, with more digits where the other amount would look like it. */
struct units_text duration_text_beside(uint64_t ns, uint64_t other_ns);
struct units_text rate_text_beside(double per_second, double other);
struct units_text share_text_beside(double share, double other);
const char *plural(uint64_t count); /* "s", or nothing for one */

#endif
