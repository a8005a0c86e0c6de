/* The commands: what each is called, and the words of its --help around the options, in the form
 * that options.h tells of. */
#include "cli/options/options.h"

#include <stddef.h>

/* Texts that several have. */

// clang-format off
#define EXPRESSIONS \
    "#Expressions (EXPR)\n" \
    "  values   \tstatus, body, header(\"name\"), numbers, \"texts\", true, false, null,\n" \
    "           \tpaths into a JSON body: .a.b[0].\"odd key\"; exists(.path)\n" \
    "  signs    \t== != < <= > >=, VALUE contains \"text\", ! && || ( )\n" \
    "  A path that leads nowhere is null. Values of different kinds are unequal. A\n" \
    "  value by itself holds unless it is null or false. A response whose body is\n" \
    "  asked for a path and is no JSON is not ok: its detail says what the body is,\n" \
    "  and the summary counts it as unjudged.\n"

#define TEMPLATES \
    "  {{column}} stands for the row's value, {{line}} for the line, {{.key.key[0]}}\n" \
    "  for the value at that path of a record of JSON; {{column|json}} makes a JSON\n" \
    "  string of it, |number and |bool what they say or an error, |null and\n" \
    "  |default:TEXT are for what is empty, |url percent-encodes, |form likewise with\n" \
    "  + for a space, |b64 is base64, |trim takes white space off. {{*|json}} is the\n" \
    "  whole row as an object, or the record, {{*|form}} as a form. {{env.NAME}} is\n" \
    "  the environment's, in any format. {{{{ is {{.\n" \
    "  A value is data. The server is what --url spells out, and no value is, or has,\n" \
    "  an empty part of the path or one of dots. In a body that is JSON, a form or\n" \
    "  XML, by its Content-Type or its looks, values are escaped inside of quotes,\n" \
    "  elsewhere one plain value each. What does not fit is an error of that record,\n" \
    "  and so is a body that is not the JSON that its Content-Type says.\n"

/* What bench and probe send, and what they make of the answers. */
#define MEASURED_REQUESTS \
    "#Requests\n" \
    "@REQUESTS\n" \
    "#Records of FILEs\n" \
    "@RECORDS\n" \
    "#Templates\t (--url, -X, -H, --data, --data-file of rows, lines, JSON that is data)\n" \
    TEMPLATES \
    "#Ways\t (proxies; without --proxy the environment names them, as for curl)\n" \
    "@WAYS\n" \
    "#Times\t (250ms, 2s, 1m; a bare number is seconds; nothing is tried again)\n" \
    "@TRIES\n" \
    "#TLS\t (https URLs; TLS 1.2 and 1.3)\n" \
    "@TLS\n" \
    "#Responses\n" \
    "@RESPONSES\n" \
    EXPRESSIONS

