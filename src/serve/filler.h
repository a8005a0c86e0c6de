/* Filler: a body of any length of which each part can be made alone. Its lines have 16 bytes and
 * tell where in the body they stand, as 15 hexadecimal digits, so that what is lost or doubled on
 * its way shows. */
#ifndef RINGSEND_SERVE_FILLER_H
#define RINGSEND_SERVE_FILLER_H

#include <stddef.h>
#include <stdint.h>

/* The part from offset `at` on. */
void filler_write(uint64_t at, char *out, size_t bytes);

#endif
