/* What a terminal shows of a run while it is under way: drawn once a second out of what the load
 * hands over for the series anyway, by the thread that waits for it. */
#ifndef RINGSEND_CLI_BENCH_LIVE_VIEW_H
#define RINGSEND_CLI_BENCH_LIVE_VIEW_H

#include "bench/figures.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct live_view {
    const struct figures_settings *settings;
    uint64_t seconds;           /* that were told */
    struct figures_second last; /* of them; its times are not ours */
    /* So far; requests have ended with a response or an error. */
    uint64_t responses, requests, bad;
    const struct histogram *times;
};

/* Standard error is a terminal that can be drawn on. */
bool live_view_is_possible(void);
/* Makes room for a message, where a view stands; from a signal handler, too. The next drawing comes
 * below. */
void live_view_wipe(void);

/* Draws what is asked for, before anything is known; `times` grows as seconds are told. */
void live_view_begin(struct live_view *view, const struct figures_settings *settings,
                     const struct histogram *times);
void live_view_second(struct live_view *view, const struct figures_second *second);
void live_view_end(struct live_view *view);

/* As many lines as fit, none longer than columns - 1, each wiped behind its end. False when memory
 * is out. */
bool live_view_print(FILE *out, const struct live_view *view, unsigned columns, unsigned rows,
                     bool colour);

#endif
