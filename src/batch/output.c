#include "batch/output.h"

int output_open(struct output *o, struct ringsend *engine, struct buf_pool *pool, int results_fd,
                int failed_fd)
{
    *o = (struct output){.pool = pool, .has_failed = failed_fd >= 0};
    int error = sink_open(&o->results, engine, pool, results_fd);
    if (error == 0 && o->has_failed) {
        error = sink_open(&o->failed, engine, pool, failed_fd);
        o->failed_broke = error != 0;
    }
    return error;
}

void output_put(struct output *o, uint64_t now_ns, const struct result_line *line,
                struct ringsend_bytes record)
{
    sink_added(&o->results, now_ns, result_line_write(line, o->pool, sink_buffer(&o->results)));
    if (!line->ok && o->has_failed && record.bytes > 0)
        sink_put(&o->failed, now_ns, record);
}

void output_turn(struct output *o, uint64_t now_ns, bool flush)
{
    sink_turn(&o->results, now_ns, flush);
    if (o->has_failed)
        sink_turn(&o->failed, now_ns, flush);
}

uint64_t output_wait_ns(const struct output *o, uint64_t now_ns)
{
    uint64_t wait = sink_wait_ns(&o->results, now_ns);
    uint64_t other = o->has_failed ? sink_wait_ns(&o->failed, now_ns) : wait;
    return wait < other ? wait : other;
}

bool output_has_room(const struct output *o)
{
    return sink_has_room(&o->results) && (!o->has_failed || sink_has_room(&o->failed));
}

bool output_is_idle(const struct output *o)
{
    return sink_is_idle(&o->results) && (!o->has_failed || sink_is_idle(&o->failed));
}

int output_error(struct output *o)
{
    if (o->results.error)
        return o->results.error;
    o->failed_broke = o->failed.error != 0;
    return o->failed.error;
}

void output_close(struct output *o)
{
    sink_close(&o->results);
    sink_close(&o->failed);
}
