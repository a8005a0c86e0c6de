#include "cli/options/throttle_options.h"

#include "base/limits.h"
#include "base/rate.h"
#include "base/span.h"
#include "cli/options/outcomes.h"
#include "cli/options/values.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
        read = rate_parse(span_of(end + 2), &rate);
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

static void take_retries(struct request_options *o, const struct options *given)
{
    struct ringsend_options *engine = &o->engine;
    engine->backoff_min_ns = option_number(given, OPTION_RETRY_DELAY);
    engine->backoff_max_ns = option_number(given, OPTION_RETRY_MAX_DELAY);
    engine->retry_after_max_ns = option_number(given, OPTION_RETRY_AFTER_MAX);
    if (!option_given(given, OPTION_RETRY_MAX_DELAY) &&
        engine->backoff_max_ns < engine->backoff_min_ns)
        engine->backoff_max_ns = engine->backoff_min_ns;
    for (size_t i = 0; i < given->uses_count; i++) {
        const struct option_use *use = &given->uses[i];
        if (use->row->id == OPTION_RETRY_ON) {
            outcomes_read(o->command, "--retry-on", use->text, &o->retry_on);
            engine->retry_on = &o->retry_on;
        } else if (use->row->id == OPTION_NO_RETRY_ON) {
            outcomes_read(o->command, "--no-retry-on", use->text, &o->no_retry_on);
            engine->no_retry_on = &o->no_retry_on;
        }
    }
    read_budget(o, option_text(given, OPTION_RETRY_BUDGET));
}

static void check_together(const struct request_options *o)
{
    const struct ringsend_options *engine = &o->engine;
    if (engine->rate_count == 0 && (engine->rate_burst || engine->rate_ramp_ns))
        usage_error(o->command, "%s goes with --rate", engine->rate_burst ? "--burst" : "--ramp");
    if (engine->connections_per_origin > engine->connections_max)
        usage_error(o->command, "--per-host can be at most the number of connections, %u",
                    engine->connections_max);
    if (engine->backoff_min_ns > engine->backoff_max_ns)
        usage_error(o->command, "--retry-delay is longer than --retry-max-delay");
}

void throttle_options_take(struct request_options *o, const struct options *given)
{
    struct ringsend_options *engine = &o->engine;
    const struct rate *rate = option_rate(given, OPTION_RATE);
    if (rate) {
        engine->rate_count = (uint32_t)rate->count;
        engine->rate_per_ns = rate->per_ns;
    }
    engine->rate_burst = (uint32_t)option_number(given, OPTION_BURST);
    engine->rate_ramp_ns = option_number(given, OPTION_RAMP);
    engine->connections_per_origin = (uint32_t)option_number(given, OPTION_PER_HOST);
    take_retries(o, given);
    check_together(o);
}
