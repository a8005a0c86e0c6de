/* Every option of every command, once: what parses, explains, completes, remembers and masks
 * options is made from these rows (options.h). To add one, add its row, read it where it is
 * used by its OPTION_<ID>, and test it.
 *
 *   OPTION(ID, "long", 'letter', "ARGUMENT", KIND, commands, SECTION, "sentence", more,
       .others = "id-column|key-column")
 *   ALSO(ID, 'letter', "ARGUMENT", KIND, commands, SECTION, "sentence", more)
 *
 * ALSO is the same option where other commands take it otherwise. A letter 0: none; an argument
 * NULL: a flag. Rows stand in the order of --help, in the sentence's lines. Spaces that begin
 * it move it to the right. {min}, {max} and {default} in it are the row's own. More, where needed:
 *
 *   .min, .max    what is taken, in the unit of the kind: bytes, nanoseconds; of rates the most
 *                 per second
 *   .number, .share, .text   the default; with OPTIONAL what it stands for without its argument
 *   .words        of a WORD: those there are, with | between them
 *   .traits       OPTIONAL: =ARGUMENT may be left out; REPEATS: each time adds to those before;
 *                 SECRET: nothing prints its value; SHAPES: it changes which requests are sent,
 *                 a byte of them, what becomes of answers, or the table of results: --resume
 *                 wants the same
 *   .curl         curl's option of the same meaning
 *   .others       what other programs call it, in one of the option's rows: names, and letters,
 *                 with | between them. Who tries one is told */

// clang-format off

/* ---- send: input and output ---- */

OPTION(OUTPUT, "output", 'o', "FILE", FILE, SEND, OUTPUT,
       "results go here; default, or -: standard output",
       .others = "out|output-file|results|save|O")
OPTION(FAILED, "failed", 0, "FILE", FILE, SEND, OUTPUT,
       "the input lines of records that are not ok, ready to\n"
       "be sent again",
       .others = "errors|failures|rejected|failed-file|dead-letter")
OPTION(FAILED_WITH_REASON, "failed-with-reason", 0, NULL, FLAG, SEND, OUTPUT,
       "and FILE.reasons gets their results, in the same\n"
       "order, when the run ends: the Nth line is about the\n"
       "Nth record",
       .others = "reasons|failed-reasons")
OPTION(SUMMARY, "summary", 0, "FILE", FILE, SEND, OUTPUT,
       "at the end, whatever it is: what the run came to, as\n"
       "JSON: counts, causes, latency, the exit status",
       .others = "summary-json|summary-export|report|stats")
OPTION(METRICS, "metrics", 0, "FILE", FILE, SEND, OUTPUT,
       "every 10 s and at the end: counts and durations as\n"
       "text for Prometheus (FILE.prom of node_exporter)",
       .others = "prometheus|prom|metrics-file|textfile")
OPTION(FORCE, "force", 0, NULL, FLAG, SEND, OUTPUT,
       "overwrite these files, and those in DIR; never one\n"
       "that the command line reads",
       .others = "overwrite|clobber")
OPTION(CSV, "csv", 0, NULL, FLAG, SEND, OUTPUT,
       "results as CSV, with a header row, in place of JSON", .traits = SHAPES)
OPTION(ECHO, "echo", 0, "COLUMNS|all", TEXT, SEND, OUTPUT,
       "results tell these columns of their rows, or values\n"
       "of their records, too: order,amount or .order.id; in\n"
       "CSV as columns input.NAME", .traits = SHAPES)
OPTION(HEADERS, "headers", 0, NULL, FLAG, SEND, OUTPUT,
       "results hold the response's headers",
       .others = "include|i|show-headers|dump-header|D")
OPTION(BODY, "body", 0, "none|inline", WORD, SEND, OUTPUT,
       "whether results hold bodies; default {default}", .words = "none|inline",
       .text = "inline")
OPTION(BODIES, "bodies", 0, "DIR", FILE, SEND, OUTPUT,
       "each body goes to a file of its own in DIR, named by\n"
       "the record's number (from 0) and id; the result tells",
       .traits = SHAPES,
       .others = "output-dir|save-bodies")
OPTION(TRACE, "trace", 0, NULL, FLAG, SEND, OUTPUT,
       "results tell of each try: times, outcome, and what it\n"
       "then waited for")
OPTION(WRITE_OUT, "write-out", 'w', "FORMAT", TEXT, SEND, OUTPUT,
       "this for each result on standard output, in place of\n"
       "JSON unless that goes to -o FILE; @FILE reads it", .curl = "-w",
       .others = "output-format|template")
OPTION(RESUME, "resume", 0, NULL, FLAG, SEND, OUTPUT,
       "go on with the run that these files are of: what is\n"
       "done is not sent again (see Journal)",
       .others = "continue|continue-at|C|go-on")
OPTION(NO_JOURNAL, "no-journal", 0, NULL, FLAG, SEND, OUTPUT,
       "keep none")
OPTION(SYNC, "sync", 0, NULL, FLAG, SEND, OUTPUT,
       "the journal holds through a loss of power, too; slower")
