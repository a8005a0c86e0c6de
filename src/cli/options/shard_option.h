/* --shard I/N, or auto: which share of the records is this process's, by itself or by the engine of
 * jobs that it runs under. */
#ifndef RINGSEND_CLI_OPTIONS_SHARD_OPTION_H
#define RINGSEND_CLI_OPTIONS_SHARD_OPTION_H

#include "cli/options/options.h"
#include "records/source.h"

enum { SHARD_TEXT_BYTES = 32 };

/* Reads the option, which was given, or ends the program in a usage error. What auto came to is
 * told on standard error, and stands in the option's place from then on, in `text`, so that hints
 * and whoever goes on mean the same share. */
void shard_option_read(const struct options *given, struct source_range *range,
                       char text[SHARD_TEXT_BYTES]);

#endif
