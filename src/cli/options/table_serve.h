/* The rows of `ringsend serve`: a part of table.h, which stands where it is included. */

// clang-format off

OPTION(LISTEN, "listen", 0, "HOST:PORT", TEXT, SERVE, WHERE,
       "default {default}", .text = "127.0.0.1:8080",
       .others = "bind|address|host")
ALSO(UNIX_SOCKET, 0, "PATH", FILE, SERVE, WHERE,
     "at this unix socket instead; a file that is left of\n"
     "one gives way")
ALSO(ABSTRACT_UNIX_SOCKET, 0, "NAME", FILE, SERVE, WHERE,
     "at one in the abstract namespace")
OPTION(PORT, "port", 'p', "PORT", COUNT, SERVE, WHERE,
       "port alone; 0 takes any free one", .max = UINT16_MAX)
ALSO(TLS, 0, NULL, FLAG, SERVE, WHERE,
       "serve https (TLS 1.2), sessions are resumed")
ALSO(CERT, 0, "FILE", FILE, SERVE, WHERE,
     "its certificate, then the issuers' up to the one the\n"
     "clients trust: PEM")
ALSO(KEY, 0, "FILE", FILE, SERVE, WHERE,
     "its key: PEM, not encrypted; default: in the --cert\n"
     "file too")
ALSO(HTTP2, 0, NULL, FLAG, SERVE, WHERE,
       "speak HTTP/2, too, with whoever begins with it; a\n"
       "--close ends its one stream")

ALSO(BODY, 0, "TEXT", TEXT, SERVE, ANSWERS,
     "body of the answer; default {default}", .text = "{\"ok\":true}")
OPTION(BODY_BYTES, "body-bytes", 0, "N", BYTES, SERVE, ANSWERS,
       "body of N bytes instead, of any length: lines of 16\n"
       "bytes that tell where in it they stand", .max = SERVER_FILLER_BYTES_MAX)
ALSO(ECHO, 0, NULL, FLAG, SERVE, ANSWERS,
       "body of the request instead, up to 64 MiB")
OPTION(DIGEST, "digest", 0, NULL, FLAG, SERVE, ANSWERS,
       "length and SHA-256 of the request's body instead, of\n"
       "any length: {\"bytes\":3,\"sha256\":\"ba78...\"}")
OPTION(LATENCY, "latency", 0, "TIME[,P99]", TEXT, SERVE, ANSWERS,
       "time to answer; with two values the median and the\n"
       "99th percentile of a log-normal distribution;\n"
       "default {default}", .text = "0",
       .others = "delay|response-delay")

OPTION(STATUS, "status", 0, "CODE:SHARE", TEXT, SERVE, FAULTS,
       " answer with this status instead of 200; repeats", .traits = REPEATS)
OPTION(RESET, "reset", 0, "SHARE", SHARE, SERVE, FAULTS,
       "reset the connection instead of answering")
OPTION(CLOSE, "close", 0, "SHARE", SHARE, SERVE, FAULTS,
       "close the connection in good order instead")
OPTION(STALL, "stall", 0, "SHARE", SHARE, SERVE, FAULTS,
       "never answer")
OPTION(PAUSE, "pause", 0, "AT,FOR", TEXT, SERVE, FAULTS,
       "AT after the first request do nothing at all for a\n"
       "time: read, answer and accept nothing")
ALSO(SEED, 0, "N", COUNT, SERVE, FAULTS,
     "another sequence of faults and latencies; default {default}", .max = UINT64_MAX,
       .number = 1)

OPTION(MAX_CONNECTIONS, "max-connections", 0, "N", COUNT, SERVE, LIMITS,
       " connections served at once; default {default}",
       .min = 1, .max = SERVER_CONNECTIONS_MAX, .number = SERVER_CONNECTIONS)
ALSO(STREAMS, 0, "N", COUNT, SERVE, LIMITS,
       "of HTTP/2: requests at once on a connection; more are\n"
       "refused; default {default}", .min = 1, .max = SERVER_STREAMS_MAX,
       .number = SERVER_STREAMS)
OPTION(OVER, "over", 0, "WHAT", WORD, SERVE, LIMITS,
       "happens to more of them: refuse (closed at once, the\n"
       "default) or queue (left waiting unread)", .words = "refuse|queue", .text = "refuse")
OPTION(WORKERS, "workers", 0, "N", COUNT, SERVE, LIMITS,
       "requests worked on at a time, for as long as --latency\n"
       "says; more wait for their turn, so that more\n"
       "connections bring no more answers; default any number", .min = 1,
       .max = SERVER_WORKERS_MAX)
OPTION(RATE_LIMIT, "rate-limit", 0, "N/T", RATE, SERVE, LIMITS,
       "requests answered in T: 50/s, 100/m (N alone: a\n"
       "second); more get 429", .max = LIMIT_RATE_COUNT)
OPTION(RATE_BURST, "rate-burst", 0, "N", COUNT, SERVE, LIMITS,
       "as nginx's limit_req: none comes sooner than that rate\n"
       "says but for N", .max = LIMIT_RATE_BURST)
ALSO(COST, 0, "EXPR", TEXT, SERVE, LIMITS,
     "what a request weighs, by its body, as .max_tokens;\n"
     "the log tells it")
ALSO(COST_RATE, 0, "N/T", RATE, SERVE, LIMITS,
     "so much of that in any T; more gets 429", .max = LIMIT_COST)
OPTION(LIMITS, "limits", 0, "DIALECT", WORD, SERVE, LIMITS,
       "tell clients of these limits as OpenAI, Azure,\n"
       "Anthropic, GitHub, Okta, Reddit or Twitter do, by\n"
       "X-RateLimit or drafts of the IETF, by Retry-After\n"
       "alone, or not at all (silent)", .words = DIALECT_WORDS, .text = "none")
OPTION(RETRY_AFTER, "retry-after", 0, "TIME", TIME, SERVE, LIMITS,
       "Retry-After of 429 answers, and then of 503 too, in\n"
       "whole seconds; default {default}, 429 only", .max = DAY, .number = S)
OPTION(KEEP_ALIVE_REQUESTS, "keep-alive-requests", 0, "N", COUNT, SERVE, LIMITS,
       "requests on a connection before it is closed;\n"
       "default any number", .min = 1, .max = UINT32_MAX)
OPTION(KEEP_ALIVE_TIMEOUT, "keep-alive-timeout", 0, "TIME", TIME, SERVE, LIMITS,
       "idle connections are closed then, which is\n"
       "advertised as Keep-Alive; default never", .min = MS, .max = DAY)

OPTION(LOG, "log", 0, "FILE", FILE, SERVE, SEEING,
       "append a line for each request: microseconds, method,\n"
       "target, id or body hash, outcome, microseconds that it\n"
       "took; separated by tabs.\n"
       "Outcomes: the status, reset, close, stall, refused,\n"
       "gone (the client left), stopped (by a signal)")
OPTION(ID_HEADER, "id-header", 0, "NAME", TEXT, SERVE, SEEING,
       "request header with the id; default {default}", .text = "x-record-id")
OPTION(STATS_PATH, "stats-path", 0, "PATH", TEXT, SERVE, SEEING,
       "GET of this path answers the report as JSON, and does\n"
       "not count; default {default}", .text = "/-/stats")
ALSO(QUIET, 'q', NULL, FLAG, SERVE, SEEING, "no report at the end")

// clang-format on
