#include "cli/send/options_fingerprint.h"

#include "base/check.h"
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

/* As they were given, and of credentials the names alone: a token may be another one by now, or
 * come from elsewhere. */
static void add_headers(struct fingerprint *f, const struct request_options *request)
{
    for (size_t i = 0; i < request->defaults.headers_count; i++) {
        struct ringsend_bytes name = request->defaults.headers[i].name;
        if (i + 1 == request->login_at || i + 1 == request->cookie_at)
            continue;
        fingerprint_add(f, option_long(OPTION_HEADER), name);
        if (!secret_is_header(name))
            add_option(f, option_long(OPTION_HEADER), request->header_texts[i]);
    }
}

/* By its value, however it was written. */
static void add_row(struct fingerprint *f, const struct option_row *row,
                    const struct send_options *options)
{
    const struct options *given = &options->given;
    const struct source_range *range = &options->records.range;
    const char *name = option_long(row->id);
    if (row->id == OPTION_HEADER) {
        add_headers(f, &options->request);
    } else if (row->id == OPTION_SHARD) {
        add_number(f, name, range->shards > 0 ? range->shard + 1 : 0);
        add_number(f, name, range->shards);
    } else if (row->id == OPTION_OK_STATUS) {
        const struct ringsend_status_set *ok = &options->request.engine.ok_status;
        if (option_given(given, row->id))
            fingerprint_add(f, name, (struct ringsend_bytes){(const char *)ok, sizeof *ok});
    } else if (row->id == OPTION_DATA) {
        add_option(f, name, options->records.data); /* of @FILE what it holds */
    } else if (row->kind == OPTION_IS_FLAG || row->kind == OPTION_IS_COUNT) {
        add_number(f, name, option_number(given, row->id));
    } else {
        CHECK(row->kind == OPTION_IS_TEXT || row->kind == OPTION_IS_FILE ||
              row->kind == OPTION_IS_WORD);
        add_option(f, name, option_text(given, row->id));
    }
}

void options_fingerprint_take(struct fingerprint *f, const struct send_options *options)
{
    for (int i = 0; i < OPTIONS_COUNT; i++) {
        const struct option_row *row = options->given.rows[i];
        if (row && row->traits & OPTION_SHAPES)
            add_row(f, row, options);
    }
}
