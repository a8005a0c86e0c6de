/* Redirects (RFC 9110 15.4): what the request becomes that goes where one leads. Pure. */
#ifndef RINGSEND_HTTP_REDIRECT_H
#define RINGSEND_HTTP_REDIRECT_H

#include "base/span.h"
#include "http/url.h"

#include <stdbool.h>

/* Those that are followed. 300 leaves the choice to people, 304 and 305 lead nowhere. */
bool redirect_is(int status);
/* The method becomes GET, and the body goes: what curl does. 307 and 308 keep both. */
bool redirect_to_get(int status, struct ringsend_bytes method);
/* Scheme, host and port are the same. */
bool redirect_is_same_origin(const struct url *a, const struct url *b);
/* Whether a field goes along: not those about a body that is gone, and to a stranger none that says
 * who asks, nor whom it was for. */
bool redirect_keeps(struct ringsend_bytes name, bool body_gone, bool to_stranger);

#endif