OPTION(FLUSH_AFTER, "flush-after", 0, "T", TIME, SEND, OUTPUT,
       "results wait up to T for others to be written with,\n"
       "so many a kill may leave in doubt; default {default},\n"
       "and 0 with a --rate of up to 100/s. One that comes\n"
       "alone is written at once; 0: each is",
       .max = 60 * S, .number = 200 * MS)
OPTION(ORDERED, "ordered", 0, NULL, FLAG, SEND, OUTPUT,
       "results in the order of records, also over --resume:\n"
       "what waits for its turn at a stop is in FILE.parked;\n"
       "at most some thousands, 64 MiB, wait for a slow one", .traits = SHAPES)
OPTION(MEMORY, "memory", 0, "SIZE", BYTES, SEND, OUTPUT,
       "for bodies of requests and responses, all in all;\n"
       "default {default}. Above it large responses wait for each\n"
       "other, and no timeout runs meanwhile. One of\n"
       "--max-body always has its room, and so has with\n"
       "--ordered what waits for its turn", .min = 1ull << 20, .max = 1ull << 40,
       .number = 1ull << 30)
OPTION(SERIALIZE, "serialize", 0, "PATH", TEXT, SEND, OUTPUT,
       "records with the same value at PATH of their JSON body\n"
       "(as .user.id) go one after another, in their order")
OPTION(MAX_FAILURES, "max-failures", 0, "N|P%", TEXT, SEND, OUTPUT,
       " stop when so many records are not ok (a share: of at\n"
       "least 100): exit 6, --resume goes on. Default: when\n"
       "there was not one connection in 30 s (or, if longer,\n"
       "--connect-timeout); none: never",
       .others = "max-fail|fail-fast|fail-early")
OPTION(ABORT_ON, "abort-on", 0, "LIST", TEXT, SEND, OUTPUT,
       "stop at the first such outcome: statuses and names of\n"
       "errors, as 401,403,5xx,connect; likewise", .traits = REPEATS,
       .others = "stop-on|fail-on|fail|f|fail-with-body")
OPTION(PROGRESS, "progress", 0, "MODE", WORD, SEND, OUTPUT,
       "on standard error: bar, log (a line every 10 s), none;\n"
       "default {default}: a bar on a terminal, else log", .words = "auto|bar|log|none",
       .text = "auto",
       .others = "progress-bar|no-progress-meter|no-progress")
OPTION(DRY_RUN, "dry-run", 0, "N", COUNT, SEND, OUTPUT,
       "show the first N requests (default {default}) to the byte, and\n"
       "the curl command for each; nothing is sent, and\n"
       "secrets are masked", .min = 1, .max = UINT64_MAX, .number = 1, .traits = OPTIONAL,
       .others = "simulate|preview")
OPTION(THREADS, "threads", 't', "N", COUNT, SEND, OUTPUT,
       "an engine on each of N threads, up to {max}; default {default}.\n"
       "All limits hold over all of them, connections too",
       .min = 1, .max = ENGINE_THREADS_MAX, .number = 1,
       .others = "engines|cores")
OPTION(VERBOSE, "verbose", 'v', NULL, FLAG, SEND, OUTPUT,
       "a line for each try on standard error: its outcome,\n"
       "and what it waited for; and what --config files say", .curl = "-v")
OPTION(QUIET, "quiet", 'q', NULL, FLAG, SEND, OUTPUT,
       "no summary on standard error, and no progress",
       .others = "silent|s|no-summary")

/* ---- check ---- */

OPTION(MAX_ERRORS, "max-errors", 0, "N", COUNT, CHECK, MAIN,
       "show no more than N; all are counted; default {default}", .max = UINT64_MAX,
       .number = 20)
ALSO(QUIET, 'q', NULL, FLAG, CHECK, MAIN, "no summary on standard error")

/* ---- probe ---- */

OPTION(STEP, "step", 0, "T", TIME, PROBE, MAIN,
       "length of a step; default {default}. Longer, up to ten times,\n"
       "when answers are slower than that", .min = S / 10, .max = 60 * S, .number = 2 * S)
OPTION(CONNECTIONS, "connections", 'c', "N", COUNT, PROBE, MAIN,
       "go no further than that; default {default}", .min = 1, .max = LIMIT_CONNECTIONS,
       .number = 64,
       .others = "concurrency|parallel|parallel-max|Z|P|j|jobs|workers|max-connections|pool-size")
OPTION(JSON, "json", 0, NULL, FLAG, PROBE, MAIN, "the result as JSON",
       .others = "json-output|as-json")
ALSO(QUIET, 'q', NULL, FLAG, PROBE, MAIN, "do not say what is sent")

/* ---- bench: load, comparing, measuring ---- */

OPTION(RATE, "rate", 'r', "N/T", RATE, BENCH, LOAD,
       "open loop: start N requests in T, such as 500/s or\n"
       "90/m (N alone: a second), whatever comes back. One\n"
       "that finds no free connection waits, and its wait\n"
       "counts. Without it closed loop: each connection starts\n"
       "its next request when the last one is done, so that a\n"
       "server that stalls is asked less", .max = 10 * 1000 * 1000,
       .others = "rps|qps|requests-per-second|throughput|limit-rate")
