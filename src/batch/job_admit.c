#include "batch/job_internal.h"

#include <stdlib.h>

enum {
    JOB_BYTES_MAX = 64 << 20,
    JOB_ASIDE_BYTES_MAX = 16 << 20, /* above it nothing more is set aside */
    /* An earlier run may have had more memory; but not so much. */
    JOB_EARLY_BYTES_MAX = 1 << 30,
    JOB_DATA_FILES_MAX = 16 /* data files open at once; well below LIMIT_FILES */
};

/* To the engine that has the fewest. 0 or an error. */
static int submit_to_any(struct job *job, struct slot *slot)
{
    struct ringsend_request *request = &slot->record.request;
    int error;
    slot->thread = NULL;
    if (job->threads && engine_threads_post(job->threads, request, job->in_flight_here, &error))
        return error;
    return -ringsend_submit(job->engine, request);
}

/* Gives a request to an engine; full means to try again in the next turn. */
static void hand_over(struct job *job, struct slot *slot)
{
    int error = submit_to_any(job, slot);
    if (error == RINGSEND_OK) {
        job_slot_goto(job, slot, SLOT_IN_FLIGHT);
    } else if (error == RINGSEND_E_FULL) {
        if (slot->step != SLOT_HELD)
            job_slot_goto(job, slot, SLOT_HELD);
    } else {
        struct record_error why = {.error = (enum ringsend_error)error};
        const char *words = ringsend_submit_detail(job->engine);
        if (job->threads)
            ringsend_check(&slot->record.request, &words);
        record_explain(&slot->record, words, &why);
        struct result_line line = {.error = why.error, .detail = why.detail};
        if (job_is_mistake(job, &line) && job->journal)
            job_leave(job, slot);
        else
            job_refuse(job, slot, &why);
    }
}

/* With sync the sent bit must be durable first; whether the request then really may have been
 * processed, the engine tells apart. */
static void wait_for_commit(struct job *job, struct slot *slot)
{
    slot->record.request.in_doubt = &slot->may_be_processed;
    slot->record.request.in_doubt_mask = 1;
    journal_set_sent(job->journal, slot->number, true);
    job_slot_goto(job, slot, SLOT_COMMITTING);
    group_commit_put(&job->group_commit, slot);
}

/* It is its turn among those for its host. */
static void go_on(struct job *job, struct slot *slot)
{
    if (job->group_commit.file) {
        wait_for_commit(job, slot);
        return;
    }
    if (job->journal)
        slot->record.request.in_doubt =
            journal_sent(job->journal, slot->number, &slot->record.request.in_doubt_mask);
    hand_over(job, slot);
}

/* Takes a complete request, for which no other is to be waited for, on its way. */
static void send_on(struct job *job, struct slot *slot)
{
    struct ringsend_request *request = &slot->record.request;
    if (slot->record.needs_key)
        record_make_key(&slot->record, slot->number);
    request->user = slot;
    if (slot->was_sent && !ringsend_may_repeat(request)) {
        struct result_line line = {.error = RINGSEND_E_IN_DOUBT, .ambiguous = true};
        job_finish(job, slot, &line);
    } else if (lanes_enter(&job->lanes, &slot->place, request->url)) {
        go_on(job, slot);
    } else {
        job_slot_goto(job, slot, SLOT_ASIDE);
    }
}

static void submit(struct job *job, struct slot *slot)
{
    struct serial_key key;
    if (job->options.weights)
        job->report.unweighed += !weigh(job->options.weights, &slot->record,
                                        &job->source->layouts[slot->input], &job->pool);
    if (!job->options.serialize ||
        !serial_key_of(job->options.serialize, slot->record.request.body, &key) ||
        serial_enter(&job->serial, &slot->serial, key))
        send_on(job, slot);
    else
        job_slot_goto(job, slot, SLOT_QUEUED);
}

static void send_released(struct job *job)
{
    while (!job->held && !list_empty(&job->released))
        send_on(job, LIST_OWNER(job->released.next, struct slot, released));
}

static void send_aside(struct job *job)
{
    struct lane_place *place;
    /* Each may come to a result at once. */
    while (!job->held && output_has_room(&job->output) && (place = lanes_next(&job->lanes)))
        go_on(job, LIST_OWNER(place, struct slot, place));
}

void job_turn_group_commit(struct job *job)
{
    struct slot *slot;
    group_commit_turn(&job->group_commit);
    while (!job->held && (slot = group_commit_take(&job->group_commit)))
        hand_over(job, slot);
}

