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
const char *plural(uint64_t count);             /* "s", or nothing for one */

#endif
