/* A turn: take records in while there is room, let the engine work (the one ringsend_run, which
 * alone waits), turn its results into lines, pass full buffers to the outputs.
 *
 * A record lives in a slot:
 *
 *   FREE        in the stack of free slots
 *   LOADING     its data_file is being read
 *   GATED       sync: its sent bit is set, and not durable yet
 *   HELD        waits for room in the engine; one at most, and nothing else is admitted meanwhile
 *   IN_FLIGHT   the engine has it; its result is to come
 *   SAVING      the body of its response is being written to a file; the result line waits for that
 *
 * What bounds memory: the number of slots, JOB_BYTES_MAX of lines and data files in them (a single
 * record may be above it when it is alone, so the bound is overshot by one record at most), and the
 * outputs, which take no more than their buffers before admission pauses. Results of what is
 * already in flight are always taken.
 *
 * Stopping, whatever the reason, is the same thing: the source is stopped, ringsend_stop ends what
 * waits, what is in flight has JOB_GRACE_NS and is then cancelled; each still gives its result. With
 * a journal those that were cut short are left as the journal knows them, without a result line: a
 * later run sends them, or calls them in doubt. */
#include "batch/job.h"

#include "base/check.h"
#include "base/list.h"
#include "batch/gate.h"
#include "batch/load.h"
#include "batch/output.h"
#include "batch/save.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define JOB_GRACE_NS 10000000000ull
/* After a second signal the outputs have so long for what is left; then the job ends without it. */
#define JOB_ABORT_NS 1000000000ull

enum {
    JOB_BYTES_MAX = 64 << 20,
    JOB_LOADS_MAX = 16, /* data files open at once; well below LIMIT_FILES */
    JOB_SAVES_MAX = 16, /* bodies likewise */
    JOB_REAP_BATCH = 64
};

enum slot_step { SLOT_FREE, SLOT_LOADING, SLOT_GATED, SLOT_HELD, SLOT_IN_FLIGHT, SLOT_SAVING };

struct slot {
    struct record record;
    struct buf data; /* content of the data file */
    struct load load;
    struct save save;
    struct result_line kept; /* of the body being saved, with what it points to */
    struct buf kept_memory;
    struct list saving; /* in job.saving exactly while SAVING */
    uint64_t line, number;
    uint32_t input;
    enum slot_step step;
    bool was_sent;                  /* by an earlier run, says the journal */
    unsigned char may_be_processed; /* with sync, what else the journal's sent bit says */
    size_t bytes;                   /* its part of job.bytes */
};

struct job {
    struct job_options options;
    struct ringsend *engine;
    struct source *source;
    struct journal *journal; /* null: none */
    struct gate gate;        /* open without sync */
    struct job_report report;
    struct buf_pool pool;
    struct output output;
    struct buf names;             /* of the inputs as JSON, one after another */
    struct ringsend_bytes *files; /* their parts in `names`, null with a single input */

    struct slot *slots;
    struct slot **free_slots; /* a stack */
    uint32_t free_count;
    uint32_t loads, in_flight;
    int body_error;     /* errno of the first body that could not be saved, else 0 */
    struct slot *held;  /* null, or the slot in HELD */
    struct list saving; /* slots in SAVING; the first ones' files are open */
    size_t bytes;       /* of all slots in use */

    uint64_t next_pass; /* the first record number whose place in the input is worth keeping */

    bool source_ended;
    bool source_waits; /* the last source_next said so */
    bool stopping;
    bool cancelled;
    uint64_t cancel_at_ns; /* valid while stopping */
    uint64_t abort_at_ns;  /* 0: no second signal yet */
    uint64_t started_ns;   /* the first turn; 0: there was none */
    uint64_t now_ns;       /* at the start of this turn */
};

static uint64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- slots ---- */

static struct slot *slot_take(struct job *job)
{
    CHECK(job->free_count > 0);
    return job->free_slots[--job->free_count];
}

static void slot_free(struct job *job, struct slot *slot)
{
    CHECK(job->bytes >= slot->bytes);
    job->bytes -= slot->bytes;
    slot->bytes = 0;
    slot->step = SLOT_FREE;
    record_release(&slot->record, &job->pool);
    buf_release(&job->pool, &slot->data);
    buf_release(&job->pool, &slot->kept_memory);
    job->free_slots[job->free_count++] = slot;
}

