/* The options that say what requests are like and how they are sent: the same for every command
 * that sends. */
#ifndef RINGSEND_CLI_OPTIONS_REQUEST_OPTIONS_H
#define RINGSEND_CLI_OPTIONS_REQUEST_OPTIONS_H

#include "cli/credentials/token.h"
#include "cli/options/options.h"
#include "cli/options/way_options.h"
#include "http/sigv4.h"
#include "records/record.h"
#include "records/secret.h"
#include "records/template.h"
#include "ringsend.h"

#include <stdbool.h>
#include <stddef.h>

struct netrc;

/* By whom requests of one scheme go. */
struct proxy_choice {
    const char *text;      /* null: by nobody */
    const char *variable;  /* of the environment, that says so; null: */
    enum option_id option; /* does */
};

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

    size_t login_at, cookie_at; /* 1 + the indices of headers that credential_options made */
    struct sigv4 signs;         /* without a region: none */
    char *key_pair;             /* behind its keys */
    struct token_options token; /* neither command nor url: none */
    char *client_secret;        /* behind its */
    struct netrc *netrc;        /* behind the defaults' */
    char *netrc_path;

    struct proxy_choice proxies[2];        /* [https] */
    struct ringsend_header *proxy_headers; /* behind the engine's */
    const char *target;                    /* the URL that all requests are for, if there is one */

    struct ringsend_resolve *resolve; /* behind the engine's */
    char **resolve_hosts;             /* their texts */

    struct way_options way; /* behind the engine's */

    /* Behind defaults.headers; request_options_free gives them back. */
    struct ringsend_header *headers;
    char **header_texts;
    size_t header_texts_count;
};

/* Takes what was given; the texts stay where they are. What is wrong ends the program in a
 * usage_error, here and below. */
void request_options_take(struct request_options *options, const struct options *given);
/* As --header does. */
void request_options_add_header(struct request_options *options, const char *line);
/* Why no record can have a header of that name, or null. */
const char *request_options_header_fault(struct ringsend_bytes name);
const char *request_options_fault_of(const struct ringsend_header *header);
/* After that: what they say together. Templates are compiled, and what names no column is
 * checked as the engine will check it. */
void request_options_finish(struct request_options *options);
void request_options_free(struct request_options *options);

#endif
