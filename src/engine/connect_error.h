/* What a failed connect says. */
#ifndef RINGSEND_ENGINE_CONNECT_ERROR_H
#define RINGSEND_ENGINE_CONNECT_ERROR_H

#include "ringsend.h"

#include <stdbool.h>
#include <stdint.h>

struct conn;

/* As the result of the attempt: `result` is a negated errno. */
enum ringsend_error connect_error(const struct conn *c, int32_t result);
const char *connect_detail(const struct conn *c, int32_t result); /* static text, or null */
/* It failed for want of something that comes back when others give it back, and says nothing of the
 * peer. */
bool connect_is_short(const struct conn *c, int32_t result);

#endif