static const char send_text[] =
    "$Usage: ringsend send [OPTION]... FILE...\n"
    "Sends each record of the FILEs (- is standard input) as one HTTP request and\n"
    "writes exactly one result line for each, in the order in which they finish.\n"
    "\n"
    "A record is one line of JSON (see --format for others):\n"
    ">  {\"id\": 7, \"method\": \"POST\", \"url\": \"http://host/path\",\n"
    ">   \"headers\": {\"name\": \"value\"}, \"data\": {\"any\": \"JSON\"}}\n"
    "  id (or custom_id)  \tany JSON; comes back in the result. Default: line number\n"
    "  data (or body)     \ta string is sent as its text; other JSON as it stands, as\n"
    "                     \tapplication/json; null is no body\n"
    "  data_base64, data_file   \tthe body in base64, or the path of a file\n"
    "  headers            \tvalue: a string, a list of strings, or [] to leave a\n"
    "                     \theader of -H out\n"
    "  timeout, tries     \tas the options below, for this record\n"
    "A url that is a path (/v1/...) is on the server of --url. With the key header a\n"
    "record is one of vegeta's: its body is base64.\n"
    "Unknown and repeated keys are errors. With --url, a line that is no object, or\n"
    "an object with none of these keys, is itself the body; --as-body says so of all.\n"
    "Blank lines are skipped; lines longer than 16 MiB are reported as\n"
    "record_too_long.\n"
    "\n"
    "#Input and output\n"
    "@OUTPUT\n"
    "#Requests\n"
    "@REQUESTS\n"
    "#Ways\t (proxies; without --proxy the environment names them, as for curl)\n"
    "@WAYS\n"
    "#Tries and times\t (250ms, 2s, 1m; a bare number is seconds)\n"
    "@TRIES\n"
    "#Manners\n"
    "@MANNERS\n"
    "#TLS\t (https URLs; TLS 1.2 and 1.3)\n"
    "@TLS\n"
    "#Responses\n"
    "@RESPONSES\n"
    EXPRESSIONS
    "#Records\t (numbered from 0 over all files, in every run the same)\n"
    "@RECORDS\n"
    "#Rows, lines and JSON that is data\t (--url, -X, -H and these are templates)\n"
    "@ROWS\n"
    TEMPLATES
    "\n"
    "@GENERAL\n"
    "\n"
    "#Variables of --write-out\t (curl's names where it has one; times in seconds)\n"
    "  %{http_code} %{url} %{method} %{scheme} %{content_type} %header{NAME}\n"
    "  %{header_json} %{num_headers} %{size_header} %{size_download} %{size_upload}\n"
    "  %{num_retries} %{errormsg} %{urlnum} %{time_namelookup} %{time_connect}\n"
    "  %{time_appconnect} %{time_pretransfer} %{time_starttransfer} %{time_total}\n"
    "  and %{id} %{line} %{file} %{ok} %{attempts} %{error} %{ambiguous} %{body}\n"
    "  %{time_queue}     \twaiting, which %{time_total} leaves out\n"
    "  %{input}, %input{NAME}\t\n"
    "                    \twhat --echo tells, all of it as JSON, or one value\n"
    "  %csv{NAME}, %csv{header:NAME}, %csv{input:NAME}\t\n"
    "                    \tas a field of CSV, in quotes where it has to be\n"
    "  %% \\n \\r \\t \\\\    \ta percent sign, line ends, a tab, a backslash\n"
    "\n"
    "#Examples\n"
    ">  ringsend send -o results.jsonl --failed failed.jsonl records.jsonl\n"
    ">  ringsend send --url http://localhost:8080/items -H 'X-Source: nightly' \\\n"
    ">      -o results.jsonl bodies.jsonl\n"
    ">  ringsend send --url 'http://localhost:8080/{{id|url}}' -X PUT \\\n"
    ">      -H 'Authorization: {{env.TOKEN}}' --id '{{id}}' \\\n"
    ">      --data '{\"name\": {{name|json}}}' users.csv.gz\n"
    "\n"
    "#Journal\n"
    "Beside -o FILE stands FILE.journal while the run goes on. It knows of each\n"
    "record whether it was sent and whether its result is written, and outlives\n"
    "whatever ends the run: the same command with --resume then goes on. What may\n"
    "have been processed is sent again only if that is harmless (see\n"
    "--at-least-once); else its result is in_doubt. The exit status is that of all\n"
    "its runs together; of one that had come to its end it is 0: nothing left to do.\n"
    "`ringsend status FILE` tells how far it is. Of a run that is killed (not\n"
    "stopped) with --ordered, what waited for its turn may have been processed, too.\n"
    "\n"
    "#Signals\n"
    "SIGUSR1: tells how far it is.\n"
    "SIGINT, SIGTERM and SIGHUP: reads no more, finishes what is in flight within\n"
    "10 s, and writes all results. A second SIGINT or SIGTERM cancels what is in\n"
    "flight at once, writes its results, and ends within a second; one that comes\n"
    "within 0.1 s of the first is taken for the same. What was ignored when it was\n"
    "started (nohup, a script's &) stays ignored.\n"
    "\n"
    "#Exit status\n"
    "  0  \tall records are ok\n"
    "  1  \twrong usage, or certificates that cannot be read\n"
    "  2  \tan input could not be read\n"
    "  3  \tsome records are not ok\n"
    "  4  \tcould not start (--io uring refused, another run writes these results), or\n"
    "     \tno name could be looked up\n"
    "  6  \tstopped by --max-failures, --abort-on\n"
    "  7  \tresults could not be written\n"
    "  129, 130, 143  \tstopped by SIGHUP, SIGINT, SIGTERM\n";

static const char status_text[] =
    "$Usage: ringsend status [OPTION]... FILE...\n"
    "Tells how far the run is, or was, that writes its results to FILE, by the\n"
    "journal beside it (FILE.journal).\n"
    "\n"
    "@MAIN\n"
    "@GENERAL\n"
    "\n"
    "#What it tells\n"
    "done: its result is in FILE, or (--ordered) waits beside it, in FILE.parked, for\n"
    "its turn; \"waiting\" counts these, if there are any. in doubt: in flight now; or,\n"
    "when nothing runs, it may have been processed, and nobody can tell.\n"
    "\n"
    "#Exit status\n"
    "  0  \ttold\n"
    "  1  \twrong usage\n"
    "  2  \tno journal: the run has come to its end, or there was none\n"
    "  7  \tthis could not be written\n";

