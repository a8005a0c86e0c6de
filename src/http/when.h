/* How peers say when: numbers with a unit, durations, dates. Pure readers of header values; what
 * cannot be understood is no time. None looks at the locale. */
#ifndef RINGSEND_HTTP_WHEN_H
#define RINGSEND_HTTP_WHEN_H

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

/* What is longer, or later, becomes this: the year 9999 and some thousands. */
#define WHEN_MS_MAX (INT64_C(1) << 47)

/* "7", "1.5" of a unit of so many microseconds, rounded up to a millisecond. */
bool when_number(struct ringsend_bytes text, uint64_t unit_us, int64_t *ms);
/* "6m0s", "120ms", "1h2m3.5s": numbers with a unit each, as Go prints a time.Duration. */
bool when_duration(struct ringsend_bytes text, int64_t *ms);
/* Since 1970. The three forms of RFC 9110 5.6.7, the first two with UTC or an offset (+0000) for
 * GMT as well, and RFC 3339's. */
bool when_date(struct ringsend_bytes text, int64_t *ms);

#endif
