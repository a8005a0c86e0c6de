#include "cli/shape.h"

#include "base/span.h"

#include <stdio.h>

/* Absent options add nothing, so that a later version's new ones leave old journals good. */
static void add_text(struct fingerprint *f, const char *name, struct ringsend_bytes value)
{
    if (value.bytes > 0)
        fingerprint_add(f, name, value);
}

static void add_number(struct fingerprint *f, const char *name, uint64_t value)
{
    char digits[24];
    int bytes = snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    if (value > 0)
        fingerprint_add(f, name, (struct ringsend_bytes){digits, (size_t)bytes});
}

/* What proves who we are expires, and a new one makes no other request of it. */
static bool is_credential(struct ringsend_bytes name)
{
    return span_equal_nocase(name, SPAN("authorization")) ||
           span_equal_nocase(name, SPAN("proxy-authorization")) ||
           span_equal_nocase(name, SPAN("cookie")) || span_equal_nocase(name, SPAN("x-api-key")) ||
           span_equal_nocase(name, SPAN("api-key"));
}

void shape_take(struct fingerprint *f, const struct send_options *options,
                const struct source_range *range)
{
    const struct record_defaults *defaults = &options->request.defaults;
    add_text(f, "--url", defaults->url);
    add_text(f, "--method", defaults->method);
    for (size_t i = 0; i < defaults->headers_count; i++) {
        fingerprint_add(f, "--header", defaults->headers[i].name);
        if (!is_credential(defaults->headers[i].name))
            fingerprint_add(f, "--header", defaults->headers[i].value);
    }
    add_number(f, "--format", defaults->vegeta);
    add_number(f, "--csv", options->csv); /* the results', which are one table */
    add_number(f, "--skip", range->skip);
    add_number(f, "--limit", range->limit);
    add_number(f, "--shard", range->shards > 0 ? range->shard + 1 : 0);
    add_number(f, "--shard", range->shards);
}
