#include "cli/send/options_fingerprint.h"

#include "records/secret.h"

#include <stdio.h>
#include <string.h>

/* Absent options add nothing, so that a later version's new ones leave old journals good. */
static void add_option(struct fingerprint *f, const char *name, const char *value)
{
    if (value)
        fingerprint_add(f, name, (struct ringsend_bytes){value, strlen(value)});
}

static void add_number(struct fingerprint *f, const char *name, uint64_t value)
{
    char digits[24];
    int bytes = snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    if (value > 0)
        fingerprint_add(f, name, (struct ringsend_bytes){digits, (size_t)bytes});
}

void options_fingerprint_take(struct fingerprint *f, const struct send_options *options,
                              const struct source_range *range)
{
    const struct request_options *request = &options->request;
    const struct record_options *records = &options->records;
    const struct record_defaults *defaults = &request->defaults;
    add_option(f, "--url", request->url);
    add_option(f, "--method", request->method);
    /* As they were given, and of credentials the names alone: a token may be another one by now. */
    for (size_t i = 0; i < defaults->headers_count; i++) {
        fingerprint_add(f, "--header", defaults->headers[i].name);
        if (!secret_is_header(defaults->headers[i].name))
            add_option(f, "--header", request->header_texts[i]);
    }
    add_option(f, "--format",
               records->format != FORMAT_GUESS ? format_word(records->format) : NULL);
    add_option(f, "--data", records->data);
    add_option(f, "--data-file", records->data_file);
    add_option(f, "--id", records->id);
    add_option(f, "--idempotency-key", records->key_header);
    add_number(f, "--csv", options->csv); /* the results', which are one table */
    add_number(f, "--ordered", options->ordered);
    add_number(f, "--skip", range->skip);
    add_number(f, "--limit", range->limit);
    add_number(f, "--shard", range->shards > 0 ? range->shard + 1 : 0);
    add_number(f, "--shard", range->shards);
}