OPTION(ARRIVALS, "arrivals", 0, "KIND", WORD, BENCH, LOAD,
       "of -r: constant (default), or poisson: random, as from\n"
       "many users who do not know of each other", .words = "constant|poisson",
       .text = "constant")
OPTION(STEPS, "steps", 0, "R1,R2,...", TEXT, BENCH, LOAD,
       "one run after another with these rates: 1000/s,2000/s")
ALSO(CONNECTIONS, 'c', "N", COUNT, BENCH, LOAD,
     "open at once, {min} to {max}; default {default}",
     .min = 1, .max = LIMIT_CONNECTIONS, .number = DEFAULT_CONNECTIONS)
OPTION(NEW_CONNECTION, "new-connection", 0, NULL, FLAG, BENCH, LOAD,
       "one for each request (Connection: close)")
ALSO(THREADS, 't', "N", COUNT, BENCH, LOAD,
     "{min} to {max}; default {default}. They share connections and rate", .min = 1, .max = 256,
       .number = 1)
OPTION(DURATION, "duration", 'z', "T", TIME, BENCH, LOAD,
       "of the measured part; default {default}, unless -n is given", .min = MS, .max = DAY,
       .number = 10 * S,
       .others = "time|test-time|runtime")
OPTION(REQUESTS, "requests", 'n', "N", COUNT, BENCH, LOAD,
       "so many in all; with -z, whichever comes first", .min = 1, .max = UINT64_MAX / 2,
       .others = "number|iterations|total|count|num-requests")
OPTION(WARMUP, "warmup", 0, "T", TIME, BENCH, LOAD,
       "full load before the measured part; in no figure", .min = MS, .max = DAY,
       .others = "warm-up|warmup-time")
OPTION(RAMP, "ramp", 0, "T", TIME, BENCH, LOAD,
       "before that: from nothing to full load", .min = MS, .max = DAY)
OPTION(SEED, "seed", 0, "N", COUNT, BENCH, LOAD,
       "of the random arrivals; default {default}", .max = UINT64_MAX, .number = 1)

OPTION(VS, "vs", 0, "URL", TEXT, BENCH, COMPARING,
       "another target, by turns: is it slower than the first?\n"
       "Exit with 5 when it is")
OPTION(REPEAT, "repeat", 0, "N", COUNT, BENCH, COMPARING,
       "runs of each target, {min} to {max}; default {default}, with --vs "
       TEXT_OF(REPEAT_WITH_VS),
       .min = 1, .max = COMPARE_RUNS_MAX, .number = 1)
OPTION(TOLERANCE, "tolerance", 0, "SHARE", SHARE, BENCH, COMPARING,
       "differences up to this do not count; default {default}", .share = COMPARE_TOLERANCE)

OPTION(SPIN, "spin", 0, NULL, FLAG, BENCH, MEASURING,
       "wait busily: microseconds less, for a CPU a thread")
OPTION(AWAKE, "awake", 0, NULL, FLAG, BENCH, MEASURING,
       "keep this machine's processors from sleeping, so that\n"
       "their waking is in no time; wants root")
OPTION(BATCH, "batch", 0, NULL, FLAG, BENCH, MEASURING,
       "take answers several at a time: less CPU per request,\n"
       "and times up to 200 us too long")
OPTION(TIMESTAMPS, "timestamps", 0, NULL, FLAG, BENCH, MEASURING,
       "by the kernel's stamps of packets: what was spent on\n"
       "this machine and what outside of it")
ALSO(QUIET, 'q', NULL, FLAG, BENCH, MEASURING,
     "nothing while it runs: on a terminal a view of what\n"
     "came so far, elsewhere a line per second")

/* ---- requests: of every command that reads records ---- */

OPTION(URL, "url", 0, "URL", TEXT, SEND | CHECK, REQUESTS,
       "for records without one", .traits = SHAPES,
       .others = "target|base-url|endpoint")
OPTION(METHOD, "method", 'X', "METHOD", TEXT, SEND | CHECK, REQUESTS,
       "for records without one; default GET, with data POST", .traits = SHAPES, .curl = "-X",
       .others = "request")
ALSO(METHOD, 'X', "METHOD", TEXT, BENCH, REQUESTS,
     "default GET, with data POST", .curl = "-X")
ALSO(METHOD, 'X', "METHOD", TEXT, PROBE, REQUESTS,
     "with a URL; default GET, with --data POST. Other than\n"
     "GET, HEAD and OPTIONS only with --data", .curl = "-X")
OPTION(USER_AGENT, "user-agent", 'A', "TEXT", TEXT, SEND | CHECK, REQUESTS,
       "as -H 'User-Agent: TEXT'", .traits = SHAPES, .curl = "-A")
ALSO(USER_AGENT, 'A', "TEXT", TEXT, BENCH | PROBE, REQUESTS,
     "as -H 'User-Agent: TEXT'", .curl = "-A")
OPTION(HEADER, "header", 'H', "'NAME: VALUE'", TEXT, SEND | CHECK, REQUESTS,
       "for records that do not have it; repeats;\n"
       "@FILE reads one per line", .traits = REPEATS | SHAPES | SECRET, .curl = "-H",
       .others = "add-header|headers-file")
