#include "cli/options/target_options.h"

#include "base/span.h"
#include "cli/options/credential_options.h"
#include "cli/options/proxy_options.h"
#include "cli/options/values.h"
#include "cli/read_files.h"
#include "http/url.h"

void target_options_take(struct target_options *o, const struct options *given)
{
    *o = (struct target_options){0};
    request_options_take(&o->request, given);
    credential_options_take(&o->request, given);
    proxy_options_take(&o->request, given);
    record_options_take(&o->records, given);
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
static const char *about_records(const struct options *given)
{
    static const enum option_id about[] = {
        OPTION_URL,       OPTION_FORMAT,          OPTION_SKIP,  OPTION_LIMIT,   OPTION_SHARD,
        OPTION_DATA_FILE, OPTION_IDEMPOTENCY_KEY, OPTION_TYPES, OPTION_AS_BODY, OPTION_DELIMITER,
        OPTION_ENCODING};
    for (size_t i = 0; i < sizeof about / sizeof *about; i++) {
        if (option_given(given, about[i]))
            return option_long(about[i]);
    }
    return NULL;
}

void target_options_finish(struct target_options *o, const struct options *given)
{
    const char *command = o->request.command;
    char *const *arguments = given->arguments;
    size_t count = given->arguments_count;
    if (count == 0)
        usage_error(command, "name a URL, or files of records");
    if (!value_is_url(arguments[0])) {
        o->inputs = arguments;
        o->inputs_count = count;
        record_options_finish(&o->records, &o->request, o->inputs, o->inputs_count, true);
        o->request.defaults.notes = &o->records.notes;
        return;
    }
    const char *misplaced = about_records(given);
    if (count > 1)
        usage_error(command, "one URL, or files of records; %s",
                    given->rows[OPTION_VS] ? "two URLs are compared by --vs URL URL"
                                           : "a file of records can hold many URLs");
    if (misplaced)
        usage_error(command, "%s goes with files of records, and this is a URL%s", misplaced,
                    o->records.data_file ? ": --data @FILE reads its body" : "");
    if (o->records.data && o->records.data[0] == '@')
        read_files_add("--data", o->records.data + 1);
    o->url = arguments[0];
    if (!option_given(given, OPTION_VS))
        o->request.target = o->url;
    target_check_url(o, "the URL", o->url);
    request_options_finish(&o->request);
}

void target_options_free(struct target_options *o)
{
    record_options_free(&o->records);
    request_options_free(&o->request);
}
