/* With a journal results go out in blocks, one at a time:
 *
 * step             waits for                                 next
 * FILLING          enough lines, or entries, or time         SYNCING_INTENT
 * SYNCING_INTENT   sync: the journal's sync                  WRITING_FAILED
 * WRITING_FAILED   the append of failed lines                WRITING_RESULTS
 * WRITING_RESULTS  the append of results                     SYNCING_RESULTS
 * SYNCING_RESULTS  sync: the results' sync                   SYNCING_FAILED
 * SYNCING_FAILED   sync: the failed lines' sync              FILLING
 * After an error it stays where it is; output_close makes the best of it.
 *
 * The lines of both files that came since the last block are sealed together with the list of their
 * records; the list goes into the journal, and only then is a byte of them written. Whatever ends
 * that in between, the list and the files' sizes tell which records have their results (journal.c).
 * The syncs are for the loss of power: the list is durable before the lines are, and these before
 * they count as done. */
#include "results/output.h"

#include "base/check.h"
#include "results/result_csv.h"
#include "results/tail.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* Lines in a block may be short, or even empty: their count is a reason to write them, too. */
enum { ENTRIES_ENOUGH = 1024 };
_Static_assert((int)ENTRIES_ENOUGH < (int)JOURNAL_BLOCK_MAX,
               "a block of what is in flight comes on top");

#ifdef RINGSEND_SLOW_CHECKS
static const char *const names[] = {OUTPUT_STEPS(STEP_NAMES)};
static const struct machine machine_output = {"output", names};
#endif

static size_t entries_count(const struct output *o)
{
    return o->entries.bytes / sizeof(struct journal_entry);
}

static bool format_result(const struct output_options *options, struct buf_pool *pool,
                          struct result_line *line, struct buf *out)
{
    const struct ringsend_header *headers = line->headers;
    const struct ringsend_attempt *trace = line->trace;
    bool done = false;
    if (!options->trace)
        line->trace = NULL;
    if (!options->headers && options->form != RESULT_WRITE_OUT)
        line->headers = NULL;
    line->without_body = options->without_body;
    switch (options->form) {
    case RESULT_JSON:
        done = result_line_write(line, pool, out);
        break;
    case RESULT_CSV:
        done = result_csv_write(line, pool, out);
        break;
    case RESULT_WRITE_OUT:
        done = write_out_put(options->write_out, line, pool, out);
        break;
    }
    line->headers = headers;
    line->trace = trace;
    return done;
}

bool output_format(const struct output_options *options, struct buf_pool *pool,
                   struct result_line *line, struct buf *result, struct buf *write_out)
{
    return format_result(options, pool, line, result) &&
           (options->write_out_fd < 0 || write_out_put(options->write_out, line, pool, write_out));
}

static struct ringsend_bytes end_of(const struct buf *b, size_t bytes)
{
    return (struct ringsend_bytes){b->data + (b->bytes - bytes), bytes};
}

/* Of what was added last to the two buffers. Their bytes may be lost with the power alone. */
static void put_entry(struct output *o, uint64_t number, size_t result_bytes, size_t failed_bytes,
                      bool is_not_ok)
{
    struct journal_entry entry = {.record = number,
                                  .result_bytes = result_bytes,
                                  .is_not_ok = is_not_ok,
                                  .failed_bytes = failed_bytes};
    if (!o->journal || o->results.error || o->failed.error)
        return;
    if (o->options.sync)
        entry.check = journal_check(end_of(&o->results.filling, result_bytes),
                                    failed_bytes > 0 ? end_of(&o->failed.filling, failed_bytes)
                                                     : (struct ringsend_bytes){0});
    buf_append(o->pool, &o->entries, &entry, sizeof entry);
}

/* Room for the entry first: a line without one would be a result too many. */
static bool has_entry_room(struct output *o)
{
    return !o->journal || buf_reserve(o->pool, &o->entries, sizeof(struct journal_entry));
}

