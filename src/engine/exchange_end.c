/* Ends of an exchange that its connection does not see by itself: one of its clocks is over, or its
 * request wants no more of it. Each ends the connection as well: what would still come on that
 * nobody could tell from the next one's response. */
#include "base/check.h"
#include "base/errors.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/exchange.h"
#include "engine/steps.h"
#include "engine/task.h"
#include "http/response.h"
#include "ringsend.h"

void exchange_abandon(struct exchange *x, enum ringsend_error error)
{
    CHECK(x->request && error != RINGSEND_OK);
    if (x->conn->carrier)
        exchange_end_alone(x, error, NULL);
    else
        conn_abandon(x->conn, error, NULL);
}

void exchange_end_alone(struct exchange *x, enum ringsend_error error, const char *detail)
{
    exchange_ends(x, error, detail);
    exchange_wake(x);
}

/* Static text. */
static const char *phase(const struct exchange *x)
{
    CHECK(x->request && x->send != SEND_NONE);
    if (x->receive >= RECEIVE_DRAINING)
        return "while sending the request, to which a response had come early";
    if (x->receive == RECEIVE_READING)
        return x->response.phase == RESPONSE_HEAD ? "while reading the response head"
                                                  : "while reading the response body";
    if (x->send == SEND_FILLING)
        return "while waiting for the request's body";
    return x->send == SEND_SENT ? "while waiting for the response" : "while sending the request";
}

/* A connection that shuts down has its own reason already. */
enum task_next exchange_expired(struct exchange *x)
{
    struct ringsend *e = x->engine;
    struct conn *c = x->conn;
    CHECK(x->request && x->send != SEND_NONE);
    if (c->step != CONN_READY)
        return TASK_WAIT;
    if (!engine_is_over(e, exchange_deadline_ns(x)) || !exchange_is_seen(x)) {
        exchange_wait(x);
        return TASK_WAIT;
    }
    bool of_attempt = x->receive != RECEIVE_FIRST_BYTE || x->first_byte_at_ns > e->seen_ns;
    enum ringsend_error error = of_attempt              ? RINGSEND_E_TIMEOUT_ATTEMPT
                                : x->send == SEND_BROKE ? x->send_error
                                                        : RINGSEND_E_TIMEOUT_FIRST_BYTE;
    const char *detail = of_attempt ? phase(x) : wire_explains(&c->wire);
    if (c->carrier)
        exchange_end_alone(x, error, detail);
    else
        conn_abandon(c, error, detail);
    return TASK_WAIT;
}
