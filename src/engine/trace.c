/* The attempt trace: what became of each attempt of a request, and what it then waited for. Kept
 * only with store_attempts. When memory is out the list stays short; the request goes on. */
#include "engine/trace.h"

#include "base/buf.h"
#include "engine/attempt.h"
#include "engine/engine.h"
#include "engine/request.h"
#include "ringsend.h"

const char *ringsend_wait_name(enum ringsend_wait wait)
{
    static const char *const names[RINGSEND_WAIT_COUNT] = {
        [RINGSEND_WAIT_NONE] = "none",       [RINGSEND_WAIT_FREE] = "free",
        [RINGSEND_WAIT_BACKOFF] = "backoff", [RINGSEND_WAIT_RETRY_AFTER] = "retry_after",
        [RINGSEND_WAIT_RATE] = "rate",       [RINGSEND_WAIT_BUDGET] = "budget",
        [RINGSEND_WAIT_PAUSE] = "pause",     [RINGSEND_WAIT_REDIRECT] = "redirect",
        [RINGSEND_WAIT_COST] = "cost",
    };
    return (unsigned)wait < RINGSEND_WAIT_COUNT ? names[wait] : "unknown";
}

static struct ringsend_attempt *last_of(struct request *r)
{
    return r->trace.bytes == 0
               ? NULL
               : (struct ringsend_attempt *)(void *)(r->trace.data + r->trace.bytes) - 1;
}

void trace_attempt_over(struct request *r)
{
    struct ringsend *e = r->engine;
    const struct attempt *a = &r->attempt;
    r->wait = RINGSEND_WAIT_NONE;
    if (!e->options.store_attempts)
        return;
    struct ringsend_attempt attempt = {.began_ns = a->began_ns - r->submitted_ns,
                                       .dns_ns = r->dns_ns,
                                       .connect_ns = a->times.connect_ns,
                                       .tls_ns = a->times.tls_ns,
                                       .first_byte_ns = a->times.first_byte_ns,
                                       .total_ns = e->now_ns - a->began_ns,
                                       .error = a->outcome,
                                       .status = a->status,
                                       .reused = a->reused,
                                       .pause_ns = a->pause_ns};
    buf_append(&e->bufs, &r->trace, &attempt, sizeof attempt);
}

void trace_waited(struct request *r, uint64_t until_ns)
{
    struct ringsend_attempt *last = last_of(r);
    if (!last || last->wait != RINGSEND_WAIT_NONE)
        return;
    last->wait = r->wait;
    last->wait_ns = until_ns - r->submitted_ns - last->began_ns - last->total_ns;
}

void trace_publish(struct request *r)
{
    r->result.attempts_list = (const void *)r->trace.data;
    r->result.attempts_list_count = r->trace.bytes / sizeof(struct ringsend_attempt);
}
