/* Mistakes of the run, which no record can help: certificates that cannot be read, a name server
 * that is not there, a platform that is never reached. They stop it and are told once, instead of
 * becoming the result of each record; with a journal the records are left for a later run.
 *
 * Never reached. Time counts while something is being tried and there was no connection so far: not
 * while all that there is waits for its pace; and of the time between two looks no more than
 * REACH_TICK_NS, as the process may have stood still meanwhile. A name that cannot be looked up is
 * a mistake of its record as soon as anything was dialed: then names can be. */
#include "batch/job_internal.h"

#include "base/errors.h"

/* Looks are at least so far apart: with several threads they have to be asked. */
#define LOOK_NS (REACH_TICK_NS / 10)

static bool may_be_unreached(const struct job *job)
{
    return job->options.unreached_max_ns > 0 && !job->reached;
}

uint64_t job_reach_wait_ns(const struct job *job)
{
    return may_be_unreached(job) && job->in_flight > 0 ? REACH_TICK_NS : RINGSEND_NEVER;
}

static void look(struct job *job, uint64_t passed_ns)
{
    struct job_report *report = &job->report;
    struct ringsend_stats stats = {.size = sizeof stats};
    ringsend_stats(job->engine, &stats);
    if (job->threads)
        engine_threads_add_stats(job->threads, &stats);
    job->reached = stats.connections_opened > 0;
    job->dialed |= stats.connections_open > 0 || stats.pushed_back > 0;
    /* Others than those that are held back: in a lookup, a connect, or a pause between tries. */
    bool tries = job->in_flight > stats.held;
    if (job->reached)
        report->unreached_ns = 0;
    else if (tries)
        report->unreached_ns += passed_ns < REACH_TICK_NS ? passed_ns : REACH_TICK_NS;
}

void job_watch_reach(struct job *job)
{
    uint64_t passed_ns = job->now_ns - job->looked_ns;
    if (!may_be_unreached(job) || passed_ns < LOOK_NS)
        return;
    look(job, job->looked_ns > 0 ? passed_ns : 0);
    job->looked_ns = job->now_ns;
    if (!job->reached && job->threads)
        engine_threads_ask_stats(job->threads);
    if (job->report.unreached_ns >= job->options.unreached_max_ns && job->give_up == JOB_FINISHED)
        job->give_up = job->dialed ? JOB_UNREACHED : JOB_NO_NAMES;
}

/* A name server answers, or none was needed. */
static bool proves_lookups(enum ringsend_error error)
{
    return error == RINGSEND_E_DNS_NOT_FOUND ||
           (error_is_of_attempt(error) && error != RINGSEND_E_DNS_FAILED &&
            error != RINGSEND_E_TIMEOUT_DNS);
}

static bool is_mistake(struct job *job, const struct result_line *line)
{
    if (line->error == RINGSEND_E_TLS_CONFIG)
        return true;
    job->dialed |= proves_lookups(line->error);
    if (line->error != RINGSEND_E_DNS_FAILED || !may_be_unreached(job))
        return false;
    look(job, 0);
    return !job->reached && !job->dialed;
}

bool job_is_mistake(struct job *job, const struct result_line *line)
{
    if (line->error == RINGSEND_OK)
        job->reached = true;
    if (line->error == RINGSEND_OK || !is_mistake(job, line))
        return false;
    if (job->give_up == JOB_FINISHED)
        job->give_up = line->error == RINGSEND_E_TLS_CONFIG ? JOB_NO_CERTIFICATES : JOB_NO_NAMES;
    return true;
}
