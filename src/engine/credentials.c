#include "engine/credentials.h"

#include "base/check.h"
#include "base/span.h"
#include "engine/engine.h"
#include "engine/request.h"
#include "uring/ring.h"

void engine_use_credentials(struct ringsend *e, struct credentials *credentials)
{
    CHECK(e->requests_mark == 0);
    e->credentials = credentials;
}

static bool says_itself(const struct head *head)
{
    for (size_t i = 0; i < head->fields_count; i++) {
        if (span_equal_nocase(head->fields[i].name, SPAN("authorization")))
            return true;
    }
    return false;
}

enum ringsend_error credentials_sign(struct request *r, struct buf *head)
{
    struct ringsend *e = r->engine;
    struct credentials *c = e->credentials;
    r->attempt.token = 0;
    if (!c || r->to_stranger || says_itself(&r->head))
        return RINGSEND_OK;
    CHECK(head->bytes == r->head.bytes && head->bytes > 2);
    head->bytes -= 2; /* the empty line goes behind them */
    enum ringsend_error error =
        c->add(c, &r->head, request_body(r), ring_wall_ms(e->ring) / (int64_t)MS_PER_S, &e->bufs,
               head, &r->attempt.token);
    if (error == RINGSEND_OK && !buf_append(&e->bufs, head, "\r\n", 2))
        error = RINGSEND_E_NO_MEMORY;
    return error;
}