static const char check_text[] =
    "$Usage: ringsend check [OPTION]... FILE...\n"
    "Reads all records of the FILEs (- is standard input) as ringsend send would with\n"
    "the same options, sends nothing, and names each one that could not be sent:\n"
    ">  FILE:LINE:COLUMN: cause\n"
    "or has the idempotency key of another record (which takes 85 bytes of memory for\n"
    "each key at most).\n"
    "\n"
    "@MAIN\n"
    "#Records\t (numbered from 0 over all files, in every run the same)\n"
    "@RECORDS\n"
    "#Rows, lines and JSON that is data\t (--url, -X, -H and these are templates)\n"
    "@ROWS\n"
    TEMPLATES
    "#Requests\n"
    "@REQUESTS\n"
    "#Tries and times\t (250ms, 2s, 1m; a bare number is seconds)\n"
    "@TRIES\n"
    "#TLS\t (https URLs; TLS 1.2 and 1.3)\n"
    "@TLS\n"
    "#Responses\n"
    "@RESPONSES\n"
    EXPRESSIONS
    "\n"
    "@GENERAL\n"
    "\n"
    "#Exit status\n"
    "  0  \tall records can be sent\n"
    "  1  \twrong usage\n"
    "  2  \tsome cannot, or an input could not be read\n"
    "  7  \tthis could not be written\n";

static const char bench_text[] =
    "$Usage: ringsend bench [OPTION]... URL\n"
    "$       ringsend bench [OPTION]... FILE...\n"
    "Measures how long requests take: one to the URL, or those that the records of\n"
    "FILEs are (see `ringsend send --help`; - is standard input), over and over.\n"
    "\n"
    "#Load\n"
    "@LOAD\n"
    "#Comparing\t (see also ringsend compare --help)\n"
    "@COMPARING\n"
    "#Measuring\n"
    "@MEASURING\n"
    MEASURED_REQUESTS
    "#Report\t (- is standard output; the text for people then goes to standard error)\n"
    "@REPORT\n"
    "\n"
    "@GENERAL\n"
    "\n"
    "#Bodies and times\n"
    "Bodies of good responses are counted and not kept, however long they are, unless\n"
    "--max-body, --compressed, --ok-if or --retry-if asks for them.\n"
    "\n"
    "Times are told apart: response time from when the request should have started,\n"
    "service time from when it did, and the send lag between the two.\n"
    "\n"
    "#Examples\n"
    ">  ringsend bench -r 1000 -z 30s http://localhost:8080/\n"
    ">  ringsend bench -c 100 -n 100000 -X POST --data @order.json \\\n"
    ">      http://localhost:8080/orders\n"
    ">  ringsend bench --steps 1000,2000,4000 records.jsonl\n"
    ">  ringsend bench -r 500 --url 'http://localhost:8080/{{id|url}}' users.csv\n"
    "\n"
    "#Signals\n"
    "SIGINT, SIGTERM and SIGHUP: starts no more, waits for what is in flight, and\n"
    "reports. A second SIGINT or SIGTERM cancels that, too; one that comes within\n"
    "0.1 s of the first is taken for the same. What was ignored when it was started\n"
    "(nohup, a script's &) stays ignored.\n"
    "\n"
    "#Exit status\n"
    "  0  \tall runs were made\n"
    "  1  \twrong usage\n"
    "  2  \tan input could not be read\n"
    "  3  \tno request was ok (with --vs: of a target); only failures were measured\n"
    "  4  \ta run could not start or go on; those made before it are reported\n"
    "  5  \t--fail-if is true, or --vs is slower (and there was an ok request)\n"
    "  7  \ta report could not be written\n"
    "  129, 130, 143  \tstopped by SIGHUP, SIGINT, SIGTERM\n";

static const char compare_text[] =
    "$Usage: ringsend compare [OPTION]... A B...\n"
    "Tells whether B, and each further one, is slower than A. Each is a file that\n"
    "`ringsend bench` wrote with --json (one that holds runs of two targets is two\n"
    "sides), or an HdrHistogram log (.hlog), whose lines without a tag are one run.\n"
    "Times of logs are taken as nanoseconds.\n"
    "Of files with --steps, each step is compared with that at the same rate, and the\n"
    "worst verdict counts.\n"
    "\n"
    "@MAIN\n"
    "@GENERAL\n"
    "\n"
    "#Verdicts\n"
    "The p50 and p99 of the response time are compared, and the share of failed\n"
    "requests, by runs: of four or more on each side (ringsend bench --repeat), with\n"
    "95 % intervals of the ratio by bootstrap, and a rank test (Mann-Whitney). Worse\n"
    "or better: the whole interval lies beyond the tolerance, and the rank test\n"
    "agrees (p <= 0.05). The same: it lies within. Anything else is undecided.\n"
    "Fewer runs, and so logs and single steps, are undecided too, unless one is five\n"
    "times as slow as the other: requests of one run are not independent.\n"
    "Requests that never started or were given up count with how long they waited,\n"
    "at least; a verdict holds however much longer that would have been.\n"
    "\n"
    "#Exit status\n"
    "  0  \tnone is worse than A\n"
    "  1  \twrong usage\n"
    "  2  \ta file could not be read\n"
    "  5  \tone is worse\n"
    "  7  \ta report could not be written\n";

