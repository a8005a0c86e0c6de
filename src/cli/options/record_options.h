/* The options that say what the files hold, which of their records are meant, and what is made of
 * rows and lines: the same for every command that reads records. Used as request_options.h is, with
 * codes from RECORD_OPTIONS_END on left to the command. */
#ifndef RINGSEND_CLI_OPTIONS_RECORD_OPTIONS_H
#define RINGSEND_CLI_OPTIONS_RECORD_OPTIONS_H

#include "cli/options/request_options.h"
#include "records/form.h"
#include "records/source.h"

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>

enum record_option {
    RECORD_FORMAT = REQUEST_OPTIONS_END,
    RECORD_SKIP,
    RECORD_LIMIT,
    RECORD_SHARD,
    RECORD_DATA,
    RECORD_DATA_FILE,
    RECORD_ID,
    RECORD_IDEMPOTENCY_KEY,
    RECORD_OPTIONS_END
};

// clang-format off
#define RECORD_LONG_OPTIONS \
    {"format", required_argument, NULL, RECORD_FORMAT}, \
    {"skip", required_argument, NULL, RECORD_SKIP}, \
    {"limit", required_argument, NULL, RECORD_LIMIT}, \
    {"shard", required_argument, NULL, RECORD_SHARD}, \
    {"data", required_argument, NULL, RECORD_DATA}, \
    {"data-file", required_argument, NULL, RECORD_DATA_FILE}, \
    {"id", required_argument, NULL, RECORD_ID}, \
    {"idempotency-key", optional_argument, NULL, RECORD_IDEMPOTENCY_KEY}

#define RECORD_HELP_WHICH \
    "      --format FORMAT     jsonl, json, vegeta, csv, tsv, 'csv;' (semicolons in\n" \
    "                          place of commas), lines; default: by the\n" \
    "                          name (.json, .csv, .tsv, .txt, with .gz or .zst or\n" \
    "                          without), else jsonl. gzip and zstd are recognised\n" \
    "      --skip N            not the first N\n" \
    "      --limit N           N of them at most, counted behind --skip\n" \
    "      --shard I/N         of those the ones whose number mod N is I\n"

#define RECORD_HELP_TEMPLATES \
    "  {{column}} stands for the row's value, {{line}} for the line; {{column|json}}\n" \
    "  makes a JSON string of it, |url percent-encodes, |b64 is base64, |trim takes\n" \
    "  white space off. {{env.NAME}} is the environment's, in any format. {{{{ is {{\n" \
    "  A value is data. The server is what --url spells out, and no value is, or has,\n" \
    "  an empty part of the path or one of dots. In a body that is JSON, a form or\n" \
    "  XML, by its Content-Type or its looks, values are escaped inside of quotes,\n" \
    "  elsewhere one plain value each. What does not fit is an error of that record\n"

#define RECORD_HELP \
    "Records (numbered from 0 over all files, in every run the same)\n" RECORD_HELP_WHICH \
    "      --idempotency-key[=HEADER]  adds a key of its own to each record that has\n" \
    "                          none, or a blank one, the same in every try and run;\n" \
    "                          POST is then tried again as PUT is. Default:\n" \
    "                          Idempotency-Key\n" \
    "Rows of csv and tsv, and lines: --url, -X, -H and these are templates\n" \
    "      --data TEXT         the body; default: none, of lines the line, unless\n" \
    "                          --url has it: --url '{{line}}' GETs a list of URLs\n" \
    "      --data-file PATH    the body is that file's content\n" \
    "      --id TEXT           the id in the result; default: line number\n" \
    RECORD_HELP_TEMPLATES
// clang-format on

struct record_options {
    enum format format;
    struct source_range range;
    const char *data, *data_file, *id; /* null: not given */
    const char *key_header;            /* the same */
    struct form form;                  /* what it shares with request_options is theirs */
};

/* Takes an option that getopt_long has found: false when `code` is none of these. */
bool record_option_read(struct record_options *options, const struct request_options *request,
                        int code, const char *value);
/* After the last one: what these and the request's options say together about these inputs. Calls
 * request_options_finish. */
void record_options_finish(struct record_options *options, struct request_options *request,
                           char *const *inputs, size_t inputs_count);
/* For commands that send each record once: one key for all of them is refused. */
void record_options_refuse_one_key(const struct request_options *request);
/* Tells an opened source what they say of its records. */
void record_options_apply(const struct record_options *options, struct source *source);
void record_options_free(struct record_options *options);

#endif
