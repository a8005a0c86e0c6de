/* Messages to standard error while a job runs. They go by way of the engine's ring, so that a
 * terminal stopped with Ctrl-S, or a pipe whose reader sleeps, holds nothing up: what it does not
 * take waits, and when much waits, more is dropped and counted. A progress bar may stand there: its
 * line is wiped first. */
#ifndef RINGSEND_CLI_NOTICE_H
#define RINGSEND_CLI_NOTICE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct ringsend;

/* Before the first message; the engine lives until notice_end. */
void notice_begin(struct ringsend *engine);
__attribute__((format(printf, 1, 2))) void notice(const char *format, ...);
/* A line that shows a bar, and leaves the cursor at its first column. Not drawn when what came
 * before was not taken yet. */
void notice_bar(const char *text, size_t bytes);
/* Between two turns of the job: moves them on. */
void notice_turn(void);
/* The last words, after the job. Waits until all is taken; but when the user has asked for the end,
 * no longer than ten seconds, and when he has done so twice, or does so now, than one. */
void notice_end(const char *text, size_t bytes, const atomic_int *stops);

#endif