static void slot_charge(struct job *job, struct slot *slot, size_t bytes)
{
    slot->bytes += bytes;
    job->bytes += bytes;
}

/* ---- results ---- */

/* Writes the slot's one result and frees it. Of a line that was too long nothing is left to go to
 * the failed ones. */
static void finish(struct job *job, struct slot *slot, struct result_line *line)
{
    line->id = slot->record.id;
    line->line = slot->line;
    line->number = slot->number;
    line->request = &slot->record.request;
    if (job->files)
        line->file = job->files[slot->input];
    report_count(&job->report, line);
    output_put(&job->output, job->now_ns, slot->number, line,
               (struct ringsend_bytes){slot->record.line.data, slot->record.line.bytes});
    slot_free(job, slot);
}

static void note_lost_body(struct job *job, const struct slot *slot, int error)
{
    if (job->body_error)
        return;
    job->body_error = error;
    save_name(job->report.output_body, slot->number, slot->record.id);
}

/* ---- bodies ---- */

/* Its body goes to a file; the line waits for that. False: the line can be finished now. */
static bool save_body(struct job *job, struct slot *slot, const struct result_line *line)
{
    if (job->options.output.bodies_fd < 0 || line->error != RINGSEND_OK || line->body.bytes == 0 ||
        job->report.output_body[0])
        return false;
    if (!result_line_keep(line, &job->pool, &slot->kept_memory, &slot->kept)) {
        note_lost_body(job, slot, ENOMEM);
        return false;
    }
    slot_charge(job, slot, slot->kept_memory.capacity);
    slot->step = SLOT_SAVING;
    list_push_back(&job->saving, &slot->saving);
    return true;
}

static bool name_body(struct job *job, struct slot *slot, struct buf *quoted)
{
    char name[SAVE_NAME_BYTES], path[PATH_MAX + SAVE_NAME_BYTES];
    save_name(name, slot->number, slot->record.id);
    int bytes = snprintf(path, sizeof path, "%s/%s", job->options.output.bodies_path, name);
    return result_line_quote((struct ringsend_bytes){path, (size_t)bytes}, &job->pool, quoted);
}

/* Its line is written, with the name of the file; or with the body, which so is not lost. */
static void saved(struct job *job, struct slot *slot, int error)
{
    struct buf quoted = {0};
    list_remove(&slot->saving);
    if (error == 0 && !name_body(job, slot, &quoted))
        error = ENOMEM;
    if (error)
        note_lost_body(job, slot, error);
    else
        slot->kept.body_file = (struct ringsend_bytes){quoted.data, quoted.bytes};
    finish(job, slot, &slot->kept);
    buf_release(&job->pool, &quoted);
}

static void save_turn_one(struct job *job, struct slot *slot)
{
    const struct output_options *o = &job->options.output;
    char name[SAVE_NAME_BYTES];
    int error = 0;
    save_name(name, slot->number, slot->record.id);
    enum save_next next = slot->save.file ? save_turn(&slot->save, o->bodies_fd, name, &error)
                                          : save_begin(&slot->save, job->engine, o->bodies_fd, name,
                                                       o->bodies_replace, slot->kept.body, &error);
    if (next != SAVE_WAIT)
        saved(job, slot, error);
}

static void save_all(struct job *job)
{
    struct list *node = job->saving.next;
    for (uint32_t open = 0; open < JOB_SAVES_MAX && node != &job->saving;) {
        struct slot *slot = LIST_OWNER(node, struct slot, saving);
        node = node->next;
        save_turn_one(job, slot);
        open += slot->save.file != NULL;
    }
}

/* A result that the engine had no part in. */
static void finish_with_error(struct job *job, struct slot *slot, enum ringsend_error error,
                              const char *detail)
{
    struct result_line line = {.error = error, .detail = detail};
    finish(job, slot, &line);
}

/* It was stopped before its result. */
static void leave(struct job *job, struct slot *slot)
{
    if (job->journal) {
        job->report.left++;
        if (job->gate.file && !slot->may_be_processed)
            journal_set_sent(job->journal, slot->number, false);
        slot_free(job, slot);
    } else {
        finish_with_error(job, slot, RINGSEND_E_STOPPED, NULL);
    }
}

