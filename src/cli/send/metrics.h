/* --metrics FILE: the run in Prometheus' text form, for the textfile collector of node_exporter,
 * every ten seconds and at the end. Names are those of OpenTelemetry where it has some. */
#ifndef RINGSEND_CLI_SEND_METRICS_H
#define RINGSEND_CLI_SEND_METRICS_H

#include "batch/job.h"
#include "cli/send/send_options.h"

struct metrics;

/* Before anything is sent. *metrics stays null when none are wanted. An exit status, with the
 * message told; metrics_end is due in any case. */
int metrics_new(struct metrics **metrics, const struct send_options *options);
/* A result, as it comes. */
void metrics_count(struct metrics *metrics, const struct result_line *line);
/* Between two turns of the job. */
void metrics_turn(struct metrics *metrics, struct job *job);
/* How long a turn may wait. */
uint64_t metrics_wait_ns(const struct metrics *metrics);
/* After the last turn, while the engine is there. */
void metrics_take(struct metrics *metrics, const struct job_report *report,
                  const struct ringsend_stats *stats);
/* Writes the last state and frees it. The status, or EXIT_OUTPUT, with the message told. Null is
 * allowed. */
int metrics_end(struct metrics *metrics, int status);

#endif
