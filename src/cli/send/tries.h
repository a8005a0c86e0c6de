/* --verbose: what became of each try. */
#ifndef RINGSEND_CLI_SEND_TRIES_H
#define RINGSEND_CLI_SEND_TRIES_H

#include "results/result_line.h"

/* A line on standard error for each try of a record that has its result now; one, if there was
 * none. */
void tries_show(const struct result_line *line);

#endif
