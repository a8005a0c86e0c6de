/* --cost and what goes with it: limits by weight. */
#ifndef RINGSEND_CLI_OPTIONS_COST_OPTIONS_H
#define RINGSEND_CLI_OPTIONS_COST_OPTIONS_H

#include "base/cost.h"
#include "cli/options/request_options.h"
#include "records/weigh.h"

/* Zeroed: none. Stays where it is once it was taken. */
struct cost_options {
    struct weights weights;
    struct cost *costs; /* behind these */
    const char *texts[RINGSEND_COSTS_MAX], *rate_texts[RINGSEND_COSTS_MAX];
    struct ringsend_cost limits[RINGSEND_COSTS_MAX]; /* behind the engine's */
};

/* What each --cost says, with those of the others that stand behind it; the engine's options have
 * them from then on. */
void cost_options_take(struct cost_options *options, struct request_options *request,
                       const struct options *given);
/* Once it is known what the records are: their columns are among those that are looked for. */
void cost_options_finish(struct cost_options *options, const struct request_options *request,
                         enum format format, struct template_names *names);
void cost_options_free(struct cost_options *options);

#endif