static void refuse(struct job *job, struct slot *slot, const struct record_error *error)
{
    char text[RECORD_TOLD_BYTES];
    struct ringsend_bytes line = {slot->record.line.data, slot->record.line.bytes};
    finish_with_error(job, slot, error->error, record_error_tell(error, line, text, sizeof text));
}

static void reap(struct job *job)
{
    const struct ringsend_result *results[JOB_REAP_BATCH];
    size_t count;
    while ((count = ringsend_reap(job->engine, results, JOB_REAP_BATCH)) > 0) {
        for (size_t i = 0; i < count; i++) {
            const struct ringsend_result *r = results[i];
            struct slot *slot = r->request->user;
            CHECK(slot->step == SLOT_IN_FLIGHT);
            job->in_flight--;
            if (r->cut_short && job->journal) {
                leave(job, slot);
                continue;
            }
            struct result_line line = {
                .ok = r->ok,
                .status = r->status,
                .attempts = r->attempts,
                .error = r->error,
                .detail = r->detail,
                .body = r->body,
                .encoding = r->encoding,
                .headers = r->headers,
                .headers_count = r->headers_count,
                .head_bytes = r->head_bytes,
                .packed_bytes = r->packed_bytes,
                .ambiguous = r->ambiguous,
                .times = r->times,
                .trace = r->attempts_list,
                .retry_after_ns = r->retry_after_ns,
                .trace_count = r->attempts_list_count,
            };
            if (!save_body(job, slot, &line))
                finish(job, slot, &line);
        }
    }
}

/* ---- records in ---- */

/* Gives a request to the engine; full means to try again in the next turn. */
static void hand_over(struct job *job, struct slot *slot)
{
    job->held = NULL;
    int error = -ringsend_submit(job->engine, &slot->record.request);
    if (error == RINGSEND_OK) {
        slot->step = SLOT_IN_FLIGHT;
        job->in_flight++;
    } else if (error == RINGSEND_E_FULL) {
        slot->step = SLOT_HELD;
        job->held = slot;
    } else {
        struct record_error why = {.error = (enum ringsend_error)error};
        record_explain(&slot->record, ringsend_submit_detail(job->engine), &why);
        refuse(job, slot, &why);
    }
}

/* With sync the sent bit must be durable first; whether the request then really may have been
 * processed, the engine tells apart. */
static void gate(struct job *job, struct slot *slot)
{
    slot->record.request.in_doubt = &slot->may_be_processed;
    slot->record.request.in_doubt_mask = 1;
    journal_set_sent(job->journal, slot->number, true);
    slot->step = SLOT_GATED;
    gate_put(&job->gate, slot);
}

/* Takes a complete request on its way. */
static void submit(struct job *job, struct slot *slot)
{
    struct ringsend_request *request = &slot->record.request;
    request->user = slot;
    if (slot->was_sent && !ringsend_may_repeat(request)) {
        struct result_line line = {.error = RINGSEND_E_IN_DOUBT, .ambiguous = true};
        finish(job, slot, &line);
    } else if (job->gate.file) {
        gate(job, slot);
    } else {
        if (job->journal)
            request->in_doubt = journal_sent(job->journal, slot->number, &request->in_doubt_mask);
        hand_over(job, slot);
    }
}

static void turn_gate(struct job *job)
{
    struct slot *slot;
    gate_turn(&job->gate);
    while (!job->held && (slot = gate_take(&job->gate)))
        hand_over(job, slot);
}

/* Takes what a step of loading came to. */
static void loaded(struct job *job, struct slot *slot, enum load_next next,
                   const struct record_error *error)
{
    if (next == LOAD_WAIT)
        return;
    job->loads--;
    if (next == LOAD_FAILED) {
        finish_with_error(job, slot, error->error, error->detail);
        return;
    }
    slot->record.request.body = (struct ringsend_bytes){slot->data.data, slot->data.bytes};
    submit(job, slot);
}

static void load(struct job *job, struct slot *slot)
{
    struct record_error error;
    slot->step = SLOT_LOADING;
    job->loads++;
    enum load_next next = load_begin(&slot->load, job->engine, &job->pool, slot->record.data_file,
                                     &slot->data, &error);
    slot_charge(job, slot, slot->data.capacity);
    loaded(job, slot, next, &error);
}

