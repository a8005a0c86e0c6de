/* A turn: take records in while there is room, let the engine work (the one ringsend_run, which
 * alone waits), turn its results into lines, pass full buffers to the outputs.
 *
 * A record lives in a slot, whose steps stand in job_slot.c.
 *
 * What bounds memory: the number of slots, JOB_BYTES_MAX of lines and data files in them (a single
 * record may be above it when it is alone, so the bound is overshot by one record at most), and the
 * outputs, which take no more than their buffers before admission pauses. Results of what is
 * already in flight are taken until memory_bytes are held here; then they stay with their engines,
 * which let the next ones wait (memory_target_bytes). Ordered, they are always taken: the one that
 * all wait for may be among them.
 *
 * Stopping, whatever the reason, is the same thing: the source is stopped, ringsend_stop ends what
 * waits, what is in flight has JOB_GRACE_NS and is then cancelled; each still gives its result.
 * With a journal those that were cut short are left as the journal knows them, without a result
 * line: a later run sends them, or calls them in doubt. Results that are still KEPT then are parked
 * for that run (parked.h): so the order holds over all runs, and no record is sent twice for its
 * sake. A process that is killed has them in memory alone: their records are in doubt, as those in
 * flight are. */
#include "base/json_put.h"
#include "base/time.h"
#include "batch/job_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static bool all_have_results(const struct job *job)
{
    return job->source_ended && job->in_flight == 0 && job->data_files == 0 &&
           job->lanes.aside == 0 && !job->held && group_commit_is_empty(&job->group_commit) &&
           list_empty(&job->released) && list_empty(&job->body_files) &&
           group_commit_is_empty(&job->body_names);
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

static uint64_t bounded_wait_ns(const struct job *job, uint64_t wait_ns, uint64_t stall_ns)
{
    uint64_t wait = least(wait_ns, output_wait_ns(&job->output, job->now_ns));
    if (job->stopping && !job->cancelled)
        wait = least(wait, until(job->cancel_at_ns, job->now_ns));
    wait = least(wait, least(stall_ns, job_reach_wait_ns(job)));
    if (job->abort_at_ns != 0)
        wait = least(wait, until(job->abort_at_ns, job->now_ns));
    return wait;
}

/* 0 or an errno. */
static int open_group_commit(struct job *job)
{
    const struct output_options *o = &job->options.output;
    uint32_t capacity = job->slots_count;
    if (!job->journal || !o->sync)
        return 0;
    if (!group_commit_open(&job->group_commit, job->engine, journal_fd(job->journal), capacity))
        return ENOMEM;
    if (!o->bodies)
        return 0;
    job->bodies_fd = open(o->bodies, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (job->bodies_fd < 0)
        return errno;
    return group_commit_open(&job->body_names, job->engine, job->bodies_fd, capacity) ? 0 : ENOMEM;
}

/* False when there is no output to write results to: nothing may be sent then. */
static bool start(struct job *job)
{
    struct job_report *report = &job->report;
    job->started_ns = job->now_ns;
    lanes_start(&job->lanes, job->options.connections, job->now_ns);
    report->output_error = output_open(&job->output, job->engine, &job->pool, &job->options.output);
    if (report->output_error == 0)
        report->output_error = open_group_commit(job);
    if (report->output_error == 0)
        return true;
    job_note_broken_output(job);
    report->end = JOB_OUTPUT_FAILED;
    job_note_unread(job);
    return false;
}

/* What was left unreaped may be with other threads, which will not wake us once more. */
static int run_engine(struct job *job, uint64_t wait_ns)
{
    if (!job->unreaped)
        return ringsend_run(job->engine, wait_ns);
    return job_has_room(job) ? ringsend_run(job->engine, 0) : file_run(job->engine, wait_ns);
}

bool job_turn(struct job *job, uint64_t wait_ns)
{
    job->now_ns = clock_monotonic_ns();
    if (job->started_ns == 0 && !start(job))
        return false;
    job_watch(job);
    job_read_data_files(job);
    job_write_bodies(job);
    job_admit(job);
    job_turn_group_commit(job);
    /* When nothing is to come before a result is read, or can be: show it now. */
    bool is_full = job->unreaped && !job_has_room(job);
    bool is_last = job->in_flight == 0 && job->data_files == 0 && list_empty(&job->body_files) &&
                   group_commit_is_empty(&job->body_names) &&
                   (job->source_waits || job->source_ended);
    output_turn(&job->output, job->now_ns, is_full || is_last);
    if (is_finished(job))
        return false;
    uint64_t stall_ns =
        least(job_stall_ns(job), lanes_starting(&job->lanes, job->source_ended, job->now_ns));
    /* An output that had no room may have it now. */
    bool more = job->held ? job->in_flight == 0 : job_may_admit(job) && !job->source_waits;
    if (run_engine(job, more ? 0 : bounded_wait_ns(job, wait_ns, stall_ns)) < 0 ||
        (job->threads && engine_threads_broke(job->threads))) {
        job->report.end = JOB_RING_BROKE;
        if (!job->source_ended)
            job_note_unread(job);
        return false;
    }
    job_reap(job);
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
        if (!json_append_string(span_of(job->source->paths[i]), &job->pool, &job->names))
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

/* What is done at the start of the inputs is not read again where it surely is what it was;
 * elsewhere it is passed over, and has to prove it. */
static void begin_at_next_open(struct job *job)
{
    struct source_position position;
    struct journal *journal = job->journal;
    uint64_t number = journal_next_open(journal, 0);
    source_prove(job->source, journal_seed(journal), journal_records(journal),
                 journal_digest(journal));
    if (journal_place(journal, number, &position) && position.input < job->options.inputs_untouched)
        source_seek(job->source, &position);
    source_skip_to(job->source, number);
}

uint32_t job_going_max(uint32_t window)
{
    return window + (window < JOB_QUIET_MAX / 3 ? 3 * window : JOB_QUIET_MAX);
}

static bool set_up(struct job *job)
{
    uint32_t window = job->options.window;
    uint32_t count = job_going_max(window) + JOB_ASIDE_MAX;
    job->slots_count = job->free_count = count;
    job->blocks = calloc(count / SLOTS_PER_BLOCK + 1, sizeof(struct slot *));
    job->free_slots = calloc(count, sizeof(struct slot *));
    if (!job->blocks || !job->free_slots || !job_slots_more(job) || !report_init(&job->report))
        return false;
    if (!lanes_init(&job->lanes, count, window, job_going_max(window), JOB_ASIDE_MAX))
        return false;
    if (job->options.serialize && !serial_init(&job->serial, count))
        return false;
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
    job->bodies_fd = -1;
    job->keys.bound = KEYS_SEEN;
    job->engine = options->engine;
    job->source = options->source;
    job->journal = options->output.journal;
    buf_pool_init(&job->pool);
    if (options->thread_engines_count > 0)
        job->threads =
            engine_threads_new(options->thread_engines, options->thread_engines_count, job->engine);
    if (options->thread_engines_count > 0 && !job->threads) {
        free(job);
        return NULL;
    }
    list_init(&job->body_files);
    list_init(&job->order);
    list_init(&job->released);
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
    uint64_t unfinished = job->slots_count - job->free_count;
    uint64_t lines_lost = job->output.results.lines - job->output.results.lines_kept;
    uint64_t interrupted =
        report->by_error[RINGSEND_E_STOPPED] + report->by_error[RINGSEND_E_CANCELLED] + lines_lost;
    report->results_lost = unfinished + lines_lost;
    report->interrupted = unfinished + least(interrupted, report->records);
}

const struct job_report *job_report(const struct job *job)
{
    return &job->report;
}

void job_ask_stats(struct job *job)
{
    if (job->threads)
        engine_threads_ask_stats(job->threads);
}

void job_stats(struct job *job, struct ringsend_stats *stats)
{
    *stats = (struct ringsend_stats){.size = sizeof *stats};
    ringsend_stats(job->engine, stats);
    if (job->threads)
        engine_threads_add_stats(job->threads, stats);
}

const struct job_report *job_end(struct job *job)
{
    struct job_report *report = &job->report;
    report->elapsed_ns = clock_monotonic_ns() - job->started_ns;
    report->input_error = job->source->error;
    report->input_error_text = job->source->error_text;
    report->input_is_other = report->input_error == ESTALE;
    if (report->input_error)
        report->input_path = job->source->paths[job->source->error_input];
    if (job->threads)
        engine_threads_end(job->threads);
    source_stop(job->source);
    for (uint32_t i = 0; i < job->slots_mark; i++)
        data_file_end(&job_slot(job, i)->data_file);
    for (uint32_t i = 0; i < job->slots_mark; i++)
        body_file_end(&job_slot(job, i)->body_file);
    group_commit_close(&job->group_commit);
    group_commit_close(&job->body_names);
    output_close(&job->output);
    job_park(job);
    if (job_output_broke(job)) /* by the last of it */
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
    engine_threads_free(job->threads);
    source_stop(job->source);
    job_drop_early(job);
    free(job->early);
    if (job->bodies_fd >= 0)
        close(job->bodies_fd);
    for (uint32_t i = 0; i < job->slots_mark; i++) {
        lanes_leave(&job->lanes, &job_slot(job, i)->place);
        serial_leave(&job->serial, &job_slot(job, i)->serial);
        if (job_slot(job, i)->step != SLOT_FREE)
            job_slot_free(job, job_slot(job, i));
    }
    report_free(&job->report);
    buf_release(&job->pool, &job->names);
    buf_pool_free(&job->pool);
    serial_free(&job->serial);
    lanes_free(&job->lanes);
    keys_seen_free(&job->keys);
    free(job->files);
    free(job->free_slots);
    for (uint32_t i = 0; job->blocks && i <= job->slots_count / SLOTS_PER_BLOCK; i++)
        free(job->blocks[i]);
    free(job->blocks);
    free(job);
}