/* A table begins with its head, unless it goes on with one that is there. */
void output_begin_results(struct output *o)
{
    struct buf *out = sink_buffer(&o->results);
    if (o->results_begun)
        return;
    o->results_begun = true;
    if (o->options.form != RESULT_CSV || o->results.end_bytes > 0)
        return;
    sink_preface(&o->results,
                 has_entry_room(o) && result_csv_write_header(o->input_columns, o->pool, out));
    put_entry(o, JOURNAL_NO_RECORD, out->bytes, 0, false);
}

static int open_sinks(struct output *o, struct ringsend *engine)
{
    static const enum sink_shape shapes[] = {
        [RESULT_JSON] = SINK_LINES, [RESULT_CSV] = SINK_ROWS, [RESULT_WRITE_OUT] = SINK_TEXT};
    const struct output_options *options = &o->options;
    int error = sink_open(&o->results, engine, o->pool, options->results_fd, shapes[options->form]);
    o->broken = &o->results;
    if (error == 0 && o->has_write_out) {
        o->broken = &o->write_out;
        error = sink_open(&o->write_out, engine, o->pool, options->write_out_fd, SINK_TEXT);
    }
    if (error == 0 && o->has_failed) {
        o->broken = &o->failed;
        error = sink_open(&o->failed, engine, o->pool, options->failed_fd, SINK_LINES);
    }
    return error;
}

int output_open(struct output *o, struct ringsend *engine, struct buf_pool *pool,
                const struct output_options *options)
{
    *o = (struct output){.options = *options,
                         .pool = pool,
                         .has_failed = options->failed_fd >= 0,
                         .has_write_out = options->write_out_fd >= 0,
                         .journal = options->journal};
    int error = open_sinks(o, engine);
    if (error)
        return error;
    o->results.flush_after_ns = o->failed.flush_after_ns = options->flush_after_ns;
    o->write_out.flush_after_ns = options->flush_after_ns;
    o->broken = NULL;
    if (!o->journal)
        o->options.sync = false;
    if (!o->options.input) /* else the head waits for the names of its columns */
        output_begin_results(o);
    if (o->options.sync && file_open(engine, journal_fd(o->journal), &o->journal_file) != 0)
        o->journal_error = ENOMEM;
    return o->journal_error;
}

/* Returns how many bytes it adds to the file. */
static size_t put_failed(struct output *o, struct ringsend_bytes line)
{
    if (line.bytes == 0)
        return 0;
    sink_put(&o->failed, line);
    return line.bytes + 1;
}

/* Its lines have been added to the buffers, or not for lack of memory. */
static void put_done(struct output *o, uint64_t number, size_t result_bytes, bool added,
                     const struct ringsend_bytes *failed)
{
    sink_added(&o->results, added);
    if (o->has_write_out)
        sink_added(&o->write_out, added);
    size_t failed_bytes = 0;
    if (o->has_failed && failed && failed->bytes > 0) {
        if (o->failed.lines == 0 && o->failed.end_bytes == 0)
            failed_bytes += put_failed(o, o->failed_header);
        failed_bytes += put_failed(o, *failed);
    }
    put_entry(o, number, result_bytes, failed_bytes, failed != NULL);
}

void output_put(struct output *o, uint64_t number, struct result_line *line,
                struct ringsend_bytes record)
{
    output_begin_results(o);
    struct buf *results = sink_buffer(&o->results);
    size_t before = results->bytes;
    bool added = has_entry_room(o) &&
                 output_format(&o->options, o->pool, line, results, sink_buffer(&o->write_out));
    put_done(o, number, results->bytes - before, added, line->ok ? NULL : &record);
}

static bool append(struct output *o, struct sink *sink, const struct buf *bytes)
{
    return buf_append(o->pool, sink_buffer(sink), bytes->data, bytes->bytes);
}

void output_put_formatted(struct output *o, uint64_t number, const struct buf *result,
                          const struct buf *write_out, const struct ringsend_bytes *failed)
{
    output_begin_results(o);
    bool added = has_entry_room(o) && append(o, &o->results, result) &&
                 (!o->has_write_out || append(o, &o->write_out, write_out));
    put_done(o, number, result->bytes, added, failed);
}

