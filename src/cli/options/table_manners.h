/* Rows of table.h: how a platform is treated. */

// clang-format off

ALSO(RATE, 'r', "N/T", RATE, SEND, MANNERS,
     "at most N tries begin in T: 50/s, 100/m, 5/15s. No T,\n"
     "wherever it begins, holds more than N; some 2 %\n"
     "fewer begin, so that none does at the platform either", .max = LIMIT_RATE_COUNT)
OPTION(BURST, "burst", 0, "N", COUNT, SEND, MANNERS,
       "the whole rate, and at most N more in any window", .min = 1, .max = LIMIT_RATE_BURST,
       .others = "max-burst")
ALSO(RAMP, 0, "T", TIME, SEND, MANNERS,
     "the rate grows from 0 to its full size within T", .min = MS, .max = LIMIT_RAMP_NS)
OPTION(COST, "cost", 0, "EXPR", TEXT, SEND, MANNERS,
       "what a record weighs, as platforms count in tokens:\n"
       ".max_tokens, len(.prompt) / 4 + .max_tokens,\n"
       "column(\"tokens\"), bytes; see ringsend-records(5).\n"
       "Repeats, each with its --cost-rate behind it", .traits = REPEATS,
       .others = "tokens|weight|token-count")
OPTION(COST_RATE, "cost-rate", 0, "N/T", RATE, SEND, MANNERS,
       "no T, wherever it begins, holds more of that than N;\n"
       "a heavier record goes alone", .traits = REPEATS, .max = LIMIT_COST,
       .others = "tpm|tokens-per-minute|token-limit")
OPTION(COST_BURST, "cost-burst", 0, "N", COUNT, SEND, MANNERS,
       "up to N at once, and in any T N more", .traits = REPEATS, .min = 1, .max = LIMIT_COST)
OPTION(COST_ACTUAL, "cost-actual", 0, "EXPR", TEXT, SEND, MANNERS,
       "what it really weighed, by its answer, as\n"
       ".usage.total_tokens: counts in place of the guess",
       .traits = REPEATS)
OPTION(PER_HOST, "per-host", 0, "N", COUNT, SEND, MANNERS,
       "connections per scheme, host and port; default as -c", .min = 1,
       .max = LIMIT_CONNECTIONS)
OPTION(RETRY_ON, "retry-on", 0, "LIST", TEXT, SEND, MANNERS,
       "what is tried again, in place of the default: statuses\n"
       "(503, 5xx, 500-504), names of errors, or all errors of\n"
       "dns, connect, proxy, tls, send, no_response, head,\n"
       "body, timeout; \"default\" for what is by default. What\n"
       "may have been processed is still sent again only if it\n"
       "can do no harm, or with --at-least-once", .traits = REPEATS,
       .others = "retry-all-errors|retry-connrefused|retry-status")
OPTION(NO_RETRY_ON, "no-retry-on", 0, "LIST", TEXT, SEND, MANNERS,
       "what is not", .traits = REPEATS)
OPTION(RETRY_DELAY, "retry-delay", 0, "T", TIME, SEND, MANNERS,
       "before try n+1 wait a random time up to T x 2^(n-1);\n"
       "default {default}", .min = MS, .max = LIMIT_BACKOFF_NS,
       .number = DEFAULT_BACKOFF_MIN_NS,
       .others = "backoff|retry-wait|delay")
OPTION(RETRY_MAX_DELAY, "retry-max-delay", 0, "T", TIME, SEND, MANNERS,
       "but no longer than up to T; default {default}", .min = MS, .max = LIMIT_BACKOFF_NS,
       .number = DEFAULT_BACKOFF_MAX_NS,
       .others = "max-backoff|retry-max-time")
OPTION(RETRY_AFTER_MAX, "retry-after-max", 0, "T", TIME, SEND, MANNERS,
       "longest wait that a server may ask for; default {default}",
       .min = MS, .max = DAY, .number = DEFAULT_RETRY_AFTER_MAX_NS)
OPTION(RETRY_BUDGET, "retry-budget", 0, "B", TEXT, SEND, MANNERS,
       "tries beyond the first: at most P% of first tries, and\n"
       "N per second, as P%+N/s; what is over it waits. Or\n"
       "none: no bound. Default {default}",
       .text = TEXT_OF(DEFAULT_RETRY_BUDGET_PERCENT)
               "%+" TEXT_OF(DEFAULT_RETRY_BUDGET_PER_S) "/s")
OPTION(ADAPTIVE, "adaptive", 0, NULL, FLAG, SEND, MANNERS,
       "as many connections as the platform rewards, between 1\n"
       "and -c: more while answers come as fast as before,\n"
       "fewer on 429, 503, 529, resets, timeouts, and when\n"
       "answers only wait there; and where few are refused\n"
       "as well, the rate that it allows; says why",
       .others = "auto|auto-tune")

// clang-format on
