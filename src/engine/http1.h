/* What HTTP/1.1 makes of a connection and its exchanges: see http1.c. */
#ifndef RINGSEND_ENGINE_HTTP1_H
#define RINGSEND_ENGINE_HTTP1_H

#include "base/errors.h"
#include "base/list.h"
#include "engine/conn.h"
#include "engine/exchange.h"
#include "http/response.h"
#include "ringsend.h"

#include <stdbool.h>
#include <stddef.h>

/* The one that it carries; null: none. */
static inline struct exchange *http1_exchange(const struct conn *c)
{
    return list_empty(&c->exchanges) ? NULL : LIST_OWNER(c->exchanges.next, struct exchange, node);
}

/* Bytes came before anything was sent, which will not be now. */
enum ringsend_error http1_unasked(const struct conn *c, const char **detail);
/* Before the first byte of a response that follows another one. */
void http1_pass_over_blank_lines(struct exchange *x, struct ringsend_bytes *plain);
/* The response of the exchange is complete, and nothing is owed: may the connection carry another
 * one? Learns from how it was left whether the peer keeps its promises. */
bool http1_stays(struct exchange *x);
/* The exchange shows by that end that its reused connection was dead already. */
bool http1_is_stale(enum ringsend_error error, const struct response *response);

#endif