static enum data_file_next begin_data_file(struct job *job, struct slot *slot,
                                           struct record_error *error)
{
    return data_file_begin(&slot->data_file, job->engine, &job->pool, slot->record.data_file,
                           &slot->data, error);
}

/* Takes what a step of loading came to. */
static void data_file_turned(struct job *job, struct slot *slot, enum data_file_next next,
                             struct record_error *error)
{
    enum record_file_next then = RECORD_FILE_MORE;
    while (next == DATA_FILE_DONE && then == RECORD_FILE_MORE) {
        size_t before = slot->data.capacity;
        then = record_file_loaded(&slot->record, &job->pool, &slot->data, error);
        if (then == RECORD_FILE_MORE)
            next = begin_data_file(job, slot, error);
        else if (slot->data.capacity < before) /* it went into a body that was made of it */
            job_slot_charge(job, slot, slot->record.body.capacity);
    }
    if (next == DATA_FILE_WAIT)
        return;
    if (next == DATA_FILE_FAILED)
        record_file_failed(&slot->record, error);
    if (next == DATA_FILE_FAILED || then == RECORD_FILE_BAD)
        job_finish_with_error(job, slot, error->error, error->detail);
    else
        submit(job, slot);
}

static void read_data_file(struct job *job, struct slot *slot)
{
    struct record_error error;
    job_slot_goto(job, slot, SLOT_DATA_FILE);
    enum data_file_next next = begin_data_file(job, slot, &error);
    job_slot_charge(job, slot, slot->data.capacity);
    data_file_turned(job, slot, next, &error);
}

void job_read_data_files(struct job *job)
{
    for (uint32_t i = 0; job->data_files > 0 && !job->held && i < job->slots_mark; i++) {
        struct slot *slot = job_slot(job, i);
        struct record_error error;
        if (slot->step != SLOT_DATA_FILE)
            continue;
        size_t before = slot->data.capacity;
        enum data_file_next next = data_file_turn(&slot->data_file, &error);
        job_slot_charge(job, slot, slot->data.capacity - before);
        data_file_turned(job, slot, next, &error);
    }
}

static void admit_line(struct job *job, struct slot *slot)
{
    struct record_error error;
    record_read(&slot->record, &job->pool, job->options.defaults,
                &job->source->layouts[slot->input], &error);
    job_slot_charge(job, slot, slot->record.line.capacity + slot->record.decoded.capacity);
    if (error.error == RINGSEND_OK && !slot->was_sent)
        keys_seen_take(&job->keys, &slot->record, slot->input, slot->line,
                       job->options.defaults->key_header, job->source->paths, &error);
    if (error.error != RINGSEND_OK)
        job_refuse(job, slot, &error);
    else if (slot->record.data_file.bytes > 0)
        read_data_file(job, slot);
    else
        submit(job, slot);
}

