/* Numbers as they stand in JSON, compared by their value and not by way of a double: exact for
 * 64-bit ids and for 0.1, whatever the locale, in one pass over both. */
#ifndef RINGSEND_BASE_DECIMAL_H
#define RINGSEND_BASE_DECIMAL_H

#include "base/span.h"

#include <stdbool.h>

/* True when the whole text is one number of JSON's grammar (RFC 8259 section 6). */
bool decimal_is_valid(struct ringsend_bytes text);
/* Below, at or above 0 as a is less than, equal to or greater than b. Both must be valid. Exponents
 * beyond 10^17 count as 10^17. */
int decimal_compare(struct ringsend_bytes a, struct ringsend_bytes b);

#endif
