/* The options that say what the files hold, which of their records are meant, and what is made of
 * rows and lines: the same for every command that reads records. */
#ifndef RINGSEND_CLI_OPTIONS_RECORD_OPTIONS_H
#define RINGSEND_CLI_OPTIONS_RECORD_OPTIONS_H

#include "cli/options/request_options.h"
#include "cli/options/shard_option.h"
#include "records/form.h"
#include "records/row.h"
#include "records/source.h"

#include <stdbool.h>
#include <stddef.h>

struct record_options {
    enum format format;
    struct source_range range;
    char shard_text[SHARD_TEXT_BYTES];             /* what --shard auto came to */
    const char *data, *data_file, *id;             /* null: not given */
    const char *types_text, *id_from, *key_header; /* the same */
    char *data_of_file;                            /* what `data` is, if it was read from one */
    bool as_body;
    char delimiter; /* 0: not given */
    enum encoding encoding;
    struct record_notes notes; /* for commands that report them */
    struct row_types types;    /* what it says */
    struct form form;          /* what it shares with request_options is theirs */
};

void record_options_take(struct record_options *options, const struct options *given);
/* What an input is, by --format or its name. */
enum format record_options_format(const struct record_options *options, const char *path);
/* After that: what these and the request's options say together about these inputs; `takes_url`: a
 * URL could have stood in their place. Calls request_options_finish. */
void record_options_finish(struct record_options *options, struct request_options *request,
                           char *const *inputs, size_t inputs_count, bool takes_url);
/* For commands that send each record once: one key for all of them is refused. */
void record_options_refuse_one_key(const struct request_options *request);
/* What the reader of records has noted of them and was not reported yet, as a line for `text`;
 * null: nothing. *reported begins as 0. */
enum { RECORD_NOTE_BYTES = 300 };
const char *record_options_note(const struct record_options *options, const struct source *source,
                                const char *command, unsigned *reported, char *text);
/* Tells an opened source what they say of its records. */
void record_options_apply(const struct record_options *options, struct source *source);
void record_options_free(struct record_options *options);

#endif