static void load_all(struct job *job)
{
    for (uint32_t i = 0; job->loads > 0 && !job->held && i < job->options.records_max; i++) {
        struct slot *slot = &job->slots[i];
        struct record_error error;
        if (slot->step != SLOT_LOADING)
            continue;
        size_t before = slot->data.capacity;
        enum load_next next = load_turn(&slot->load, &error);
        slot_charge(job, slot, slot->data.capacity - before);
        loaded(job, slot, next, &error);
    }
}

static void admit_line(struct job *job, struct slot *slot)
{
    struct record_error error;
    record_read(&slot->record, &job->pool, job->options.defaults, &error);
    slot_charge(job, slot, slot->record.line.capacity + slot->record.decoded.capacity);
    if (error.error != RINGSEND_OK)
        refuse(job, slot, &error);
    else if (slot->record.data_file.bytes > 0)
        load(job, slot);
    else
        submit(job, slot);
}

/* Takes the record up in the journal: false when it is done already, or *error is set. */
static bool enter(struct job *job, struct slot *slot, int *error)
{
    struct journal *journal = job->journal;
    slot->number = job->source->number;
    slot->was_sent = false;
    slot->may_be_processed = 0;
    *error = 0;
    if (!journal)
        return true;
    *error = journal_reserve(journal, slot->number);
    if (*error)
        return false;
    journal_read(journal, slot->number);
    if (slot->number >= job->next_pass) {
        struct source_position position = source_position(job->source);
        journal_pass(journal, &position);
        job->next_pass = (position.number / JOURNAL_STRIDE + 1) * JOURNAL_STRIDE;
    }
    enum journal_state state = journal_state(journal, slot->number);
    slot->was_sent = state == JOURNAL_SENT;
    slot->may_be_processed = slot->was_sent;
    return state != JOURNAL_DONE;
}

/* Reading goes on at the next record that is not done. */
static void pass_over(struct job *job, uint64_t number)
{
    source_skip_to(job->source, journal_next_open(job->journal, number + 1));
}

static bool may_admit(const struct job *job)
{
    return !job->stopping && !job->source_ended && !job->held && job->free_count > 0 &&
           job->bytes < JOB_BYTES_MAX && job->loads < JOB_LOADS_MAX &&
           output_has_room(&job->output);
}

static void input_ended(struct job *job)
{
    job->source_ended = true;
    job->report.complete = job->source->error == 0;
    if (job->journal && job->report.complete)
        journal_input_ended(job->journal);
}

static void journal_failed(struct job *job, int error)
{
    job->report.output_error = error;
    job->report.output_is_journal = true;
}

static void admit(struct job *job)
{
    if (job->held)
        hand_over(job, job->held);
    while (may_admit(job)) {
        struct slot *slot = slot_take(job);
        enum source_next next = source_next(job->source, &slot->record.line);
        slot->line = job->source->line;
        slot->number = job->source->number;
        slot->input = (uint32_t)job->source->current;
        job->source_waits = next == SOURCE_WAIT;
        bool is_record = next == SOURCE_RECORD || next == SOURCE_TOO_LONG;
        int error = 0;
        if (!is_record || !enter(job, slot, &error)) {
            uint64_t number = slot->number;
            slot_free(job, slot);
            if (error)
                journal_failed(job, error);
            else if (is_record)
                pass_over(job, number);
            else if (next == SOURCE_END)
                input_ended(job);
            if (error || !is_record)
                return;
        } else if (next == SOURCE_TOO_LONG) {
            finish_with_error(job, slot, RINGSEND_E_RECORD_TOO_LONG,
                              "lines may have 16 MiB; this one was skipped");
        } else {
            admit_line(job, slot);
        }
    }
}

/* ---- stopping ---- */

static void cancel_all(struct job *job)
{
    job->cancelled = true;
    for (uint32_t i = 0; i < job->options.records_max; i++) {
        struct slot *slot = &job->slots[i];
        if (slot->step == SLOT_IN_FLIGHT)
            ringsend_cancel(job->engine, slot->record.request.handle);
    }
}

static void note_unread(struct job *job)
{
    struct job_report *report = &job->report;
    const struct source *source = job->source;
    size_t first = source_unread(source, &report->unread_bytes);
    report->unread = source->paths + first;
    report->unread_count = source->count - first;
    report->unread_line = first == source->current ? source->line : 0;
}

