/* Lists of outcomes on the command line: of statuses, and of errors. */
#ifndef RINGSEND_CLI_OPTIONS_OUTCOMES_H
#define RINGSEND_CLI_OPTIONS_OUTCOMES_H

#include "ringsend.h"

/* Adds "200,201,3xx,400-404" to the set, or ends in usage_error. */
void statuses_read(const char *command, const char *option, const char *text,
                   struct ringsend_status_set *set);

/* Adds a list of statuses as above, names of errors ("closed_no_response"), and the words
 *
 *   dns connect proxy tls send no_response head body   all errors of that phase
 *   timeout                                      all timeouts of an attempt
 *   default                                      what is tried again by default
 *
 * to the set, or ends in usage_error. An empty list adds nothing. */
void outcomes_read(const char *command, const char *option, const char *text,
                   struct ringsend_outcomes *set);

#endif
