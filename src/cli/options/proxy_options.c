/* The environment as curl reads it: https_proxy or HTTPS_PROXY for https:, http_proxy alone for
 * http: (HTTP_PROXY is a header "Proxy" where a CGI program runs), all_proxy or ALL_PROXY for what
 * has neither; no_proxy or NO_PROXY, whoever named the proxy. What is empty is not set. An option
 * takes the place of these variables, an empty one too. */
#include "cli/options/proxy_options.h"

#include "base/span.h"
#include "base/time.h"
#include "cli/options/values.h"
#include "http/proxy.h"
#include "http/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GATE_KEEP_NS (200 * NS_PER_MS)

static const char *by_environment(const char *const names[], size_t count, const char **name)
{
    for (size_t i = 0; i < count; i++) {
        const char *value = getenv(names[i]);
        if (value && value[0]) {
            *name = names[i];
            return value;
        }
    }
    return NULL;
}

static void choose_by_environment(struct proxy_choice choices[2])
{
    static const char *const https[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
    static const char *const http[] = {"http_proxy", "all_proxy", "ALL_PROXY"};
    choices[0].text = by_environment(http, sizeof http / sizeof *http, &choices[0].variable);
    choices[1].text = by_environment(https, sizeof https / sizeof *https, &choices[1].variable);
}

static const char *exceptions(const struct options *given)
{
    static const char *const names[] = {"no_proxy", "NO_PROXY"};
    const char *name;
    return option_given(given, OPTION_NOPROXY)
               ? option_text(given, OPTION_NOPROXY)
               : by_environment(names, sizeof names / sizeof *names, &name);
}

/* The text is not repeated: there may be a password in it. */
static void check(const struct request_options *o, const struct proxy_choice *choice)
{
    struct proxy *proxy = malloc(sizeof *proxy);
    if (!proxy)
        usage_error(o->command, "memory is out");
    const char *fault = proxy_read(proxy, span_of(choice->text));
    if (!fault && proxy->kind == PROXY_TCP && choice->option != OPTION_GATE)
        fault = "tcp:// is for --gate";
    if (!fault && proxy->kind != PROXY_TCP && proxy->kind != PROXY_HTTP &&
        choice->option == OPTION_GATE)
        fault = "a gate is HOST:PORT, of a proxy with CONNECT, or tcp://HOST:PORT";
    if (!fault && o->engine.proxy_user && !proxy->has_user)
        fault = proxy_set_user(proxy, span_of(o->engine.proxy_user));
    explicit_bzero(proxy, sizeof *proxy);
    free(proxy);
    if (fault && choice->variable)
        usage_error(o->command, "$%s: %s. --noproxy '*' does without", choice->variable, fault);
    if (fault)
        usage_error(o->command, "%s: %s", option_long(choice->option), fault);
}

static void choose(struct request_options *o, const struct options *given)
{
    bool gate = option_given(given, OPTION_GATE);
    enum option_id option = gate ? OPTION_GATE : OPTION_PROXY;
    if (gate && option_given(given, OPTION_PROXY))
        usage_error(o->command, "--gate is a proxy itself: give one of --gate and --proxy");
    bool socket = o->engine.unix_socket != NULL;
    if (socket && option_given(given, option))
        usage_error(o->command, "%s: a unix socket takes its place: give one of them",
                    option_long(option));
    if (!socket && !option_given(given, option))
        choose_by_environment(o->proxies);
    for (int https = 0; https < 2; https++) {
        struct proxy_choice *choice = &o->proxies[https];
        if (option_given(given, option))
            *choice = (struct proxy_choice){.text = option_text(given, option), .option = option};
        if (choice->text && !choice->text[0])
            choice->text = NULL;
        if (choice->text && (!o->engine.no_proxy || strcmp(o->engine.no_proxy, "*") != 0))
            check(o, choice);
        else
            choice->text = NULL;
    }
    o->engine.proxy_http = o->proxies[0].text;
    o->engine.proxy_https = o->proxies[1].text;
    o->engine.proxy_queues = gate;
}

static void add_header(struct request_options *o, const char *line)
{
    size_t count = o->engine.proxy_headers_count;
    const char *colon = strchr(line, ':');
    struct ringsend_header *all = reallocarray(o->proxy_headers, count + 1, sizeof *all);
    if (!colon) /* not repeated: it may be a secret */
        usage_error(o->command, "--proxy-header: a header is NAME: VALUE");
    if (!all)
        usage_error(o->command, "memory is out");
    o->proxy_headers = all;
    all[count] =
        (struct ringsend_header){{line, (size_t)(colon - line)}, span_trim(span_of(colon + 1))};
    const char *fault = request_options_fault_of(&all[count]);
    if (fault)
        usage_error(o->command, "--proxy-header: %s", fault);
    o->engine.proxy_headers = all;
    o->engine.proxy_headers_count = count + 1;
}

void proxy_options_take(struct request_options *o, const struct options *given)
{
    struct ringsend_options *engine = &o->engine;
    engine->proxy_user = option_text(given, OPTION_PROXY_USER);
    engine->proxy_tunnel = option_given(given, OPTION_PROXYTUNNEL);
    engine->proxy_timeout_ns = option_number(given, OPTION_PROXY_TIMEOUT);
    engine->requests_per_connection =
        (uint32_t)option_number(given, OPTION_REQUESTS_PER_CONNECTION);
    engine->no_proxy = exceptions(given);
    for (const struct option_use *use = NULL; (use = option_next(given, OPTION_PROXY_HEADER, use));)
        add_header(o, use->text);
    choose(o, given);
    if (engine->proxy_queues)
        engine->keep_max_ns = GATE_KEEP_NS;
    if (option_given(given, OPTION_KEEP))
        engine->keep_max_ns = option_number(given, OPTION_KEEP);
}

/* ---- what is told ---- */

/* Some request may be for whom it is; none is for another than the target, if there is one. */
static bool may_be_used(const struct request_options *o, bool https)
{
    const char *detail = NULL;
    struct url url;
    if (!o->proxies[https].text)
        return false;
    bool known = o->target && url_parse(&url, span_of(o->target), &detail) == RINGSEND_OK;
    return !known ||
           (url.https == https &&
            !(o->engine.no_proxy && proxy_is_excepted(span_of(o->engine.no_proxy), &url)));
}

static void tell(const char *which, const struct proxy_choice *choice)
{
    struct ringsend_bytes text = span_of(choice->text), secret = proxy_secret(text);
    size_t ahead = secret.bytes > 0 ? (size_t)(secret.data - text.data) : 0;
    const char *rest = text.data + ahead + secret.bytes;
    fprintf(stderr, "ringsend: %s by the %s %.*s%s%s (%s%s)\n", which,
            choice->option == OPTION_GATE ? "gate" : "proxy", (int)ahead, text.data,
            secret.bytes > 0 ? "***" : "", rest,
            choice->variable ? choice->variable : option_long(choice->option),
            choice->variable ? " of the environment" : "");
}

void proxy_options_tell(const struct request_options *o)
{
    bool http = may_be_used(o, false), https = may_be_used(o, true);
    if (http && https && strcmp(o->proxies[0].text, o->proxies[1].text) == 0 &&
        o->proxies[0].variable == o->proxies[1].variable) {
        tell("requests go", &o->proxies[0]);
        return;
    }
    if (http)
        tell("http: goes", &o->proxies[0]);
    if (https)
        tell("https: goes", &o->proxies[1]);
}
