#include "base/json_put.h"
#include "base/status.h"
#include "batch/job_internal.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define LINE_BYTES_MAX (2ull << 30)

enum {
    JOB_BODY_FILES_MAX = 16,   /* bodies being saved at once; well below LIMIT_FILES */
    SURE_BYTES = 256 << 20,    /* a body up to this makes no line that is too long */
    FILLING_BYTES = 512 << 20, /* with a line behind it far below the largest buffer */
};

/* ---- results ---- */

static struct ringsend_bytes line_of(const struct slot *slot)
{
    return (struct ringsend_bytes){slot->record.line.data, slot->record.line.bytes};
}

/* Ordered: others are to be put out before it. False when memory is out: then it is put out at
 * once, rather than lost, and the job stops. */
static bool keep(struct job *job, struct slot *slot, struct result_line *line)
{
    if (!output_format(&job->options.output, &job->pool, line, &slot->result, &slot->write_out)) {
        job->memory_is_out = true;
        return false;
    }
    job_slot_charge(job, slot, slot->result.capacity + slot->write_out.capacity);
    slot->failed = !line->ok;
    job_slot_goto(job, slot, SLOT_KEPT);
    return true;
}

static void put_formatted(struct job *job, struct slot *slot)
{
    struct ringsend_bytes line = line_of(slot);
    output_put_formatted(&job->output, slot->number, &slot->result, &slot->write_out,
                         slot->failed ? &line : NULL);
    job_slot_free(job, slot);
}

/* Those that waited for the one that is gone. */
static void put_kept(struct job *job)
{
    while (!list_empty(&job->order)) {
        struct slot *slot = LIST_OWNER(job->order.next, struct slot, order);
        if (slot->step != SLOT_KEPT)
            return;
        put_formatted(job, slot);
    }
}

/* Whoever waited for it may go. */
static void release_next(struct job *job, struct slot *slot)
{
    struct serial_node *next = serial_leave(&job->serial, &slot->serial);
    if (next)
        job_slot_goto(job, LIST_OWNER(next, struct slot, serial), SLOT_RELEASED);
}

/* Beyond the budget no result is taken while others are being written, which will give memory back.
 * Where none is, the records themselves hold it, and one result at a time goes on. */
bool job_has_room(const struct job *job)
{
    const struct output *output = &job->output;
    size_t bytes = job->options.memory_bytes;
    if (job->options.ordered)
        return true;
    if (output->results.filling.bytes >= FILLING_BYTES ||
        output->write_out.filling.bytes >= FILLING_BYTES)
        return false;
    return bytes == 0 || job->pool.used_bytes < bytes ||
           (list_empty(&job->body_files) && output_is_idle(output));
}

/* A line beyond what any buffer holds would end the job for one record's sake. */
static bool line_is_too_long(const struct job *job, const struct result_line *line)
{
    if (line->body.bytes <= SURE_BYTES || line->body_file.bytes > 0)
        return false;
    if (job->options.output.form == RESULT_JSON && job->options.output.without_body)
        return false;
    return measure_text(line->body).json_bytes > LINE_BYTES_MAX;
}

static void shorten(struct result_line *line)
{
    line->ok = false;
    line->error = RINGSEND_E_BODY_TOO_LARGE;
    line->detail =
        "the line of its result would be longer than 2 GiB; --bodies DIR keeps bodies in files";
    line->body = (struct ringsend_bytes){0};
}

/* Before its line may go to the failed ones. Its request is over, which had its very bytes. */
static void prepare_line(struct job *job, struct slot *slot)
{
    const struct layout *layout = &job->source->layouts[slot->input];
    if (layout->format == FORMAT_JSON)
        record_join_lines(&slot->record);
    job->output.failed_header = (struct ringsend_bytes){layout->header, layout->header_bytes};
    job->output.input_columns = layout_echo_columns(layout);
}

/* False when memory is out. */
static bool echo(const struct job *job, const struct slot *slot, struct buf_pool *pool,
                 struct result_line *line, struct echoed *input)
{
    if (!job->options.output.input)
        return true;
    line->input = input;
    return echo_record(input, line_of(slot), &job->source->layouts[slot->input], pool);
}