static void stop(struct job *job, enum job_end end)
{
    job->stopping = true;
    job->cancel_at_ns = job->now_ns + JOB_GRACE_NS;
    job->report.end = end;
    if (!job->source_ended)
        note_unread(job);
    source_stop(job->source);
    job->source_ended = true;
    ringsend_stop(job->engine);
    for (uint32_t i = 0; i < job->options.records_max; i++) {
        struct slot *slot = &job->slots[i];
        load_end(&slot->load);
        if (slot->step == SLOT_LOADING || slot->step == SLOT_GATED || slot->step == SLOT_HELD)
            leave(job, slot);
    }
    gate_clear(&job->gate);
    job->held = NULL;
    job->loads = 0;
}

static void note_broken_output(struct job *job)
{
    job->report.output_is_failed_file = job->output.broken == &job->output.failed;
    job->report.output_is_journal = job->output.journal_error != 0;
    job->report.output_is_words = job->output.broken == &job->output.words;
}

/* True from the first failure of an output or the journal on. */
static bool output_broke(struct job *job)
{
    int error = job->body_error ? job->body_error : output_error(&job->output);
    if (error == 0 && job->gate.error)
        journal_failed(job, job->gate.error);
    if (error && !job->report.output_error) {
        job->report.output_error = error;
        note_broken_output(job);
    }
    return job->report.output_error != 0;
}

/* Looks for reasons to stop, and to cancel. */
static void watch(struct job *job)
{
    int asked = *job->options.stop_asked;
    bool broke = output_broke(job);
    if (!job->stopping && (asked > 0 || broke))
        stop(job, broke ? JOB_OUTPUT_FAILED : JOB_STOPPED);
    if (!job->stopping)
        return;
    if (broke)
        job->report.end = JOB_OUTPUT_FAILED;
    if (asked > 1 && job->abort_at_ns == 0)
        job->abort_at_ns = job->now_ns + JOB_ABORT_NS;
    if (!job->cancelled && (asked > 1 || job->now_ns >= job->cancel_at_ns))
        cancel_all(job);
}

/* ---- the turn ---- */

static bool all_have_results(const struct job *job)
{
    return job->source_ended && job->in_flight == 0 && job->loads == 0 && !job->held &&
           gate_is_empty(&job->gate) && list_empty(&job->saving);
}

static bool is_finished(const struct job *job)
{
    if (job->abort_at_ns != 0 && job->now_ns >= job->abort_at_ns)
        return true;
    return all_have_results(job) && output_is_idle(&job->output);
}

