#include "base/time.h"
#include "batch/job_internal.h"

#include <errno.h>

#define JOB_GRACE_NS (10 * NS_PER_S)
/* After a second signal the outputs have so long for what is left; then the job ends without it. */
#define JOB_ABORT_NS NS_PER_S

static void cancel_all(struct job *job)
{
    job->cancelled = true;
    for (uint32_t i = 0; i < job->slots_mark; i++) {
        struct slot *slot = job_slot(job, i);
        if (slot->step == SLOT_IN_FLIGHT && !slot->thread)
            ringsend_cancel(job->engine, slot->record.request.handle);
    }
    if (job->threads)
        engine_threads_cancel(job->threads);
}

void job_note_unread(struct job *job)
{
    struct job_report *report = &job->report;
    const struct source *source = job->source;
    size_t first = source_unread(source, &report->unread_bytes);
    report->unread = source->paths + first;
    report->unread_count = source->count - first;
    report->unread_line = first == source->current ? source->line : 0;
    report->unread_number = source->next_number;
    enum format format = first < source->count ? source->layouts[first].format : FORMAT_GUESS;
    report->unread_is_lines = format == FORMAT_JSONL || format == FORMAT_LINES;
}

static void stop(struct job *job, enum job_end end)
{
    job->stopping = true;
    bool is_reached = end != JOB_UNREACHED && end != JOB_NO_NAMES;
    job->cancel_at_ns = job->now_ns + (is_reached ? JOB_GRACE_NS : 0);
    job->report.end = end;
    if (!job->source_ended)
        job_note_unread(job);
    source_stop(job->source);
    job->source_ended = true;
    ringsend_stop(job->engine);
    if (job->threads)
        engine_threads_stop(job->threads);
    for (uint32_t i = 0; i < job->slots_mark; i++) {
        struct slot *slot = job_slot(job, i);
        data_file_end(&slot->data_file);
        if (slot->step > SLOT_READING && slot->step < SLOT_IN_FLIGHT)
            job_leave(job, slot);
    }
    group_commit_clear(&job->group_commit);
}

void job_give_up(struct job *job, enum job_end why)
{
    if (job->give_up == JOB_FINISHED)
        job->give_up = why;
}

void job_note_broken_output(struct job *job)
{
    job->report.output_is_failed_file = job->output.broken == &job->output.failed;
    job->report.output_is_journal = job->output.journal_error != 0;
    job->report.output_is_write_out = job->output.broken == &job->output.write_out;
}

/* True from the first failure of an output or the journal on. */
bool job_output_broke(struct job *job)
{
    int error = job->body_error ? job->body_error : output_error(&job->output);
    if (error == 0 && job->group_commit.error)
        job_journal_failed(job, job->group_commit.error);
    if (error == 0 && job->memory_is_out)
        error = ENOMEM;
    if (error && !job->report.output_error) {
        job->report.output_error = error;
        job_note_broken_output(job);
    }
    return job->report.output_error != 0;
}

/* Looks for reasons to stop, and to cancel. */
void job_watch(struct job *job)
{
    int asked = *job->options.stop_asked;
    job_watch_reach(job);
    bool broke = job_output_broke(job);
    if (!job->stopping && (asked > 0 || broke))
        stop(job, broke ? JOB_OUTPUT_FAILED : JOB_STOPPED);
    if (!job->stopping && job->give_up != JOB_FINISHED)
        stop(job, job->give_up);
    if (!job->stopping)
        return;
    if (broke)
        job->report.end = JOB_OUTPUT_FAILED;
    if (asked > 1 && job->abort_at_ns == 0)
        job->abort_at_ns = job->now_ns + JOB_ABORT_NS;
    if (!job->cancelled && (asked > 1 || job->now_ns >= job->cancel_at_ns))
        cancel_all(job);
}
