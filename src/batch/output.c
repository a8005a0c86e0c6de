#include "batch/output.h"

#include "base/check.h"
#include "batch/result_csv.h"

/* A table begins with its head, unless it goes on with one that is there. */
static void begin_results(struct output *o)
{
    if (o->options.form == RESULT_CSV && o->results.end_bytes == 0)
        sink_preface(&o->results, result_csv_write_header(o->pool, sink_buffer(&o->results)));
}

int output_open(struct output *o, struct ringsend *engine, struct buf_pool *pool,
                const struct output_options *options)
{
    *o = (struct output){.options = *options,
                         .pool = pool,
                         .has_failed = options->failed_fd >= 0,
                         .has_words = options->words_fd >= 0};
    static const enum sink_shape shapes[] = {
        [RESULT_JSON] = SINK_LINES, [RESULT_CSV] = SINK_ROWS, [RESULT_WORDS] = SINK_TEXT};
    int error = sink_open(&o->results, engine, pool, options->results_fd, shapes[options->form]);
    o->broken = &o->results;
    if (error == 0 && o->has_words) {
        o->broken = &o->words;
        error = sink_open(&o->words, engine, pool, options->words_fd, SINK_TEXT);
    }
    if (error == 0 && o->has_failed) {
        o->broken = &o->failed;
        error = sink_open(&o->failed, engine, pool, options->failed_fd, SINK_LINES);
    }
    if (error == 0) {
        o->broken = NULL;
        begin_results(o);
    }
    return error;
}

static bool put_result(struct output *o, const struct result_line *line)
{
    struct buf *out = sink_buffer(&o->results);
    switch (o->options.form) {
    case RESULT_JSON:
        return result_line_write(line, o->pool, out);
    case RESULT_CSV:
        return result_csv_write(line, o->pool, out);
    case RESULT_WORDS:
        return write_out_put(o->options.words, line, o->pool, out);
    }
    UNREACHABLE("result form");
}

void output_put(struct output *o, uint64_t now_ns, struct result_line *line,
                struct ringsend_bytes record)
{
    const struct ringsend_header *headers = line->headers;
    if (!o->options.headers && o->options.form != RESULT_WORDS)
        line->headers = NULL;
    line->without_body = o->options.without_body;
    sink_added(&o->results, now_ns, put_result(o, line));
    line->headers = headers;
    if (o->has_words)
        sink_added(&o->words, now_ns,
                   write_out_put(o->options.words, line, o->pool, sink_buffer(&o->words)));
    if (!line->ok && o->has_failed && record.bytes > 0)
        sink_put(&o->failed, now_ns, record);
}

void output_turn(struct output *o, uint64_t now_ns, bool flush)
{
    sink_turn(&o->results, now_ns, flush);
    if (o->has_words)
        sink_turn(&o->words, now_ns, flush);
    if (o->has_failed)
        sink_turn(&o->failed, now_ns, flush);
}

uint64_t output_wait_ns(const struct output *o, uint64_t now_ns)
{
    uint64_t wait = sink_wait_ns(&o->results, now_ns);
    uint64_t failed = o->has_failed ? sink_wait_ns(&o->failed, now_ns) : wait;
    uint64_t words = o->has_words ? sink_wait_ns(&o->words, now_ns) : wait;
    wait = wait < failed ? wait : failed;
    return wait < words ? wait : words;
}

bool output_has_room(const struct output *o)
{
    return sink_has_room(&o->results) && (!o->has_failed || sink_has_room(&o->failed)) &&
           (!o->has_words || sink_has_room(&o->words));
}

bool output_is_idle(const struct output *o)
{
    return sink_is_idle(&o->results) && (!o->has_failed || sink_is_idle(&o->failed)) &&
           (!o->has_words || sink_is_idle(&o->words));
}

int output_error(struct output *o)
{
    o->broken = o->results.error  ? &o->results
                : o->words.error  ? &o->words
                : o->failed.error ? &o->failed
                                  : NULL;
    return o->broken ? o->broken->error : 0;
}

void output_close(struct output *o)
{
    sink_close(&o->results);
    sink_close(&o->words);
    sink_close(&o->failed);
}