/* ---- blocks ---- */

/* There is something to write, and nothing that keeps it from being written. */
static bool has_block(const struct output *o)
{
    return entries_count(o) > 0 && !o->results.error && !o->failed.error && !o->journal_error;
}

static bool block_is_due(const struct output *o, uint64_t now_ns, bool flush)
{
    return has_block(o) && (sink_is_due(&o->results, now_ns, flush) ||
                            (o->has_failed && !sink_has_room(&o->failed)) ||
                            entries_count(o) >= ENTRIES_ENOUGH || flush);
}

static struct journal_sizes sizes_of(const struct output *o)
{
    return (struct journal_sizes){(uint64_t)o->results.end_bytes,
                                  o->has_failed ? (uint64_t)o->failed.end_bytes : 0};
}

/* Alone writes the step. */
static bool output_goto(struct output *o, uint64_t now_ns, enum output_step step)
{
    static const unsigned edges[] = {OUTPUT_STEPS(STEP_EDGES)};
    CHECK(edges[o->step] >> step & 1);
    step_note(&machine_output, now_ns, 0, 0, o->step, step);
    o->step = step;
    return true;
}

/* False when the journal has no room for it. */
static bool block_begin(struct output *o, uint64_t now_ns)
{
    CHECK(!sink_is_busy(&o->results) && !sink_is_busy(&o->failed) && !o->journal_syncing);
    o->journal_error =
        journal_intend(o->journal, (const struct journal_entry *)(const void *)o->entries.data,
                       entries_count(o), sizes_of(o));
    if (o->journal_error)
        return false;
    sink_seal(&o->results, now_ns);
    if (o->has_failed)
        sink_seal(&o->failed, now_ns);
    o->entries.bytes = 0;
    if (o->options.sync) {
        file_sync(o->journal_file);
        o->journal_syncing = true;
    }
    return true;
}

static bool intent_is_durable(struct output *o)
{
    if (o->journal_syncing) {
        if (file_busy(o->journal_file))
            return false;
        o->journal_syncing = false;
        int64_t result = file_take(o->journal_file);
        if (result < 0)
            o->journal_error = (int)-result;
    }
    return o->journal_error == 0;
}

/* What was started of it is done, and well. */
static bool is_written(struct sink *sink)
{
    return sink_is_over(sink) && !sink->error;
}

/* True: it is in the next step. */
static bool block_step(struct output *o, uint64_t now_ns, bool flush)
{
    switch (o->step) {
    case OUTPUT_FILLING:
        if (!block_is_due(o, now_ns, flush) || !block_begin(o, now_ns))
            return false;
        return output_goto(o, now_ns, OUTPUT_SYNCING_INTENT);
    case OUTPUT_SYNCING_INTENT:
        if (!intent_is_durable(o))
            return false;
        if (o->has_failed)
            sink_start(&o->failed);
        return output_goto(o, now_ns, OUTPUT_WRITING_FAILED);
    case OUTPUT_WRITING_FAILED:
        if (o->has_failed && !is_written(&o->failed))
            return false;
        sink_start(&o->results);
        return output_goto(o, now_ns, OUTPUT_WRITING_RESULTS);
    case OUTPUT_WRITING_RESULTS:
        if (!is_written(&o->results))
            return false;
        if (o->options.sync)
            sink_sync(&o->results);
        return output_goto(o, now_ns, OUTPUT_SYNCING_RESULTS);
    case OUTPUT_SYNCING_RESULTS:
        if (!is_written(&o->results))
            return false;
        if (o->options.sync && o->has_failed)
            sink_sync(&o->failed);
        return output_goto(o, now_ns, OUTPUT_SYNCING_FAILED);
    case OUTPUT_SYNCING_FAILED:
        if (o->has_failed && !is_written(&o->failed))
            return false;
        journal_written(o->journal);
        return output_goto(o, now_ns, OUTPUT_FILLING);
    }
    UNREACHABLE("output step");
}