static uint64_t until(uint64_t at_ns, uint64_t now_ns)
{
    return at_ns > now_ns ? at_ns - now_ns : 0;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t bounded_wait_ns(const struct job *job, uint64_t wait_ns)
{
    uint64_t wait = least(wait_ns, output_wait_ns(&job->output, job->now_ns));
    if (job->stopping && !job->cancelled)
        wait = least(wait, until(job->cancel_at_ns, job->now_ns));
    if (job->abort_at_ns != 0)
        wait = least(wait, until(job->abort_at_ns, job->now_ns));
    return wait;
}

/* False when there is no output to write results to: nothing may be sent then. */
static bool start(struct job *job)
{
    struct job_report *report = &job->report;
    job->started_ns = job->now_ns;
    report->output_error = output_open(&job->output, job->engine, &job->pool, &job->options.output);
    if (report->output_error == 0 && job->journal && job->options.output.sync &&
        !gate_open(&job->gate, job->engine, journal_fd(job->journal), job->options.records_max))
        report->output_error = ENOMEM;
    if (report->output_error == 0)
        return true;
    note_broken_output(job);
    report->end = JOB_OUTPUT_FAILED;
    note_unread(job);
    return false;
}

bool job_turn(struct job *job, uint64_t wait_ns)
{
    job->now_ns = clock_ns();
    if (job->started_ns == 0 && !start(job))
        return false;
    watch(job);
    load_all(job);
    save_all(job);
    admit(job);
    turn_gate(job);
    if (all_have_results(job))
        output_end(&job->output);
    /* When nothing is to come before a result is read: show it now. */
    output_turn(&job->output, job->now_ns,
                job->in_flight == 0 && job->loads == 0 && list_empty(&job->saving) &&
                    (job->source_waits || job->source_ended));
    if (is_finished(job))
        return false;
    /* An output that had no room may have it now. */
    bool more = job->held ? job->in_flight == 0 : may_admit(job) && !job->source_waits;
    if (ringsend_run(job->engine, more ? 0 : bounded_wait_ns(job, wait_ns)) < 0) {
        job->report.end = JOB_RING_BROKE;
        if (!job->source_ended)
            note_unread(job);
        return false;
    }
    reap(job);
    return true;
}

static bool name_inputs(struct job *job)
{
    size_t count = job->source->count;
    if (count < 2)
        return true;
    job->files = calloc(count, sizeof *job->files);
    if (!job->files)
        return false;
    for (size_t i = 0; i < count; i++) {
        size_t before = job->names.bytes;
        if (!result_line_quote(span_of(job->source->paths[i]), &job->pool, &job->names))
            return false;
        job->files[i].bytes = job->names.bytes - before;
    }
    const char *at = job->names.data; /* it has stopped moving */
    for (size_t i = 0; i < count; i++) {
        job->files[i].data = at;
        at += job->files[i].bytes;
    }
    return true;
}

/* What is done at the start of the inputs is not read again. */
static void begin_at_next_open(struct job *job)
{
    struct source_position position;
    uint64_t number = journal_next_open(job->journal, 0);
    if (journal_place(job->journal, number, &position))
        source_seek(job->source, &position);
    source_skip_to(job->source, number);
}

static bool set_up(struct job *job)
{
    uint32_t count = job->options.records_max;
    job->slots = calloc(count, sizeof *job->slots);
    job->free_slots = calloc(count, sizeof(struct slot *));
    if (!job->slots || !job->free_slots || !report_init(&job->report))
        return false;
    for (uint32_t i = 0; i < count; i++)
        list_init(&job->slots[i].saving);
    for (uint32_t i = count; i > 0; i--)
        job->free_slots[job->free_count++] = &job->slots[i - 1];
    if (job->journal)
        begin_at_next_open(job);
    return name_inputs(job) && source_start(job->source, job->engine, &job->pool);
}

struct job *job_new(const struct job_options *options)
{
    struct job *job = calloc(1, sizeof *job);
    if (!job)
        return NULL;
    job->options = *options;
    job->engine = options->engine;
    job->source = options->source;
    job->journal = options->output.journal;
    buf_pool_init(&job->pool);
    list_init(&job->saving);
    if (!set_up(job)) {
        job_free(job);
        return NULL;
    }
    return job;
}

/* The lost lines may be any of those written. */
static void count_lost(struct job *job)
{
    struct job_report *report = &job->report;
    uint64_t unfinished = job->options.records_max - job->free_count;
    uint64_t lines_lost = job->output.results.lines - job->output.results.lines_kept;
    uint64_t cut_off =
        report->by_error[RINGSEND_E_STOPPED] + report->by_error[RINGSEND_E_CANCELLED] + lines_lost;
    report->results_lost = unfinished + lines_lost;
    report->cut_off = unfinished + least(cut_off, report->records);
}

const struct job_report *job_report(const struct job *job)
{
    return &job->report;
}

const struct job_report *job_end(struct job *job)
{
    struct job_report *report = &job->report;
    report->elapsed_ns = clock_ns() - job->started_ns;
    report->input_error = job->source->error;
    if (report->input_error)
        report->input_path = job->source->paths[job->source->error_input];
    source_stop(job->source);
    for (uint32_t i = 0; i < job->options.records_max; i++)
        load_end(&job->slots[i].load);
    for (uint32_t i = 0; i < job->options.records_max; i++)
        save_end(&job->slots[i].save);
    gate_close(&job->gate);
    output_close(&job->output);
    if (output_broke(job)) /* by the last of it */
        report->end = JOB_OUTPUT_FAILED;
    report->results_given_up = job->output.results.given_up;
    report->failed_given_up = job->output.failed.given_up;
    count_lost(job);
    report->complete &= report->left == 0 && report->results_lost == 0 &&
                        report->output_error == 0 && report->end != JOB_RING_BROKE;
    return report;
}

void job_free(struct job *job)
{
    if (!job)
        return;
    source_stop(job->source);
    for (uint32_t i = 0; job->slots && i < job->options.records_max; i++) {
        if (job->slots[i].step != SLOT_FREE)
            slot_free(job, &job->slots[i]);
    }
    report_free(&job->report);
    buf_release(&job->pool, &job->names);
    buf_pool_free(&job->pool);
    free(job->files);
    free(job->free_slots);
    free(job->slots);
    free(job);
}