static bool is_among(const struct ringsend_outcomes *outcomes, const struct result_line *line)
{
    if (line->error != RINGSEND_OK)
        return outcomes->errors[line->error / 64] >> (line->error % 64) & 1;
    return status_is_in(&outcomes->statuses, line->status);
}

/* When the platform is down or refuses us, sending on does no good. */
static void judge(struct job *job, const struct result_line *line)
{
    const struct job_options *options = &job->options;
    struct job_report *report = &job->report;
    if (line->ok || job->give_up != JOB_FINISHED)
        return;
    uint64_t failures = report->records - report->ok;
    bool too_many = options->failures_max > 0 && failures >= options->failures_max;
    if (options->failures_ppm_max > 0 && report->records >= JOB_SHARE_RECORDS)
        too_many |= failures * 1000000 >= report->records * options->failures_ppm_max;
    if (options->abort_on && is_among(options->abort_on, line)) {
        job->give_up = JOB_ABORTED;
        report->abort_status = line->error == RINGSEND_OK ? line->status : 0;
        report->abort_error = line->error;
    } else if (too_many) {
        job->give_up = JOB_TOO_MANY_FAILURES;
    }
}

/* What the platform takes in a second. */
static void note_ok(struct job *job)
{
    uint64_t second = job->now_ns / NS_PER_S;
    job->second_ok = second == job->second ? job->second_ok + 1 : 1;
    job->second = second;
    if (job->second_ok > job->report.ok_most_per_s)
        job->report.ok_most_per_s = job->second_ok;
}

/* Writes the slot's one result and frees it. Of a line that was too long nothing is left to go to
 * the failed ones. */
void job_finish(struct job *job, struct slot *slot, struct result_line *line)
{
    prepare_line(job, slot);
    if (line_is_too_long(job, line))
        shorten(line);
    line->id = slot->record.id;
    line->line = slot->line;
    line->number = slot->number;
    line->request = &slot->record.request;
    if (job->files)
        line->file = job->files[slot->input];
    struct echoed input = {0};
    job->memory_is_out |= !echo(job, slot, &job->pool, line, &input);
    report_count(&job->report, line);
    if (line->ok)
        note_ok(job);
    job->report.keys_of_places +=
        !line->ok && slot->record.has_made_key && slot->record.id.bytes == 0;
    judge(job, line);
    if (job->options.show)
        job->options.show(job->options.show_context, line);
    lanes_leave(&job->lanes, &slot->place);
    release_next(job, slot);
    bool waits = job->options.ordered && job->order.next != &slot->order && keep(job, slot, line);
    if (!waits)
        output_put(&job->output, slot->number, line, line_of(slot));
    echo_release(&input, &job->pool);
    if (waits)
        return;
    job_slot_free(job, slot);
    put_kept(job);
}

/* ---- results that wait for a later run ---- */

/* Its result is of an earlier one. */
void job_take_parked(struct job *job, struct slot *slot, const struct parked_item *item)
{
    prepare_line(job, slot);
    if (!buf_append(&job->pool, &slot->result, item->result.data, item->result.bytes) ||
        !buf_append(&job->pool, &slot->write_out, item->write_out.data, item->write_out.bytes)) {
        job->memory_is_out = true;
        job_leave(job, slot);
        return;
    }
    job_slot_charge(job, slot,
                    slot->record.line.capacity + slot->result.capacity + slot->write_out.capacity);
    slot->failed = item->failed;
    job_slot_goto(job, slot, SLOT_KEPT);
    if (job->options.ordered)
        put_kept(job);
    else
        put_formatted(job, slot);
}

static struct parked_item item_of(const struct slot *slot)
{
    return (struct parked_item){.number = slot->number,
                                .result = {slot->result.data, slot->result.bytes},
                                .write_out = {slot->write_out.data, slot->write_out.bytes},
                                .failed = slot->failed};
}

