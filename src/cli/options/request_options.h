/* The options that say what requests are like and how they are sent: the same for every command
 * that sends. A command puts REQUEST_LONG_OPTIONS and REQUEST_SHORT_OPTIONS into its tables for
 * getopt_long, its own codes from REQUEST_OPTIONS_END on, and the texts into its help. */
#ifndef RINGSEND_CLI_OPTIONS_REQUEST_OPTIONS_H
#define RINGSEND_CLI_OPTIONS_REQUEST_OPTIONS_H

#include "records/record.h"
#include "records/secret.h"
#include "records/template.h"
#include "ringsend.h"

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>

enum request_option {
    REQUEST_CONNECTIONS = 'c',
    REQUEST_METHOD = 'X',
    REQUEST_HEADER = 'H',
    REQUEST_INSECURE = 'k',
    REQUEST_TRIES = 256,
    REQUEST_AT_LEAST_ONCE,
    REQUEST_CONNECT_TIMEOUT,
    REQUEST_FIRST_BYTE_TIMEOUT,
    REQUEST_TIMEOUT,
    REQUEST_DEADLINE,
    REQUEST_URL,
    REQUEST_OK_STATUS,
    REQUEST_MAX_BODY,
    REQUEST_STRICT_HTTP,
    REQUEST_HANDSHAKE_TIMEOUT,
    REQUEST_CACERT,
    REQUEST_CERT,
    REQUEST_KEY,
    REQUEST_OK_IF,
    REQUEST_RETRY_IF,
    REQUEST_COMPRESSED,
    REQUEST_RESOLVE,
    REQUEST_OPTIONS_END
};

#define REQUEST_SHORT_OPTIONS "c:X:H:k"

// clang-format off
#define REQUEST_LONG_OPTIONS \
    {"connections", required_argument, NULL, REQUEST_CONNECTIONS}, \
    {"tries", required_argument, NULL, REQUEST_TRIES}, \
    {"at-least-once", no_argument, NULL, REQUEST_AT_LEAST_ONCE}, \
    {"connect-timeout", required_argument, NULL, REQUEST_CONNECT_TIMEOUT}, \
    {"handshake-timeout", required_argument, NULL, REQUEST_HANDSHAKE_TIMEOUT}, \
    {"first-byte-timeout", required_argument, NULL, REQUEST_FIRST_BYTE_TIMEOUT}, \
    {"timeout", required_argument, NULL, REQUEST_TIMEOUT}, \
    {"deadline", required_argument, NULL, REQUEST_DEADLINE}, \
    {"url", required_argument, NULL, REQUEST_URL}, \
    {"method", required_argument, NULL, REQUEST_METHOD}, \
    {"header", required_argument, NULL, REQUEST_HEADER}, \
    {"ok-status", required_argument, NULL, REQUEST_OK_STATUS}, \
    {"ok-if", required_argument, NULL, REQUEST_OK_IF}, \
    {"retry-if", required_argument, NULL, REQUEST_RETRY_IF}, \
    {"compressed", no_argument, NULL, REQUEST_COMPRESSED}, \
    {"max-body", required_argument, NULL, REQUEST_MAX_BODY}, \
    {"resolve", required_argument, NULL, REQUEST_RESOLVE}, \
    {"strict-http", no_argument, NULL, REQUEST_STRICT_HTTP}, \
    {"cacert", required_argument, NULL, REQUEST_CACERT}, \
    {"cert", required_argument, NULL, REQUEST_CERT}, \
    {"key", required_argument, NULL, REQUEST_KEY}, \
    {"insecure", no_argument, NULL, REQUEST_INSECURE}

#define REQUEST_HELP_RESOLVE \
    "      --resolve HOST:PORT:ADDRESS[,ADDRESS]  use these addresses in place of a\n" \
    "                          lookup; HOST and PORT of the URL, * for any; repeats\n"

#define REQUEST_HELP_REQUESTS \
    "      --url URL           for records without one\n" \
    "  -X, --method METHOD     for records without one; default GET, with data POST\n" \
    "  -H, --header 'NAME: VALUE'  for records that do not have it; repeats;\n" \
    "                          @FILE reads one per line\n" \
    "  -c, --connections N     open at once, 1 to 32768; default 40\n" \
    REQUEST_HELP_RESOLVE \
    "      --strict-http       refuse response heads with bare LF line ends\n"

