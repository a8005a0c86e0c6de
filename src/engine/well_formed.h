/* Whether a caller's request is one, and the head that it has. */
#ifndef RINGSEND_ENGINE_WELL_FORMED_H
#define RINGSEND_ENGINE_WELL_FORMED_H

#include "ringsend.h"

#include <stdbool.h>

struct head;
struct url_start;

bool request_is_well_formed(const struct ringsend_request *r);
struct ringsend_bytes
request_method(const struct ringsend_request *r); /* its own, or the default */
/* Fills in the head of a well-formed request. `start` is of the URLs before it, or null. */
enum ringsend_error request_make_head(struct head *head, const struct ringsend_request *r,
                                      bool accepts_codings, struct url_start *start,
                                      const char **detail);

#endif