/* Those of an earlier run, from *at on, that are below `number` and still wait. */
static size_t park_older(const struct job *job, size_t *at, uint64_t number,
                         struct parked_item *items)
{
    size_t count, taken = 0;
    const struct parked_item *older = parked_items(job->options.output.parked, &count);
    for (; *at < count && older[*at].number < number; ++*at) {
        if (journal_state(job->journal, older[*at].number) != JOURNAL_DONE)
            items[taken++] = older[*at];
    }
    return taken;
}

static void free_ordered(struct job *job, enum slot_step step)
{
    for (struct list *node = job->order.next, *next; node != &job->order; node = next) {
        struct slot *slot = LIST_OWNER(node, struct slot, order);
        next = node->next;
        if (slot->step == step)
            job_slot_free(job, slot);
    }
}

/* The outputs are closed: what is KEPT now comes into no file of this run. */
void job_park(struct job *job)
{
    const struct output_options *o = &job->options.output;
    size_t older_count, at = 0, count = 0;
    const struct parked_item *older = parked_items(o->parked, &older_count);
    if (!job->journal || (!job->options.ordered && older_count == 0))
        return;
    struct parked_item *items = calloc(job->slots_count + older_count, sizeof *items);
    for (struct list *node = job->order.next; items && node != &job->order; node = node->next) {
        struct slot *slot = LIST_OWNER(node, struct slot, order);
        if (slot->step != SLOT_KEPT)
            continue;
        count += park_older(job, &at, slot->number, items + count);
        items[count++] = item_of(slot);
        at += at < older_count && older[at].number == slot->number; /* the same one */
    }
    int error = items ? 0 : ENOMEM;
    if (items)
        count += park_older(job, &at, UINT64_MAX, items + count);
    if (count > 0)
        error =
            parked_write(o->parked_path, journal_fingerprint(job->journal), items, count, o->sync);
    else if (items && older_count > 0)
        parked_remove(o->parked_path);
    free(items);
    if (error && !job->report.output_error)
        job_journal_failed(job, error);
    if (!error)
        free_ordered(job, SLOT_KEPT);
    free_ordered(job, SLOT_LEFT);
}

static void note_lost_body(struct job *job, const struct slot *slot, int error)
{
    if (job->body_error)
        return;
    job->body_error = error;
    body_file_name(job->report.output_body, slot->number, slot->record.id);
}

/* ---- bodies ---- */

/* Its body goes to a file; the line waits for that. False: the line can be finished now. */
static bool write_body(struct job *job, struct slot *slot, const struct result_line *line)
{
    if (!job->options.output.bodies || line->error != RINGSEND_OK || line->body.bytes == 0 ||
        job->report.output_body[0])
        return false;
    if (line != &slot->kept) { /* else it came as a copy */
        if (!result_line_keep(line, &job->pool, &slot->kept_memory, &slot->kept)) {
            note_lost_body(job, slot, ENOMEM);
            return false;
        }
        job_slot_charge(job, slot, slot->kept_memory.capacity);
    }
    job_slot_goto(job, slot, SLOT_BODY_FILE);
    return true;
}

static bool name_body(struct job *job, struct slot *slot, struct buf *quoted)
{
    char name[BODY_FILE_NAME_BYTES], path[PATH_MAX + BODY_FILE_NAME_BYTES];
    body_file_name(name, slot->number, slot->record.id);
    int bytes = snprintf(path, sizeof path, "%s/%s", job->options.output.bodies, name);
    return json_append_string((struct ringsend_bytes){path, (size_t)bytes}, &job->pool, quoted);
}

/* Its line is written, with the name of the file; or with the body, which so is not lost. */
static void body_written(struct job *job, struct slot *slot, int error)
{
    struct buf quoted = {0};
    if (error == 0 && !name_body(job, slot, &quoted))
        error = ENOMEM;
    if (error)
        note_lost_body(job, slot, error);
    else
        slot->kept.body_file = (struct ringsend_bytes){quoted.data, quoted.bytes};
    job_finish(job, slot, &slot->kept);
    buf_release(&job->pool, &quoted);
}