ALSO(HEADER, 'H', "'NAME: VALUE'", TEXT, BENCH | PROBE, REQUESTS,
     "repeats; @FILE reads one per line", .traits = REPEATS | SECRET, .curl = "-H")
OPTION(COOKIE, "cookie", 'b', "'NAME=VALUE'", TEXT, SEND | CHECK | BENCH | PROBE, REQUESTS,
       "as -H 'Cookie: NAME=VALUE'; repeats. What\n"
       "servers set is not kept",
       .traits = REPEATS | SECRET, .curl = "-b",
       .others = "cookies")
OPTION(USER, "user", 'u', "NAME:PASSWORD", TEXT, SEND | CHECK | BENCH | PROBE, REQUESTS,
       "who asks: Authorization, for records without\n"
       "it; @FILE holds both", .traits = SECRET, .curl = "-u",
       .others = "basic|basic-auth|auth|credentials|userpwd")
OPTION(NETRC, "netrc", 0, NULL, FLAG, SEND | CHECK | BENCH | PROBE, REQUESTS,
       "the same by host, out of ~/.netrc", .curl = "--netrc",
       .others = "netrc-optional|n")
OPTION(NETRC_FILE, "netrc-file", 0, "FILE", FILE, SEND | CHECK | BENCH | PROBE, REQUESTS,
       "the same out of FILE", .curl = "--netrc-file")
OPTION(BEARER, "bearer", 0, "@FILE|env:VARIABLE", TEXT, SEND | CHECK | BENCH | PROBE, REQUESTS,
       "a token, as Authorization: Bearer; read once",
       .others = "oauth2-bearer|token|auth-token|access-token")
OPTION(AWS_SIGV4, "aws-sigv4", 0, "aws:amz:REGION:SERVICE", TEXT, SEND | CHECK, REQUESTS,
       "sign each try for AWS, with the\n"
       "key of -u ID:SECRET or of the environment\n"
       "(AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,\n"
       "AWS_SESSION_TOKEN)", .curl = "--aws-sigv4",
       .others = "sigv4|aws-sign")
OPTION(TOKEN_COMMAND, "token-command", 0, "COMMAND", TEXT, SEND | CHECK, REQUESTS,
       "a token that expires: what COMMAND prints, alone\n"
       "or as JSON with access_token and expires_in. It\n"
       "is renewed in time, and when it is refused",
       .others = "token-cmd|auth-command|credential-process")
OPTION(OAUTH2, "oauth2", 0, "URL", TEXT, SEND | CHECK, REQUESTS,
       "the same from a token endpoint, by OAuth's\n"
       "client credentials",
       .others = "token-url|oauth2-url")
OPTION(CLIENT_ID, "client-id", 0, "ID", TEXT, SEND | CHECK, REQUESTS, "for whom")
OPTION(CLIENT_SECRET, "client-secret", 0,
       "@FILE|env:VARIABLE", TEXT, SEND | CHECK, REQUESTS,
       "and its secret")
OPTION(SCOPE, "scope", 0, "SCOPE", TEXT, SEND | CHECK, REQUESTS, "and what for",
       .others = "scopes")
OPTION(TOKEN_FILE, "token-file", 0, "FILE", FILE, SEND | CHECK, REQUESTS,
       "where several processes share that token")
ALSO(CONNECTIONS, 'c', "N", COUNT, SEND | CHECK, REQUESTS,
     "open at once, {min} to {max}; default {default}",
     .min = 1, .max = LIMIT_CONNECTIONS, .number = DEFAULT_CONNECTIONS)
ALSO(DATA, 'd', "TEXT", TEXT, BENCH | PROBE, REQUESTS,
     "the body; @FILE reads it. With a URL as it stands, of\n"
     "rows, lines, and records that are data a template", .curl = "-d")
ALSO(DATA_FILE, 0, "PATH", FILE, BENCH | PROBE, REQUESTS,
     "of rows and lines: the body is that file's content")
ALSO(TYPES, 0, "TYPES", TEXT, BENCH | PROBE, REQUESTS,
     "of rows: what columns are in {{*|json}}")
ALSO(URL, 0, "URL", TEXT, BENCH | PROBE, REQUESTS,
     "for records without one; rows and lines need it")
OPTION(RESOLVE, "resolve", 0,
       "HOST:PORT:ADDRESS[,ADDRESS]", TEXT, SEND | CHECK | BENCH | PROBE, REQUESTS,
       "use these addresses in place of a\n"
       "lookup; HOST and PORT of the URL, * for any; repeats", .traits = REPEATS,
       .curl = "--resolve")
OPTION(CONNECT_TO, "connect-to", 0,
       "HOST1:PORT1:HOST2:PORT2", TEXT, SEND | CHECK | BENCH | PROBE, REQUESTS,
       "connect to HOST2:PORT2 for URLs of\n"
       "HOST1:PORT1; an empty part is any, or the same;\n"
       "Host and TLS stay; repeats", .traits = REPEATS, .curl = "--connect-to")
OPTION(INTERFACE, "interface", 0, "NAME", TEXT, SEND | CHECK | BENCH | PROBE, REQUESTS,
       "go out from that address, or that of that name, or by\n"
       "that network device; if!DEVICE, host!NAME", .curl = "--interface",
       .others = "local-address|source-address|bind-address|source-ip")