void output_turn(struct output *o, uint64_t now_ns, bool flush)
{
    if (o->has_write_out)
        sink_turn(&o->write_out, now_ns, flush);
    if (o->journal) {
        while (block_step(o, now_ns, flush))
            ;
        return;
    }
    sink_turn(&o->results, now_ns, flush);
    if (o->has_failed)
        sink_turn(&o->failed, now_ns, flush);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Says what output_turn does: a time at which it would find nothing due is a busy loop. */
uint64_t output_wait_ns(const struct output *o, uint64_t now_ns)
{
    uint64_t wait = o->has_write_out ? sink_wait_ns(&o->write_out, now_ns) : RINGSEND_NEVER;
    if (o->journal && (o->step != OUTPUT_FILLING || !has_block(o)))
        return wait; /* the end of its operation wakes, or the next result does */
    wait = least(wait, sink_wait_ns(&o->results, now_ns));
    return o->has_failed && !o->journal ? least(wait, sink_wait_ns(&o->failed, now_ns)) : wait;
}

bool output_has_room(const struct output *o)
{
    return sink_has_room(&o->results) && (!o->has_failed || sink_has_room(&o->failed)) &&
           (!o->has_write_out || sink_has_room(&o->write_out)) && entries_count(o) < ENTRIES_ENOUGH;
}

static bool blocks_are_idle(const struct output *o)
{
    bool broken = o->results.error || o->failed.error || o->journal_error;
    return broken ? !sink_is_busy(&o->results) && !sink_is_busy(&o->failed) && !o->journal_syncing
                  : o->step == OUTPUT_FILLING && o->results.filling.bytes == 0 &&
                        entries_count(o) == 0;
}

bool output_is_idle(const struct output *o)
{
    if (o->has_write_out && !sink_is_idle(&o->write_out))
        return false;
    if (o->journal)
        return blocks_are_idle(o);
    return sink_is_idle(&o->results) && (!o->has_failed || sink_is_idle(&o->failed));
}

int output_error(struct output *o)
{
    o->broken = o->results.error     ? &o->results
                : o->write_out.error ? &o->write_out
                : o->failed.error    ? &o->failed
                                     : NULL;
    return o->broken ? o->broken->error : o->journal_error;
}

static bool truncate_to(const struct output *o, int fd, uint64_t synced, uint64_t bytes)
{
    return ftruncate(fd, (off_t)bytes) == 0 && lseek(fd, (off_t)bytes, SEEK_SET) >= 0 &&
           (!o->options.sync || tail_sync(fd, synced, bytes) == 0);
}

/* A block was begun and not finished: what of it stands in the files is done, what goes beyond that
 * is truncated. When this cannot be had, the journal keeps the list, and the next run does it. */
static void block_settle(struct output *o)
{
    struct stat results, failed = {0};
    if (fstat(o->results.fd, &results) != 0 || (o->has_failed && fstat(o->failed.fd, &failed) != 0))
        return;
    struct journal_sizes sizes = {(uint64_t)results.st_size, (uint64_t)failed.st_size};
    struct journal_sizes synced = journal_synced(o->journal);
    if (journal_recover(o->journal, -1, -1, &sizes) == JOURNAL_OK &&
        truncate_to(o, o->results.fd, synced.results, sizes.results) &&
        (!o->has_failed || truncate_to(o, o->failed.fd, synced.failed, sizes.failed)))
        journal_settle(o->journal, sizes);
}

void output_close(struct output *o)
{
    bool broken = o->results.error || o->failed.error || o->journal_error;
    file_close(&o->journal_file);
    sink_close(&o->results);
    sink_close(&o->write_out);
    sink_close(&o->failed);
    if (broken && o->journal) /* by which the other one was held up */
        o->results.given_up = o->failed.given_up = false;
    if (o->journal && o->step != OUTPUT_FILLING)
        block_settle(o);
    buf_release(o->pool, &o->entries);
}