static void write_body_turn(struct job *job, struct slot *slot)
{
    const struct output_options *o = &job->options.output;
    char name[BODY_FILE_NAME_BYTES];
    int error = 0;
    body_file_name(name, slot->number, slot->record.id);
    enum body_file_next next =
        slot->body_file.file
            ? body_file_turn(&slot->body_file, &error)
            : body_file_begin(&slot->body_file, job->engine, o->bodies, name, o->bodies_replace,
                              o->sync && job->journal, slot->kept.body, &error);
    if (next == BODY_FILE_WAIT)
        return;
    if (next == BODY_FILE_DONE && job->body_names.file) {
        job_slot_goto(job, slot, SLOT_BODY_NAME);
        group_commit_put(&job->body_names, slot);
    } else {
        body_written(job, slot, error);
    }
}

/* With sync a body's name must be durable as well, before a result tells of it. */
static void turn_body_names(struct job *job)
{
    struct slot *slot;
    group_commit_turn(&job->body_names);
    while ((slot = group_commit_take(&job->body_names)))
        body_written(job, slot, 0);
    while ((slot = group_commit_take_refused(&job->body_names)))
        body_written(job, slot, job->body_names.error);
}

void job_write_bodies(struct job *job)
{
    struct list *node = job->body_files.next;
    for (uint32_t open = 0; open < JOB_BODY_FILES_MAX && node != &job->body_files;) {
        struct slot *slot = LIST_OWNER(node, struct slot, body_files);
        node = node->next;
        write_body_turn(job, slot);
        open += slot->body_file.file != NULL;
    }
    turn_body_names(job);
}

/* A result that the engine had no part in. */
void job_finish_with_error(struct job *job, struct slot *slot, enum ringsend_error error,
                           const char *detail)
{
    struct result_line line = {.error = error, .detail = detail};
    job_finish(job, slot, &line);
}

/* It was stopped before its result. */
void job_leave(struct job *job, struct slot *slot)
{
    if (job->journal) {
        lanes_leave(&job->lanes, &slot->place);
        release_next(job, slot);
        job->report.left++;
        if (job->group_commit.file && !slot->may_be_processed)
            journal_set_sent(job->journal, slot->number, false);
        if (job->options.ordered) {
            job_slot_goto(job, slot, SLOT_LEFT);
        } else {
            job_slot_free(job, slot);
        }
    } else {
        job_finish_with_error(job, slot, RINGSEND_E_STOPPED, NULL);
    }
}

void job_refuse(struct job *job, struct slot *slot, const struct record_error *error)
{
    char text[RECORD_MESSAGE_BYTES];
    struct ringsend_bytes line = {slot->record.line.data, slot->record.line.bytes};
    job_finish_with_error(job, slot, error->error,
                          record_error_message(error, line, text, sizeof text));
}

static void take_result(struct job *job, struct slot *slot, bool cut_short,
                        struct result_line *line)
{
    CHECK(slot->step == SLOT_IN_FLIGHT);
    if (line->error == RINGSEND_OK)
        lanes_answered(&job->lanes, &slot->place, job->now_ns);
    lanes_leave(&job->lanes, &slot->place);
    if ((job_is_mistake(job, line) || cut_short) && job->journal)
        job_leave(job, slot);
    else if (!write_body(job, slot, line))
        job_finish(job, slot, line);
}

static void collect(struct job *job)
{
    struct list returned, *node;
    list_init(&returned);
    engine_threads_collect(job->threads, &returned);
    while ((node = list_pop_front(&returned))) {
        struct slot *slot = LIST_OWNER(node, struct slot, returned);
        buf_pool_adopt(&job->pool, &slot->kept_memory);
        job_slot_charge(job, slot, slot->kept_memory.capacity);
        job->memory_is_out |= !slot->kept_whole;
        take_result(job, slot, slot->cut_short, &slot->kept);
    }
}

void job_reap(struct job *job)
{
    const struct ringsend_result *result;
    job->unreaped = false;
    while (job_has_room(job)) {
        if (ringsend_reap(job->engine, &result, 1) == 0) {
            if (job->threads)
                collect(job);
            return;
        }
        struct result_line line = result_line_of(result);
        take_result(job, result->request->user, result->cut_short && !result->processed, &line);
    }
    job->unreaped = true;
}
