#include "cli/options/throttle_options.h"

#include "base/limits.h"
#include "base/rate.h"
#include "base/span.h"
#include "cli/options/outcomes.h"
#include "cli/options/values.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MS_NS 1000000ull
#define HOUR_NS 3600000000000ull
#define MAX_DELAY_DEFAULT_NS 30000000000ull

/* "20%", "20%+5/s" or "none". */
static void read_budget(struct request_options *o, const char *text)
{
    struct ringsend_options *engine = &o->engine;
    char *end;
    if (strcmp(text, "none") == 0) {
        engine->retry_budget_percent = RINGSEND_UNLIMITED;
        return;
    }
    struct rate rate = {0, 1};
    unsigned long percent = strtoul(text, &end, 10);
    bool read = *text >= '0' && *text <= '9' && *end == '%';
    if (read && end[1] == '+')
        read = strchr(end, '/') && rate_parse(span_of(end + 2), &rate);
    else
        read = read && end[1] == '\0';
    double per_s = rate_per_s(&rate);
    read = read && per_s <= LIMIT_BUDGET_PER_S && per_s == floor(per_s);
    if (!read || percent < 1 || percent > LIMIT_BUDGET_PERCENT)
        usage_error(o->command,
                    "--retry-budget must be a share of 1%% to 1000%%, perhaps with a whole number "
                    "per second, such as \"20%%\" or \"20%%+10/s\", or \"none\", not \"%s\"",
                    text);
    engine->retry_budget_percent = (uint32_t)percent;
    engine->retry_budget_per_s = (uint32_t)per_s; /* 0: the default */
}

static void read_retry_option(struct request_options *o, enum throttle_option code,
                              const char *value)
{
    struct ringsend_options *engine = &o->engine;
    if (code == THROTTLE_RETRY_ON) {
        outcomes_read(o->command, "--retry-on", value, &o->retry_on);
        engine->retry_on = &o->retry_on;
    } else if (code == THROTTLE_NO_RETRY_ON) {
        outcomes_read(o->command, "--no-retry-on", value, &o->no_retry_on);
        engine->no_retry_on = &o->no_retry_on;
    } else if (code == THROTTLE_RETRY_DELAY) {
        engine->backoff_min_ns =
            value_duration_ns(o->command, "--retry-delay", value, MS_NS, 24 * HOUR_NS);
    } else if (code == THROTTLE_RETRY_MAX_DELAY) {
        engine->backoff_max_ns =
            value_duration_ns(o->command, "--retry-max-delay", value, MS_NS, 24 * HOUR_NS);
    } else if (code == THROTTLE_RETRY_AFTER_MAX) {
        engine->retry_after_max_ns =
            value_duration_ns(o->command, "--retry-after-max", value, MS_NS, 24 * HOUR_NS);
    } else {
        read_budget(o, value);
    }
}

bool throttle_option_read(struct request_options *o, int code, const char *value)
{
    struct ringsend_options *engine = &o->engine;
    switch ((enum throttle_option)code) {
    case THROTTLE_RETRY_ON:
    case THROTTLE_NO_RETRY_ON:
    case THROTTLE_RETRY_DELAY:
    case THROTTLE_RETRY_MAX_DELAY:
    case THROTTLE_RETRY_AFTER_MAX:
    case THROTTLE_RETRY_BUDGET:
        read_retry_option(o, (enum throttle_option)code, value);
        return true;
    case THROTTLE_RATE:
        value_rate(o->command, "--rate", value, LIMIT_RATE_COUNT, HOUR_NS, &engine->rate_count,
                   &engine->rate_per_ns);
        return true;
    case THROTTLE_BURST:
        engine->rate_burst =
            (uint32_t)value_count(o->command, "--burst", value, 1, LIMIT_RATE_BURST);
        return true;
    case THROTTLE_RAMP:
        engine->rate_ramp_ns = value_duration_ns(o->command, "--ramp", value, MS_NS, HOUR_NS);
        return true;
    case THROTTLE_PER_HOST:
        engine->connections_per_origin =
            (uint32_t)value_count(o->command, "--per-host", value, 1, LIMIT_CONNECTIONS);
        return true;
    }
    return false;
}

void throttle_options_finish(struct request_options *o)
{
    struct ringsend_options *engine = &o->engine;
    if (engine->rate_count == 0 && (engine->rate_burst || engine->rate_ramp_ns))
        usage_error(o->command, "%s goes with --rate", engine->rate_burst ? "--burst" : "--ramp");
    if (engine->connections_per_origin > engine->connections_max)
        usage_error(o->command, "--per-host can be at most the number of connections, %u",
                    engine->connections_max);
    if (engine->backoff_min_ns > MAX_DELAY_DEFAULT_NS && engine->backoff_max_ns == 0)
        engine->backoff_max_ns = engine->backoff_min_ns;
    if (engine->backoff_max_ns > 0 && engine->backoff_min_ns > engine->backoff_max_ns)
        usage_error(o->command, "--retry-delay is longer than --retry-max-delay");
}
