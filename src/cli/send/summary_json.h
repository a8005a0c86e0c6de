/* --summary FILE: what a run came to, for programs: ringsend-records(5), THE SUMMARY. It is put
 * together once the job is over, and written when the exit status is known. */
#ifndef RINGSEND_CLI_SEND_SUMMARY_JSON_H
#define RINGSEND_CLI_SEND_SUMMARY_JSON_H

#include "cli/send/outputs.h"
#include "cli/send/send_options.h"
#include "journal/journal.h"
#include "results/report.h"

struct summary_json {
    const char *path; /* null: not wanted */
    bool begun;       /* a job has been run */
    char *text;       /* the members behind the exit status; null: memory was out */
    size_t bytes;
};

/* Before anything is sent. An exit status, with the message told. */
int summary_json_check(struct summary_json *summary, const struct send_options *options);
/* That it is none of the outputs. Likewise. */
int summary_json_check_alone(struct summary_json *summary, const struct outputs *outputs);
/* After the job, before its engine is freed. `is_left`: there is something to go on with. */
void summary_json_take(struct summary_json *summary, const struct job_report *report,
                       const struct ringsend_stats *stats, const struct ringsend *engine,
                       const struct send_options *options, const struct journal_counts *whole,
                       bool is_left);
/* At the end of whatever came. The status, or EXIT_OUTPUT, with the message told. */
int summary_json_write(struct summary_json *summary, int status);

#endif