/* Takes the record up in the journal: false when it is done already, or *error is set. */
static bool enter(struct job *job, struct slot *slot, int *error)
{
    struct journal *journal = job->journal;
    slot->was_sent = false;
    slot->may_be_processed = 0;
    *error = 0;
    if (!journal)
        return true;
    *error = journal_reserve(journal, slot->number);
    if (*error)
        return false;
    journal_read(journal, slot->number, source_digest(job->source));
    if (slot->number + 1 == journal_records(journal))
        journal_read_up_to(journal, job->source->current, source_read_bytes(job->source));
    /* Of one that was read early the place is not known any more. */
    if (slot->number >= job->next_pass && slot->number == job->source->number) {
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

/* ---- before the inputs are proven ---- */

void job_drop_early(struct job *job)
{
    while (job->early_at < job->early_count)
        buf_release(&job->pool, &job->early[job->early_at++].record);
    job->early_at = job->early_count = job->early_bytes = 0;
}

static bool keep_early(struct job *job, struct early *early)
{
    if (job->early_count == job->early_capacity) {
        size_t capacity = 2 * job->early_capacity + 64;
        struct early *more = reallocarray(job->early, capacity, sizeof *more);
        if (!more)
            return false;
        job->early = more;
        job->early_capacity = capacity;
    }
    job->early[job->early_count++] = *early;
    job->early_bytes += early->record.capacity;
    return job->early_bytes <= JOB_EARLY_BYTES_MAX;
}

/* Reads all that the run to go on with has read, and keeps what is not done of it: as much as that
 * run had in hand. Nothing of it may be sent before it is known to be the same. SOURCE_RECORD: it
 * is. */
static enum source_next read_early(struct job *job)
{
    struct source *source = job->source;
    while (!source_is_proven(source)) {
        struct early early = {0};
        enum source_next next = source_next(source, &early.record);
        if (next == SOURCE_WAIT)
            return next;
        if (next == SOURCE_END)
            break;
        early.line = source->line;
        early.number = source->number;
        early.input = (uint32_t)source->current;
        early.kind = next;
        if (journal_state(job->journal, early.number) == JOURNAL_DONE) {
            buf_release(&job->pool, &early.record);
            pass_over(job, early.number);
        } else if (!keep_early(job, &early)) {
            job->memory_is_out = true;
            break;
        }
    }
    if (source_is_proven(source))
        return SOURCE_RECORD;
    job_drop_early(job);
    return SOURCE_END;
}

static enum source_next next_record(struct job *job, struct slot *slot)
{
    struct source *source = job->source;
    if (!source_is_proven(source)) {
        enum source_next next = read_early(job);
        if (next != SOURCE_RECORD)
            return next;
    }
    if (job->early_at < job->early_count) {
        const struct early *early = &job->early[job->early_at++];
        slot->record.line = early->record;
        slot->line = early->line;
        slot->number = early->number;
        slot->input = early->input;
        return early->kind;
    }
    enum source_next next = source_next(source, &slot->record.line);
    slot->line = source->line;
    slot->number = source->number;
    slot->input = (uint32_t)source->current;
    return next;
}

/* ---- admission ---- */

/* Whom a record has to wait for shows once its file is read: until then none is read behind it. */
static uint32_t data_files_max(const struct job *job)
{
    return job->options.serialize ? 1 : JOB_DATA_FILES_MAX;
}

/* What records may hold until they are sent; of that, beside some that wait for hosts that do not
 * answer. */
static size_t bytes_max(const struct job *job, size_t most)
{
    size_t share = job->options.memory_bytes / 4;
    return share > 0 && share < most ? share : most;
}

/* Another record could be taken in, were there one, and room in its lane. */
static bool could_admit(const struct job *job)
{
    bool waits = job->lanes.aside + job->queued > 0;
    return !job->stopping && !job->source_ended && !job->held && job->free_count > 0 &&
           job->bytes < bytes_max(job, waits ? JOB_ASIDE_BYTES_MAX : JOB_BYTES_MAX) &&
           job->lanes.aside + job->queued < JOB_ASIDE_MAX &&
           job->data_files < data_files_max(job) && output_has_room(&job->output);
}

bool job_may_admit(const struct job *job)
{
    return could_admit(job) && lanes_have_room(&job->lanes);
}

uint64_t job_stall_ns(struct job *job)
{
    if (!could_admit(job) || job->source_waits || lanes_have_room(&job->lanes))
        return RINGSEND_NEVER; /* it does not wait for lanes, or does not wait */
    return lanes_stall(&job->lanes, job->now_ns);
}

static void input_ended(struct job *job)
{
    job->source_ended = true;
    job->report.complete = job->source->error == 0;
    if (job->report.complete && job->options.output.input) { /* there may be no row */
        job->output.input_columns = layout_echo_columns(&job->source->layouts[0]);
        output_begin_results(&job->output);
    }
    if (job->journal && job->report.complete)
        journal_input_ended(job->journal);
}

/* Reads one record and takes it on its way. False: there is none, now or at all. */
static bool admit_next(struct job *job)
{
    struct slot *slot = job_slot_take(job);
    enum source_next next = next_record(job, slot);
    job->source_waits = next == SOURCE_WAIT;
    bool is_record = next == SOURCE_RECORD || next == SOURCE_TOO_LONG;
    int error = 0;
    if (!is_record || !enter(job, slot, &error)) {
        uint64_t number = slot->number;
        job_slot_free(job, slot);
        if (error)
            job_journal_failed(job, error);
        else if (is_record)
            pass_over(job, number);
        else if (next == SOURCE_END)
            input_ended(job);
        return is_record && !error;
    }
    if (job->options.ordered)
        list_push_back(&job->order, &slot->order);
    const struct parked_item *parked = parked_find(job->options.output.parked, slot->number);
    if (parked)
        job_take_parked(job, slot, parked);
    else if (next == SOURCE_TOO_LONG)
        job_finish_with_error(job, slot, RINGSEND_E_RECORD_TOO_LONG,
                              "lines may have 16 MiB; this one was skipped");
    else
        admit_line(job, slot);
    return true;
}

void job_admit(struct job *job)
{
    if (job->held)
        hand_over(job, job->held);
    send_released(job);
    send_aside(job);
    while (job_may_admit(job) && job_slots_more(job) && admit_next(job))
        ;
    lanes_starting(&job->lanes, job->source_ended, job->now_ns);
    send_aside(job);
}
