/* The options that say how a platform is to be treated: what is tried again, how soon and how often,
 * and how fast requests go out. Used as those of request_options.h are, whose struct they fill in. */
#ifndef RINGSEND_CLI_OPTIONS_THROTTLE_OPTIONS_H
#define RINGSEND_CLI_OPTIONS_THROTTLE_OPTIONS_H

#include "cli/options/request_options.h"

enum throttle_option {
    THROTTLE_RETRY_ON = 512, /* behind all of request_options.h and of the commands' own */
    THROTTLE_NO_RETRY_ON,
    THROTTLE_RETRY_DELAY,
    THROTTLE_RETRY_MAX_DELAY,
    THROTTLE_RETRY_AFTER_MAX,
    THROTTLE_RETRY_BUDGET,
    THROTTLE_RATE,
    THROTTLE_BURST,
    THROTTLE_RAMP,
    THROTTLE_PER_HOST
};

// clang-format off
#define THROTTLE_LONG_OPTIONS \
    {"retry-on", required_argument, NULL, THROTTLE_RETRY_ON}, \
    {"no-retry-on", required_argument, NULL, THROTTLE_NO_RETRY_ON}, \
    {"retry-delay", required_argument, NULL, THROTTLE_RETRY_DELAY}, \
    {"retry-max-delay", required_argument, NULL, THROTTLE_RETRY_MAX_DELAY}, \
    {"retry-after-max", required_argument, NULL, THROTTLE_RETRY_AFTER_MAX}, \
    {"retry-budget", required_argument, NULL, THROTTLE_RETRY_BUDGET}, \
    {"rate", required_argument, NULL, THROTTLE_RATE}, \
    {"burst", required_argument, NULL, THROTTLE_BURST}, \
    {"ramp", required_argument, NULL, THROTTLE_RAMP}, \
    {"per-host", required_argument, NULL, THROTTLE_PER_HOST}

#define THROTTLE_HELP \
    "Manners\n" \
    "      --rate N/T          at most N tries begin in T: 50/s, 100/m, 5/15s. Exact\n" \
    "                          over any window, but for the burst\n" \
    "      --burst N           default 1 and what 10 ms bring\n" \
    "      --ramp T            the rate grows from 0 to its full size within T\n" \
    "      --per-host N        connections per scheme, host and port; default as -c\n" \
    "      --retry-on LIST     what is tried again, in place of the default: statuses\n" \
    "                          (503, 5xx, 500-504), names of errors, or all errors of\n" \
    "                          dns, connect, tls, send, no_response, head, body,\n" \
    "                          timeout; \"default\" for what is by default. What may\n" \
    "                          have been processed is still sent again only if it can\n" \
    "                          do no harm, or with --at-least-once\n" \
    "      --no-retry-on LIST  what is not\n" \
    "      --retry-delay T     before try n+1 wait a random time up to T x 2^(n-1);\n" \
    "                          default 250ms\n" \
    "      --retry-max-delay T but no longer than up to T; default 30s\n" \
    "      --retry-after-max T longest wait that a server may ask for; default 60s\n" \
    "      --retry-budget B    tries beyond the first: at most P% of first tries, and\n" \
    "                          N per second, as P%+N/s; what is over it waits. Or\n" \
    "                          none: no bound. Default 20%+10/s\n"
// clang-format on

/* Takes an option that getopt_long has found: false when `code` is none of these. */
bool throttle_option_read(struct request_options *options, int code, const char *value);
/* After the last one: what they say together. */
void throttle_options_finish(struct request_options *options);

#endif