OPTION(IPV4, "ipv4", '4', NULL, FLAG, SEND | CHECK | BENCH | PROBE, REQUESTS,
       "use addresses of IPv4 alone", .curl = "-4",
       .others = "ipv4-only|inet4-only")
OPTION(IPV6, "ipv6", '6', NULL, FLAG, SEND | CHECK | BENCH | PROBE, REQUESTS,
       "of IPv6 alone", .curl = "-6",
       .others = "ipv6-only|inet6-only")
OPTION(UNIX_SOCKET, "unix-socket", 0, "PATH", FILE, SEND | CHECK | BENCH | PROBE, REQUESTS,
       "connect to that unix socket, whatever the URLs'\n"
       "hosts, which Host and TLS go by all the same", .curl = "--unix-socket",
       .others = "socket|uds")
OPTION(ABSTRACT_UNIX_SOCKET, "abstract-unix-socket", 0,
       "NAME", FILE, SEND | CHECK | BENCH | PROBE, REQUESTS,
       "to the one of that name in the\n"
       "abstract namespace", .curl = "--abstract-unix-socket")
OPTION(HTTP2, "http2", 0, NULL, FLAG, SEND | BENCH | PROBE, REQUESTS,
     "HTTP/2, many requests on a connection, where a server\n"
     "of https chooses it; -c bounds both", .curl = "--http2")
OPTION(HTTP2_PRIOR_KNOWLEDGE, "http2-prior-knowledge", 0,
       NULL, FLAG, SEND | BENCH | PROBE, REQUESTS,
       "HTTP/2 without asking, with http as well",
       .curl = "--http2-prior-knowledge")
OPTION(HTTP1_1, "http1.1", 0, NULL, FLAG, SEND | BENCH | PROBE, REQUESTS,
       "HTTP/1.1, the default", .curl = "--http1.1")
OPTION(STREAMS, "streams", 0, "N", COUNT, SEND | BENCH | PROBE, REQUESTS,
     "of HTTP/2: requests that share a connection, if the\n"
     "server takes as many; default {default}", .min = 1, .max = LIMIT_STREAMS,
     .number = DEFAULT_STREAMS_MAX)
OPTION(STRICT_HTTP, "strict-http", 0, NULL, FLAG, SEND | CHECK | BENCH | PROBE, REQUESTS,
       "refuse response heads with bare LF line ends")

#include "cli/options/table_ways.h"

/* ---- tries and times ---- */

OPTION(TRIES, "tries", 0, "N", COUNT, SEND | CHECK, TRIES,
       "attempts in all, {min} to {max}; default {default}.\n"
       "One on a kept connection that proves dead does not\n"
       "count",
       .min = 1, .max = LIMIT_TRIES, .number = DEFAULT_TRIES,
       .others = "retries|retry|max-retries|attempts|max-attempts|retry-count")
OPTION(AT_LEAST_ONCE, "at-least-once", 0, NULL, FLAG, SEND | CHECK, TRIES,
       "try again even what may have been processed already\n"
       "(a POST whose answer is missing); else the result\n"
       "says \"ambiguous\"")
OPTION(CONNECT_TIMEOUT, "connect-timeout", 0, "T", TIME, SEND | CHECK | BENCH | PROBE, TRIES,
       "     default {default}", .number = DEFAULT_CONNECT_TIMEOUT_NS,
       .min = LIMIT_TIMEOUT_MIN_NS, .max = LIMIT_TIMEOUT_MAX_NS,
       .curl = "--connect-timeout")
OPTION(HANDSHAKE_TIMEOUT, "handshake-timeout", 0,
       "T", TIME, SEND | CHECK | BENCH | PROBE, TRIES,
       "  connected to TLS established; default {default}",
       .min = LIMIT_TIMEOUT_MIN_NS, .max = LIMIT_TIMEOUT_MAX_NS,
       .number = DEFAULT_HANDSHAKE_TIMEOUT_NS)
OPTION(FIRST_BYTE_TIMEOUT, "first-byte-timeout", 0,
       "T", TIME, SEND | CHECK | BENCH | PROBE, TRIES,
       " request sent to first byte back; default {default}",
       .min = LIMIT_TIMEOUT_MIN_NS, .max = LIMIT_TIMEOUT_MAX_NS,
       .number = DEFAULT_FIRST_BYTE_TIMEOUT_NS)
OPTION(TIMEOUT, "timeout", 0, "T", TIME, SEND | CHECK, TRIES,
       "one attempt; default {default}",
       .min = LIMIT_TIMEOUT_MIN_NS, .max = LIMIT_TIMEOUT_MAX_NS,
       .number = DEFAULT_ATTEMPT_TIMEOUT_NS,
       .others = "max-time|m|request-timeout|read-timeout")
ALSO(TIMEOUT, 0, "T", TIME, BENCH | PROBE, TRIES,
     "start to end of the response; default {default}",
     .min = LIMIT_TIMEOUT_MIN_NS, .max = LIMIT_TIMEOUT_MAX_NS,
     .number = DEFAULT_ATTEMPT_TIMEOUT_NS)