#define REQUEST_HELP_TRIES_AND_TIMES \
    "Tries and times (250ms, 2s, 1m; a bare number is seconds)\n" \
    "      --tries N           attempts in all, 1 to 100; default 4\n" \
    "      --at-least-once     try again even what may have been processed already\n" \
    "                          (a POST whose answer is missing); else the result\n" \
    "                          says \"ambiguous\"\n" \
    "      --connect-timeout T      default 10s\n" \
    "      --handshake-timeout T    connected to TLS established; default 10s\n" \
    "      --first-byte-timeout T   request sent to first byte back; default 30s\n" \
    "      --timeout T         one attempt; default 60s\n" \
    "      --deadline T        a record with all its tries; default none\n"

#define REQUEST_HELP_TLS \
    "TLS (https URLs; TLS 1.2)\n" \
    "      --cacert FILE       trust the certificates in FILE (PEM); default:\n" \
    "                          $SSL_CERT_FILE, else the system's store\n" \
    "      --cert FILE         own certificate and its issuers, PEM, for servers that\n" \
    "                          want one\n" \
    "      --key FILE          its key, PEM; default: it is in the --cert file\n" \
    "  -k, --insecure          do NOT verify servers: anybody in between can read and\n" \
    "                          change everything\n"

#define REQUEST_HELP_RESPONSES \
    "      --ok-status LIST    what is ok, as 200,201,3xx,400-404; default 2xx\n" \
    "      --ok-if EXPR        what is ok, in place of --ok-status, as\n" \
    "                          'status == 200 && .code == 0'\n" \
    "      --retry-if EXPR     what is never ok and worth another try, of a POST as\n" \
    "                          well: by it you say that such an answer means \"not\n" \
    "                          processed\", as '.error.type == \"overloaded\"'\n" \
    "      --compressed        ask for gzip, deflate, br and zstd, and unpack bodies\n" \
    "      --max-body SIZE     64k, 16M, up to 1G; default 64M\n" \
    "Expressions (EXPR)\n" \
    "  values   status, body, header(\"name\"), numbers, \"texts\", true, false, null,\n" \
    "           paths into a JSON body: .a.b[0].\"odd key\"; exists(.path)\n" \
    "  signs    == != < <= > >=, VALUE contains \"text\", ! && || ( )\n" \
    "  A path that leads nowhere is null. Values of different kinds are unequal. A\n" \
    "  value by itself holds unless it is null or false. A response whose body is\n" \
    "  asked for a path and is no JSON is not ok: its detail says what the body is,\n" \
    "  and the summary counts it as unjudged.\n"
// clang-format on

struct request_options {
    const char *command; /* whose options they are, for messages: "send" */
    struct ringsend_options engine;
    struct record_defaults defaults;
    struct ringsend_outcomes retry_on, no_retry_on; /* behind the engine's */

    struct secrets secrets; /* headers of files, and the environment's values */
    bool rows; /* set by who reads rows or lines: the texts below may name columns then */

    const char *url, *method; /* as given, null: not */
    struct template url_template, method_template;
    struct template *header_templates; /* of the values, one for each header */
    struct template_names names;       /* of the columns in them */
    bool headers_vary;                 /* some header names a column */

    struct ringsend_resolve *resolve; /* behind the engine's */
    char **resolve_hosts;             /* their texts */

    /* Behind defaults.headers; request_options_free gives them back. */
    struct ringsend_header *headers;
    char **header_texts;
    size_t header_texts_count;
};

void request_options_init(struct request_options *options, const char *command);
/* Takes an option that getopt_long has found: false when `code` is none of these. What is wrong
 * ends the program in a usage_error. */
bool request_option_read(struct request_options *options, int code, const char *value);
/* Why no record can have a header of that name, or null. */
const char *request_options_header_fault(struct ringsend_bytes name);
/* After the last one: what they say together. Templates are compiled, and what names no column is
 * checked as the engine will check it. */
void request_options_finish(struct request_options *options);
void request_options_free(struct request_options *options);

#endif