static const char probe_text[] =
    "$Usage: ringsend probe [OPTION]... URL\n"
    "$       ringsend probe [OPTION]... FILE...\n"
    "Finds how many connections a platform rewards. Sends requests over 1, 2, 4 ...\n"
    "connections, on each the next one as soon as the last is answered, until more\n"
    "bring no more answers or are refused; then looks closer around the knee and\n"
    "the cap. Says what it will send before it does, and ends a step early when the\n"
    "platform pushes back. The records of FILEs (see `ringsend send --help`) are sent\n"
    "in turn, over and over.\n"
    "\n"
    "@MAIN\n"
    MEASURED_REQUESTS
    "\n"
    "@GENERAL\n"
    "\n"
    "#Exit status\n"
    "  0  \tthe knee is known\n"
    "  1  \twrong usage\n"
    "  2  \tan input could not be read\n"
    "  3  \tno good answer came, or a single connection is pushed back already\n"
    "  4  \tcould not start (--io uring refused)\n"
    "  7  \tthe result could not be written\n";

static const char serve_text[] =
    "$Usage: ringsend serve [OPTION]...\n"
    "Answers HTTP/1.1 requests on the loopback interface, with the latency, limits\n"
    "and faults of the platform you want to rehearse. When ready it prints\n"
    "\"listening on http://HOST:PORT\" (https with --tls). SIGINT, SIGTERM or SIGHUP\n"
    "stops it, and it reports what it saw.\n"
    "\n"
    "#Where\n"
    "@WHERE\n"
    "#Answers\n"
    "@ANSWERS\n"
    "#Faults\t (shares of the requests: 2% or 0.02)\n"
    "@FAULTS\n"
    "#Limits\n"
    "@LIMITS\n"
    "#Seeing\n"
    "@SEEING\n"
    "\n"
    "@GENERAL\n"
    "\n"
    "#Exit status\n"
    "  0  \tstopped by a signal\n"
    "  1  \twrong usage\n"
    "  4  \tcould not start (port in use, --io uring refused)\n"
    "  7  \taddress or log could not be written\n";

static const char doctor_text[] =
    "$Usage: ringsend doctor [OPTION]... [HOST]...\n"
    "Tells what this machine allows and what to do about the rest: io_uring (tried\n"
    "over loopback), its features and known faults, sysctl and seccomp filters, what\n"
    "a container must allow, limits of locked memory and descriptors, local ports,\n"
    "trusted authorities, and the resolver, which is also asked for each HOST.\n"
    "\n"
    "@MAIN\n"
    "@GENERAL\n"
    "\n"
    "#Exit status\n"
    "  0  \tnothing is at fault\n"
    "  1  \twrong usage\n"
    "  4  \tsomething is\n"
    "  7  \tthis could not be written\n";

// clang-format on

const struct command_help commands_help[] = {
    {COMMAND_SEND, "send", "send the records of files, write a file of results",
     "run|post|batch|request|curl|attack", send_text, 26},
    {COMMAND_STATUS, "status", "tell how far a run of send is", "progress|state|info", status_text,
     16},
    {COMMAND_CHECK, "check", "tell what is wrong with the records of files, send nothing",
     "validate|lint|verify|test|dry-run", check_text, 26},
    {COMMAND_BENCH, "bench", "measure how long requests take", "benchmark|load|measure|loadtest",
     bench_text, 26},
    {COMMAND_COMPARE, "compare", "tell whether one benchmark is slower than another",
     "diff|cmp|versus", compare_text, 26},
    {COMMAND_PROBE, "probe", "find how many connections a platform rewards", "scan|knee|ping",
     probe_text, 26},
    {COMMAND_SERVE, "serve", "be a platform to send to: for trials, demos and tests",
     "server|mock|listen|echo", serve_text, 26},
    {COMMAND_DOCTOR, "doctor", "tell what this machine allows, and the cure for what it does not",
     "diagnose|env|system", doctor_text, 26},
};

const size_t commands_count = sizeof commands_help / sizeof *commands_help;