OPTION(DEADLINE, "deadline", 0, "T", TIME, SEND | CHECK, TRIES,
       "a record with all its tries; default none",
       .min = LIMIT_TIMEOUT_MIN_NS, .max = LIMIT_TIMEOUT_MAX_NS,
       .others = "total-timeout")

/* ---- manners: how a platform is treated ---- */

#include "cli/options/table_manners.h"

/* ---- TLS ---- */

OPTION(CACERT, "cacert", 0, "FILE", FILE, SEND | CHECK | BENCH | PROBE, TLS,
       "trust the certificates in FILE (PEM); default:\n"
       "$SSL_CERT_FILE and $SSL_CERT_DIR, else the system's\n"
       "store", .curl = "--cacert",
       .others = "ca|ca-file|cafile|ca-cert")
OPTION(CERT, "cert", 0, "FILE", FILE, SEND | CHECK | BENCH | PROBE, TLS,
       "own certificate and its issuers, PEM, for servers that\n"
       "want one", .curl = "--cert",
       .others = "client-cert|E")
OPTION(KEY, "key", 0, "FILE", FILE, SEND | CHECK | BENCH | PROBE, TLS,
       "its key, PEM, as of a file or <(a command); default:\n"
       "it is in the --cert file", .curl = "--key",
       .others = "client-key|private-key")
OPTION(INSECURE, "insecure", 'k', NULL, FLAG, SEND | CHECK | BENCH | PROBE, TLS,
       "do NOT verify servers: anybody in between can read and\n"
       "change everything", .curl = "-k",
       .others = "no-verify|skip-verify|no-check-certificate|tls-skip-verify")
OPTION(TLS_LEGACY_RENEGOTIATION, "tls-legacy-renegotiation", 0, NULL, FLAG,
       SEND | CHECK | BENCH | PROBE, TLS,
       "take servers without secure renegotiation\n"
       "(RFC 5746), which somebody in between can mislead",
       .others = "legacy-server-connect|unsafe-legacy-server-connect")

OPTION(TLS, "tls", 0, "auto|bearssl|openssl", WORD, SEND | BENCH | PROBE, TLS,
       "the library for https; default {default}: BearSSL\n"
       "for what speaks TLS 1.2, and OpenSSL for servers\n"
       "that want 1.3 or take up no sessions but by\n"
       "tickets, which is said once", .words = "auto|bearssl|openssl", .text = "auto",
       .others = "tls-library|ssl|tls-backend")
OPTION(TLS_MIN, "tls-min", 0, "1.2|1.3", WORD, SEND | BENCH | PROBE, TLS,
       "the oldest version of TLS to speak; default {default};\n"
       "1.3 goes by OpenSSL", .words = "1.2|1.3", .text = "1.2",
       .others = "tls-version|tlsv1.3|tls1.3|min-tls")

/* ---- responses ---- */

OPTION(OK_STATUS, "ok-status", 0, "LIST", TEXT, SEND | CHECK | BENCH | PROBE, RESPONSES,
       "what is ok, as 200,201,3xx,400-404; default 2xx", .traits = REPEATS | SHAPES,
       .others = "expect|expected-status|success|success-status")
OPTION(OK_IF, "ok-if", 0, "EXPR", TEXT, SEND | CHECK | BENCH | PROBE, RESPONSES,
       "what is ok, in place of --ok-status, as\n"
       "'status == 200 && .code == 0'", .traits = SHAPES,
       .others = "success-if")
OPTION(RETRY_IF, "retry-if", 0, "EXPR", TEXT, SEND | CHECK, RESPONSES,
       "what is never ok and worth another try, of a POST as\n"
       "well: by it you say that such an answer means \"not\n"
       "processed\", as '.error.type == \"overloaded\"'", .traits = SHAPES)
ALSO(RETRY_IF, 0, "EXPR", TEXT, BENCH | PROBE, RESPONSES,
     "what is never ok, as '.error.type == \"overloaded\"';\n"
     "nothing is tried again", .traits = SHAPES)
OPTION(LOCATION, "location", 'L', NULL, FLAG, SEND | CHECK, RESPONSES,
       "follow redirects: 301, 302, 303, 307, 308; what\n"
       "was answered with 303, and a POST with 301 or 302, by\n"
       "GET, and it is not sent again. To other hosts go no\n"
       "credentials", .traits = SHAPES, .curl = "-L",
       .others = "follow|follow-redirects|redirects")
OPTION(MAX_REDIRS, "max-redirs", 0, "N", COUNT, SEND | CHECK, RESPONSES,
       "no more than N one after another; default {default}", .min = 1,
       .max = LIMIT_REDIRECTS, .number = 10, .curl = "--max-redirs",
       .others = "max-redirects|max-redirect")
OPTION(COMPRESSED, "compressed", 0, NULL, FLAG, SEND | CHECK | BENCH | PROBE, RESPONSES,
       "ask for gzip, deflate, br and zstd, and unpack bodies", .traits = SHAPES,
       .curl = "--compressed",
       .others = "gzip|compress")
OPTION(MAX_BODY, "max-body", 0, "SIZE", BYTES, SEND | CHECK | BENCH | PROBE, RESPONSES,
       "64k, 16M, up to {max}; default {default}", .min = 1, .max = 1 << 30,
       .number = DEFAULT_BODY_MAX_BYTES,
       .others = "max-filesize|max-size|max-body-size")

