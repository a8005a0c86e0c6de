#include "cli/bench/probe_options.h"

#include "base/span.h"
#include "cli/options/values.h"

#include <stdio.h>
#include <string.h>

static const char command[] = "probe";

/* What is sent hundreds of times must be harmless, or the user must have said what it is. */
static void check_is_meant(const struct target_options *o)
{
    struct ringsend_bytes method = o->request.defaults.method;
    bool safe = method.bytes == 0 || span_equal(method, SPAN("GET")) ||
                span_equal(method, SPAN("HEAD")) || span_equal(method, SPAN("OPTIONS"));
    if (!safe && o->url && !o->records.data)
        usage_error(command, "%.*s may change something each time it is sent: say what with --data",
                    (int)method.bytes, method.data);
}

void probe_options_read(struct probe_options *options, int argc, char **argv)
{
    struct options given;
    options_parse(&given, COMMAND_PROBE, argc, argv);
    *options = (struct probe_options){.step_ns = option_number(&given, OPTION_STEP),
                                      .json = option_given(&given, OPTION_JSON),
                                      .quiet = option_given(&given, OPTION_QUIET)};
    target_options_take(&options->target, &given);
    target_options_finish(&options->target, &given);
    check_is_meant(&options->target);
    options_free(&given);
}

void probe_options_free(struct probe_options *options)
{
    target_options_free(&options->target);
}
