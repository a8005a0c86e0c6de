/* The error table of ringsend.h, for the rooms that do not go through that door, and its columns
 * that only the engine reads. The table stands in the public header because embedders read it too.
 */
#ifndef RINGSEND_BASE_ERRORS_H
#define RINGSEND_BASE_ERRORS_H

#include "ringsend.h"

#include <stdbool.h>

/* Can an attempt end so? Else it is an error of a call, of a record, or the end by decision. */
bool error_is_of_attempt(enum ringsend_error error);
/* May another try help? */
bool error_is_retryable(enum ringsend_error error);
/* Can the peer have got anything of the request? */
bool error_is_after_sending(enum ringsend_error error);
/* In which part of the work it happens: "connect", "head" ... */
const char *error_phase(enum ringsend_error error);

#endif