/* ---- records ---- */

OPTION(FORMAT, "format", 0, "FORMAT", WORD, SEND | CHECK | BENCH | PROBE, RECORDS,
       "jsonl, json, vegeta (its targets, JSON or text), csv,\n"
       "tsv, 'csv;' (semicolons in place of commas), copy\n"
       "(tabs and escapes, as databases write tables: COPY,\n"
       "mysql -B), lines; default: by the name (.json, .csv,\n"
       ".tsv, .txt, with .gz or .zst or without), else jsonl.\n"
       "gzip and zstd are recognised",
       .words = "jsonl|json|vegeta|csv|tsv|csv;|copy|lines", .traits = SHAPES,
       .others = "input-format|input-type")
OPTION(DELIMITER, "delimiter", 0, "SIGN", TEXT, SEND | CHECK | BENCH | PROBE, RECORDS,
       "what separates the columns of a table, as '|', or \\t;\n"
       "default: by the format; a csv file whose header has no\n"
       "comma but ; or | or tabs is read by them, and it says\n"
       "so", .traits = SHAPES,
       .others = "separator|sep|field-separator")
OPTION(ENCODING, "encoding", 0, "NAME", WORD, SEND | CHECK | BENCH | PROBE, RECORDS,
       "of a table: utf-8 (default), latin-1, windows-1252 (as\n"
       "older Excel writes it)", .words = "utf-8|latin-1|windows-1252", .text = "utf-8",
       .traits = SHAPES,
       .others = "charset")
OPTION(AS_BODY, "as-body", 0, NULL, FLAG, SEND | CHECK | BENCH | PROBE, RECORDS,
       "each record of JSON is a body as it stands, whatever\n"
       "its keys are called", .traits = SHAPES,
       .others = "bodies-in|raw-bodies")
OPTION(ID_FROM, "id-from", 0, "PATH", TEXT, SEND | CHECK, RECORDS,
       "the same, and the id is the value at that path, as\n"
       ".order.id", .traits = SHAPES)
OPTION(SKIP, "skip", 0, "N", COUNT, SEND | CHECK | BENCH | PROBE, RECORDS,
       "not the first N", .max = 1ull << 62, .traits = SHAPES,
       .others = "offset|start-at")
OPTION(LIMIT, "limit", 0, "N", COUNT, SEND | CHECK | BENCH | PROBE, RECORDS,
       "N of them at most, counted behind --skip", .min = 1, .max = 1ull << 62,
       .traits = SHAPES,
       .others = "max-records|first")
OPTION(SHARD, "shard", 0, "I/N", TEXT, SEND | CHECK | BENCH | PROBE, RECORDS,
       "of those the ones whose number mod N is I; auto, or\n"
       "auto/N: as a Slurm array, Kubernetes, AWS Batch or\n"
       "GNU parallel says", .traits = SHAPES)
OPTION(IDEMPOTENCY_KEY, "idempotency-key", 0, "HEADER", TEXT, SEND | CHECK, RECORDS,
       "adds a key of its own to each record that has\n"
       "none, or a blank one, the same in every try and run;\n"
       "POST is then tried again as PUT is. Default:\n"
       "{default}. The key is of id, method, URL and\n"
       "body, and the same when a failed record is sent again;\n"
       "without an id it goes by the place in the file, and is\n"
       "another one then. Of two different records with one\n"
       "key, or two with the same id and request, the second\n"
       "is an error: check finds all of them, send those among\n"
       "some 65,000 records with keys",
       .text = "Idempotency-Key", .traits = OPTIONAL | SHAPES,
       .others = "idempotent|idempotency")
ALSO(IDEMPOTENCY_KEY, 0, "HEADER", TEXT, BENCH | PROBE, RECORDS,
     "adds a key of its own to each record that has\n"
     "none, the same each time that it is sent. Default:\n"
     "{default}", .text = "Idempotency-Key", .traits = OPTIONAL)

OPTION(DATA, "data", 'd', "TEXT", TEXT, SEND | CHECK, ROWS,
       "the body; @FILE reads this text. Default: the whole\n"
       "row as JSON, {{*|json}}, or the line; none if --url\n"
       "has columns, or the line: --url '{{line}}' GETs a list\n"
       "of URLs. JSON is sent as application/json, unless a\n"
       "header says otherwise",
       .traits = SHAPES, .curl = "-d",
       .others = "data-raw|data-binary|data-ascii|body|payload|post-data")
OPTION(DATA_FILE, "data-file", 0, "PATH", FILE, SEND | CHECK, ROWS,
       "the body is that file's content", .traits = SHAPES,
       .others = "body-file|upload-file|T")
OPTION(TYPES, "types", 0, "TYPES", TEXT, SEND | CHECK, ROWS,
       "what columns are in {{*|json}}, where they are strings\n"
       "else: number, bool, or filters: 'amount:number|null,\n"
       "paid:bool'; * is all others: '*:null'", .traits = SHAPES,
       .others = "schema|column-types")
OPTION(ID, "id", 0, "TEXT", TEXT, SEND | CHECK, ROWS,
       "the id in the result; default: line number", .traits = SHAPES)

