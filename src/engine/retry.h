/* Which outcomes another try may help, and when. */
#ifndef RINGSEND_ENGINE_RETRY_H
#define RINGSEND_ENGINE_RETRY_H

#include "http/response_hints.h"
#include "ringsend.h"

#include <stdbool.h>
#include <stdint.h>

struct ringsend;

void retry_init(struct ringsend *e);
bool retry_may_help(const struct ringsend *e, enum ringsend_error error, int status);
/* The same, as the response itself says of a new try. A yes holds where the options say nothing
 * of the status. */
bool retry_is_wanted(const struct ringsend *e, enum hint_retry said, int status, bool helps);
/* By it the platform says that it has too much, and Retry-After is about all requests. */
bool retry_is_overload(int status);
/* By it the peer says that it did not process the request, whatever became of the response's body.
 */
bool retry_is_declined(int status);
/* The peer may have acted on the request although there is no good answer. */
bool retry_is_doubtful(enum ringsend_error error, int status);
/* Nothing shows that it has not. */
bool retry_may_double(enum ringsend_error error, int status);
/* The platform says that it has too much. */
bool retry_is_pushed_back(enum ringsend_error error, int status);
/* A clock ran out. */
bool retry_is_silence(enum ringsend_error error);
/* The connection died before a response: on a reused one that is no fault of this request. */
bool retry_is_connection_loss(enum ringsend_error error);
/* How long to wait before try `attempt` + 1. */
uint64_t retry_wait_ns(struct ringsend *e, uint32_t attempt, uint64_t retry_after_ns);

#endif
