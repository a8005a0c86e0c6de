#include "cli/options/target_options.h"

#include "base/span.h"
#include "cli/options/values.h"
#include "cli/read_files.h"
#include "http/url.h"

#include <strings.h>

void target_options_init(struct target_options *o, const char *command)
{
    *o = (struct target_options){0};
    request_options_init(&o->request, command);
}

bool target_option_read(struct target_options *o, int code, const char *value)
{
    if (code == REQUEST_TRIES || code == REQUEST_AT_LEAST_ONCE || code == REQUEST_DEADLINE)
        usage_error(o->request.command,
                    "--tries, --at-least-once and --deadline are for `ringsend send`: here nothing "
                    "is tried again, and --timeout is the limit");
    if (code == RECORD_ID)
        usage_error(o->request.command,
                    "--id is for `ringsend send`: here no record has a result of its own");
    return request_option_read(&o->request, code, value) ||
           record_option_read(&o->records, &o->request, code, value);
}

static bool is_url(const char *text)
{
    return strncasecmp(text, "http://", 7) == 0 || strncasecmp(text, "https://", 8) == 0;
}

/* Not told with the URL: there may be a password in it. */
void target_check_url(const struct target_options *o, const char *name, const char *text)
{
    struct url url;
    const char *detail = NULL;
    if (url_parse(&url, span_of(text), &detail) != RINGSEND_OK)
        usage_error(o->request.command, "%s must be http[s]://HOST[:PORT][/PATH]: %s", name,
                    detail);
}

/* What was given that says something of records, or null. */
static const char *about_records(const struct target_options *o)
{
    const struct record_options *r = &o->records;
    return o->request.url              ? "--url"
           : r->format != FORMAT_GUESS ? "--format"
           : r->range.skip > 0         ? "--skip"
           : r->range.limit > 0        ? "--limit"
           : r->range.shards > 0       ? "--shard"
           : r->data_file              ? "--data-file"
           : r->key_header             ? "--idempotency-key"
                                       : NULL;
}

void target_options_finish(struct target_options *o, char *const *arguments, int count)
{
    const char *command = o->request.command;
    if (count == 0)
        usage_error(command, "name a URL, or files of records");
    if (!is_url(arguments[0])) {
        o->inputs = arguments;
        o->inputs_count = (size_t)count;
        record_options_finish(&o->records, &o->request, o->inputs, o->inputs_count);
        return;
    }
    const char *stray = about_records(o);
    if (count > 1)
        usage_error(command, "one URL, or files of records; a file of records can hold many URLs");
    if (stray)
        usage_error(command, "%s goes with files of records, and this is a URL%s", stray,
                    o->records.data_file ? ": --data @FILE reads its body" : "");
    if (o->records.data && o->records.data[0] == '@')
        read_files_add("--data", o->records.data + 1);
    o->url = arguments[0];
    target_check_url(o, "the URL", o->url);
    request_options_finish(&o->request);
}

void target_options_free(struct target_options *o)
{
    record_options_free(&o->records);
    request_options_free(&o->request);
}