/* ---- bench: report; compare; doctor; status ---- */

ALSO(JSON, 0, "FILE", FILE, BENCH, REPORT,
     "all figures, under stable keys")
OPTION(HTML, "html", 0, "FILE", FILE, BENCH, REPORT,
       "a page with charts that needs no network",
       .others = "html-report|report")
ALSO(CSV, 0, "FILE", FILE, BENCH, REPORT,
     "a row per second; with --steps, a row per step")
OPTION(HLOG, "hlog", 0, "FILE", FILE, BENCH, REPORT,
       "HdrHistogram log, nanoseconds: a line a second for the\n"
       "response time, tagged ones per run for service and\n"
       "send_lag")
OPTION(JUNIT, "junit", 0, "FILE", FILE, BENCH, REPORT,
       "a JUnit report: a case for each --fail-if, and one for\n"
       "--vs")
OPTION(MARKDOWN, "markdown", 0, "FILE", FILE, BENCH, REPORT,
       "a table for a pull request")
ALSO(FORCE, 0, NULL, FLAG, BENCH, REPORT,
     "overwrite these files; never one that the command line\n"
     "reads")
OPTION(FAIL_IF, "fail-if", 0, "CONDITION", TEXT, BENCH, REPORT,
       " exit with 5 when it is true; repeats. Of the response\n"
       "time: 'p99>20ms', 'p99.9>1s', 'max>2s'; others with\n"
       "their name: 'service.p99>5ms', 'send_lag.p99>1ms';\n"
       "'errors>0.1%', 'errors>0' (statuses that are not ok\n"
       "count, too); 'rate<0.99' (of the rate asked for),\n"
       "'rate<900/s'. 'p(99)<800', as k6 has it: what must\n"
       "hold, in milliseconds", .traits = REPEATS,
       .others = "threshold|thresholds|slo|assert")

ALSO(STEP, 0, "N/T", RATE, COMPARE, MAIN,
     "of files with --steps: the step at that rate alone", .max = LIMIT_RATE_COUNT)
ALSO(TOLERANCE, 0, "SHARE", SHARE, COMPARE, MAIN,
     "differences up to this do not count; default {default}", .share = COMPARE_TOLERANCE)
ALSO(HTML, 0, "FILE", FILE, COMPARE, MAIN,
     "a page with the curves over each other")
ALSO(JSON, 0, "FILE", FILE, COMPARE, MAIN,
     "the same figures for programs (- is standard output;\n"
     "the text for people then goes to standard error)")
ALSO(FORCE, 0, NULL, FLAG, COMPARE, MAIN,
     "overwrite these files; never one that is compared")
ALSO(JUNIT, 0, "FILE", FILE, COMPARE, MAIN,
     "a JUnit report: a case for each comparison; worse has\n"
     "failed, undecided was skipped")
ALSO(MARKDOWN, 0, "FILE", FILE, COMPARE, MAIN,
     "tables for a pull request")

ALSO(JSON, 0, NULL, FLAG, DOCTOR, MAIN,
     "one line of JSON instead: {\"ok\": ..., \"checks\":\n"
     "[{\"name\", \"state\": \"ok\", \"note\" or \"fault\",\n"
     "\"text\", \"cure\"}]}")

ALSO(JSON, 0, NULL, FLAG, STATUS, MAIN,
     "a line of JSON for each FILE:\n"
     "{\"file\", \"running\", \"done\", \"not_ok\", \"in_doubt\", \"left\",\n"
     "\"input_ended\", \"written_at\", \"total\", \"total_is_estimate\"}.\n"
     "not_ok: of the done. left: read and not done; while\n"
     "input_ended is false there may be more. written_at:\n"
     "seconds since 1970, of the last results. total: of all\n"
     "records; an estimate by the bytes read so far, or exact;\n"
     "absent when nobody can tell, as with pipes")

#include "cli/options/table_serve.h"

/* ---- all ---- */

OPTION(IO, "io", 0, "auto|uring|epoll", WORD, SEND | BENCH | PROBE | SERVE, GENERAL,
       "how operations reach the kernel; default {default}: by\n"
       "io_uring, and where that is refused, as in many\n"
       "containers, by epoll, which is told", .words = "auto|uring|epoll", .text = "auto",
       .others = "event-loop|loop|backend")
OPTION(CONFIG, "config", 'K', "FILE", FILE, ALL, GENERAL,
       "options from FILE, too, one on a line, as rate = 50/s;\n"
       "- is standard input; repeats. Before it come those of\n"
       "$XDG_CONFIG_HOME/ringsend/config (else\n"
       "~/.config/ringsend/config), if there is one; what\n"
       "stands here wins", .traits = REPEATS, .curl = "-K")
OPTION(NO_CONFIG, "no-config", 0, NULL, FLAG, ALL, GENERAL, "do without that one",
       .others = "disable|no-rc|norc")
ALSO(VERBOSE, 'v', NULL, FLAG, ALL & ~SEND, GENERAL, "tell what comes from these files")
OPTION(HELP, "help", 'h', NULL, FLAG, ALL, GENERAL, "this text")
OPTION(VERSION, "version", 'V', NULL, FLAG, ALL, GENERAL, "the version")

// clang-format on
