/* The options of `ringsend bench` and `ringsend probe` that say what is sent over and over: one
 * request to a URL, or the records of files, in every form that `ringsend send` takes. Used as
 * request_options.h is, with its long and short options and those of record_options.h. */
#ifndef RINGSEND_CLI_OPTIONS_TARGET_OPTIONS_H
#define RINGSEND_CLI_OPTIONS_TARGET_OPTIONS_H

#include "cli/options/record_options.h"
#include "cli/options/request_options.h"

#include <stdbool.h>
#include <stddef.h>

// clang-format off
#define TARGET_HELP_RECORDS \
    "      --data-file PATH    of rows and lines: the body is that file's content\n" \
    "      --url URL           for records without one; rows and lines need it\n" \
    REQUEST_HELP_RESOLVE \
    "      --strict-http       refuse response heads with bare LF line ends\n" \
    "Records of FILEs\n" RECORD_HELP_WHICH \
    "      --idempotency-key[=HEADER]  adds a key of its own to each record that has\n" \
    "                          none, the same each time that it is sent. Default:\n" \
    "                          Idempotency-Key\n" \
    "Of rows of csv and tsv, and of lines, --url, -X, -H, --data and --data-file are\n" \
    "templates:\n" RECORD_HELP_TEMPLATES

#define TARGET_HELP_TIMES \
    "Times (250ms, 2s, 1m; a bare number is seconds). Nothing is tried again.\n" \
    "      --connect-timeout T      default 10s\n" \
    "      --handshake-timeout T    connected to TLS established; default 10s\n" \
    "      --first-byte-timeout T   request sent to first byte back; default 30s\n" \
    "      --timeout T         start to end of the response; default 60s\n"
// clang-format on

struct target_options {
    const char *url; /* the one target; null: files of records */
    char *const *inputs;
    size_t inputs_count; /* files of records */
    struct request_options request;
    struct record_options records; /* of a URL, too: records.data is the body, or "@FILE" */
};

void target_options_init(struct target_options *options, const char *command);
/* Takes an option that getopt_long has found: false when `code` is none of these. What is wrong
 * ends the program in a usage_error. */
bool target_option_read(struct target_options *options, int code, const char *value);
/* After the last one, with the arguments that are no options: what all of them say together. */
void target_options_finish(struct target_options *options, char *const *arguments, int count);
/* That a URL can be sent to; `name` is what it is called when it cannot. */
void target_check_url(const struct target_options *options, const char *name, const char *text);
void target_options_free(struct target_options *options);

#endif
