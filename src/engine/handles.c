/* What the host does to a request that is on its way, which it knows by its handle: a handle of a
 * request that has its result already is no error, and nothing happens. */
#include "base/errors.h"
#include "engine/engine.h"
#include "engine/request.h"
#include "engine/stream.h"
#include "engine/task.h"
#include "ringsend.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int ringsend_cancel(struct ringsend *e, uint64_t handle)
{
    struct request *r;
    engine_check_thread(e);
    if (!request_find(e, handle, &r))
        return -RINGSEND_E_INVALID;
    if (r) {
        r->cancel_asked = true;
        task_wake(e, &r->task);
    }
    return 0;
}

int ringsend_body(struct ringsend *e, uint64_t handle, struct ringsend_bytes piece, bool last)
{
    struct request *r;
    engine_check_thread(e);
    if (!request_find(e, handle, &r))
        return -RINGSEND_E_INVALID;
    return r ? stream_give(r, piece, last) : 0;
}

int ringsend_hold(struct ringsend *e, uint64_t handle, bool hold)
{
    struct request *r;
    engine_check_thread(e);
    if (!request_find(e, handle, &r))
        return -RINGSEND_E_INVALID;
    return r ? stream_hold(r, hold) : 0;
}
