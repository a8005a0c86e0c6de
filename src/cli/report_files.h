/* The files that a command writes its report to at its end, each in another form: an option names
 * each (--json FILE). They are opened before the work begins, so that it is not done in vain. */
#ifndef RINGSEND_CLI_REPORT_FILES_H
#define RINGSEND_CLI_REPORT_FILES_H

#include "cli/options/options.h"
#include "cli/output_file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { REPORT_FILES_MAX = 6 };

struct report_file {
    enum option_id option;
    const char *name; /* as given; - is standard output */
    struct output_file output;
};

struct report_files {
    const char *command; /* whose they are, for messages */
    bool force;
    struct report_file all[REPORT_FILES_MAX];
    size_t count;
};

/* Takes those of `options` that were given. A usage_error when two are one file. */
void report_files_take(struct report_files *files, const struct options *given,
                       const enum option_id *options, size_t count);
/* Once it is known what the command reads: a usage_error when it would be written to. */
void report_files_check(const struct report_files *files);
bool report_files_want(const struct report_files *files, enum option_id option);

/* Opens all; what they hold stays until they are written. An exit status, with the message told;
 * report_files_close is due in any case. */
int report_files_open(struct report_files *files);
/* Where the text for people goes: standard error when a report takes standard output. */
FILE *report_files_stream(const struct report_files *files);
/* After that text. False when it cannot be written, which was said. */
bool report_files_flush(const struct report_files *files);
/* `write` puts `report` in an option's form; false: memory was out for a part of it. False when one
 * cannot be written, which was said. */
bool report_files_write(struct report_files *files,
                        bool (*write)(FILE *out, enum option_id option, const void *report),
                        const void *report);
/* Those that were made and not written are removed. */
void report_files_close(struct report_files *files);

#endif
