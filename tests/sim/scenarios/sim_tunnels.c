/* Scenarios: the way through a proxy. All peers here are one, at 10.0.0.1:80: the proxy, and the
 * server behind it for whatever host. */
#include "tests/sim/scenarios/sim_scenarios.h"
#include "tests/sim/world/sim_proxy.h"

#include <string.h>

#define BY_CONNECT "http://10.0.0.1:80"
#define BY_SOCKS5 "socks5://10.0.0.1:80"
#define BY_SOCKS5H "socks5h://10.0.0.1:80"

static const struct sim_answer ok = {.status = 200, .body_bytes = 10};
static const struct client_ask post = {
    .method = "POST", .host = "a.test", .port = 80, .body_bytes = 30, .flags = RINGSEND_HAS_BODY};
static const struct client_ask other = {.host = "b.test", .port = 80};
static const struct sim_proxy good = {0}, good_socks = {.socks = true};

static struct ringsend_options by(const char *proxy)
{
    return (struct ringsend_options){
        .proxy_http = proxy, .proxy_https = proxy, .proxy_tunnel = true};
}

static struct sim_peer *begin(const char *name, struct client *c,
                              const struct ringsend_options *options,
                              const struct sim_proxy *proxies, uint32_t count)
{
    struct sim_peer *peer = scenario_begin_tls(name, c, options, &ok, 1);

    peer->proxies = proxies;
    peer->proxies_count = count;
    return peer;
}

/* One way for all requests that follow each other, and no name is looked up here. */
static void kept(void)
{
    struct ringsend_options o = by(BY_CONNECT);
    struct client c;

    struct sim_peer *peer = begin("a way is kept", &c, &o, &good, 1);
    for (int i = 0; i < 3; i++) {
        scenario_submit(&c, &post);
        client_finish(&c);
        client_pass(&c, 100 * SIM_MS);
        scenario_expect(&c, (uint32_t)i, RINGSEND_OK, 200, 1, false);
    }
    SIM_CHECK(peer->asked == 1 && peer->connects == 1, "%u ways were asked for", peer->asked);
    scenario_end(&c);
}

/* What the proxy says comes in two parts, cut anywhere; http and https. */
static void split_anywhere(const char *name, const char *proxy, const struct sim_proxy *way,
                           size_t bytes)
{
    for (uint32_t i = 0; i < 2 * bytes; i++) {
        struct ringsend_options o = by(proxy);
        struct sim_proxy split = *way;
        struct client_ask ask = post;
        struct client c;

        split.split_at = i / 2;
        split.split_ns = 5 * SIM_MS;
        ask.https = i % 2;
        ask.host = i % 2 ? "10.0.0.1" : "10.0.0.7";
        ask.port = i % 2 ? 443 : 80;
        begin(name, &c, &o, &split, 1);
        scenario_name("10.0.0.1", "10.0.0.7", NULL, NULL);
        scenario_submit(&c, &ask);
        client_finish(&c);
        scenario_expect(&c, 0, RINGSEND_OK, 200, 1, false);
        scenario_expect_deliveries(&c, 0, 1);
        scenario_end(&c);
    }
}

static void connect_split(void)
{
    static const char said[] =
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 \r\nContent-Length: 9\n\r\n";
    static const struct sim_proxy way = {.answer = said};

    split_anywhere("CONNECT's answer is split", BY_CONNECT, &way, sizeof said);
}

static void socks_split(void)
{
    static const char said[] = "\5\0\0\3\7proxy.a\0\20";
    static const struct sim_proxy way = {
        .socks = true, .answer = said, .answer_bytes = sizeof said - 1, .user = "me:secret"};

    split_anywhere("SOCKS5's answer is split", "socks5h://me:secret@10.0.0.1:80", &way,
                   sizeof said);
    split_anywhere("SOCKS5's answer is split", "socks5://me:secret@10.0.0.1:80", &way, sizeof said);
}

/* The first way fails, and nothing of the POST has left: the second try is its first delivery. */
static void fails(const char *name, const char *proxy, const struct sim_proxy *bad,
                  enum ringsend_error error)
{
    const struct sim_proxy proxies[] = {*bad, bad->socks ? good_socks : good};
    struct ringsend_options o = by(proxy);
    bool is_final = error == RINGSEND_E_PROXY_AUTH;
    struct client c;

    o.store_attempts = true;
    o.proxy_timeout_ns = 2ull * SIM_S;
    begin(name, &c, &o, proxies, 2);
    scenario_submit(&c, &post);
    client_finish(&c);
    scenario_expect(&c, 0, is_final ? error : RINGSEND_OK, is_final ? 0 : 200, is_final ? 1 : 2,
                    false);
    SIM_CHECK(c.requests[0].trace[0].error == error, "the first try ends as %s",
              ringsend_error_name(c.requests[0].trace[0].error));
    scenario_expect_deliveries(&c, 0, is_final ? 0 : 1);
    scenario_end(&c);
}

static void connect_fails(void)
{
    static char endless[80 << 10];
    memset(endless, 'x', sizeof endless);
    memcpy(endless, "HTTP/1.1 200 OK\r\n", 17);
    const struct {
        struct sim_proxy proxy;
        enum ringsend_error error;
    } rows[] = {
        {{.answer = "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", .refuses = true},
         RINGSEND_E_PROXY_STATUS},
        {{.answer = "HTTP/1.1 502 Bad Gateway\r\n\r\n", .refuses = true}, RINGSEND_E_PROXY_STATUS},
        {{.answer = "HTTP/1.1 101 Switching\r\n\r\n", .refuses = true}, RINGSEND_E_PROXY_STATUS},
        {{.answer = "HTTP/1.1 407 Who are you?\r\n\r\n", .refuses = true, .then = THEN_END},
         RINGSEND_E_PROXY_AUTH},
        {{.answer = "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", .refuses = true},
         RINGSEND_E_PROXY_PROTOCOL},
        {{.answer = "HTTP/1.1 20 OK\r\n\r\n", .refuses = true}, RINGSEND_E_PROXY_PROTOCOL},
        {{.answer = "SSH-2.0-x\r\n", .refuses = true}, RINGSEND_E_PROXY_PROTOCOL},
        {{.answer = "\5\0", .refuses = true}, RINGSEND_E_PROXY_PROTOCOL},
        {{.answer = endless, .answer_bytes = sizeof endless, .refuses = true},
         RINGSEND_E_PROXY_PROTOCOL},
        {{.mute = true}, RINGSEND_E_TIMEOUT_PROXY},
        {{.mute = true, .then = THEN_END}, RINGSEND_E_PROXY_CLOSED},
        {{.mute = true, .then = THEN_RESET}, RINGSEND_E_PROXY_CLOSED},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        fails("CONNECT fails", BY_CONNECT, &rows[i].proxy, rows[i].error);
    for (size_t bytes = 1; bytes < 19; bytes++) {
        struct sim_proxy half = {.truncate_at = bytes, .answer = "HTTP/1.1 200 OK\r\n\r\n"};
        fails("half an answer, and silence", BY_CONNECT, &half, RINGSEND_E_TIMEOUT_PROXY);
        half.then = THEN_END;
        fails("half an answer", BY_CONNECT, &half, RINGSEND_E_PROXY_CLOSED);
    }
}

static void socks_fails(void)
{
    const struct {
        struct sim_proxy proxy;
        enum ringsend_error error;
    } rows[] = {
        {{.socks = true, .answer = "\5\5", .answer_bytes = 2, .refuses = true},
         RINGSEND_E_SOCKS_REFUSED},
        {{.socks = true, .answer = "\5\2\0\1\0\0\0\0\0\0", .answer_bytes = 10, .refuses = true},
         RINGSEND_E_SOCKS_REFUSED},
        {{.socks = true, .answer = "HTTP/1.1 400", .refuses = true}, RINGSEND_E_PROXY_PROTOCOL},
        {{.socks = true, .answer = "\5\0\0\x9\1", .answer_bytes = 5, .refuses = true},
         RINGSEND_E_PROXY_PROTOCOL},
        {{.socks = true, .answer = "\5\0\0\1\0\0\0\0\0\0HTTP", .answer_bytes = 14, .refuses = true},
         RINGSEND_E_PROXY_PROTOCOL},
        {{.socks = true, .mute = true}, RINGSEND_E_TIMEOUT_PROXY},
        {{.socks = true, .truncate_at = 7, .then = THEN_RESET}, RINGSEND_E_PROXY_CLOSED},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        fails("SOCKS5 fails", BY_SOCKS5H, &rows[i].proxy, rows[i].error);
}

static void not_there(void)
{
    struct ringsend_options o = by(BY_CONNECT);
    struct client c;

    o.tries = 2;
    struct sim_peer *peer = begin("the proxy is not there", &c, &o, &good, 1);
    peer->connect = CONNECT_FAILS;
    peer->connect_error = 111;
    scenario_submit(&c, &post);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_E_PROXY_REFUSED, 0, 2, false);
    scenario_end(&c);
}

/* Longer than any clock of the request but its own: that is time in the queue. */
static void waits(void)
{
    static const struct sim_proxy slow = {.delay_ns = 500ull * SIM_S};
    struct ringsend_options o = by(BY_CONNECT);
    struct client c;

    o.proxy_queues = true;
    begin("a gate lets wait", &c, &o, &slow, 1);
    scenario_submit(&c, &post);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 200, 1, false);
    SIM_CHECK(c.requests[0].times.queue_ns >= 500ull * SIM_S, "queued for %.3f s",
              (double)c.requests[0].times.queue_ns / 1e9);
    scenario_end(&c);

    o.proxy_queues = false;
    o.proxy_timeout_ns = 600ull * SIM_S;
    o.attempt_timeout_ns = 1ull * SIM_S;
    begin("a slow proxy is no attempt's time", &c, &o, &slow, 1);
    scenario_submit(&c, &post);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 200, 1, false);
    scenario_end(&c);
}

/* Its own deadline, a cancel, and a stop end it at once; nothing has left. */
static void ends_while_it_waits(void)
{
    static const struct sim_proxy mute = {.mute = true};
    struct ringsend_options o = by(BY_CONNECT);
    struct client c;
    struct client_ask soon = post;

    soon.deadline_ns = 3ull * SIM_S;
    o.proxy_queues = true;
    begin("what ends while it waits for its way", &c, &o, &mute, 1);
    scenario_submit(&c, &soon);
    scenario_submit(&c, &post);
    scenario_submit(&c, &post);
    client_pass(&c, 4ull * SIM_S);
    scenario_expect(&c, 0, RINGSEND_E_TIMEOUT_RECORD, 0, 1, false);
    ringsend_cancel(c.engine, c.requests[1].handle);
    client_pass(&c, 1ull * SIM_S);
    scenario_expect(&c, 1, RINGSEND_E_CANCELLED, 0, 1, false);
    ringsend_stop(c.engine);
    client_pass(&c, 1ull * SIM_S);
    SIM_CHECK(c.requests[2].done && c.requests[2].error == RINGSEND_E_STOPPED,
              "a stop does not end it");
    SIM_CHECK(!sim_delivered(), "something has left");
    scenario_end(&c);
}

/* A way that does not open makes way for another origin; at a gate it keeps its turn. */
static void one_does_not_open(void)
{
    static const struct sim_proxy ways[] = {{.mute = true}, {0}};
    struct ringsend_options o = by(BY_CONNECT);
    struct client c;

    o.connections_max = 1;
    begin("a way that does not open", &c, &o, ways, 2);
    scenario_submit(&c, &post);
    client_pass(&c, 10 * SIM_MS);
    scenario_submit(&c, &other);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 200, 1, false);
    scenario_expect(&c, 1, RINGSEND_OK, 200, 1, false);
    scenario_expect_ms(&c, 1, 0, 2500);
    scenario_end(&c);
}

/* The refusal of one host is not held against the others. */
static void one_is_refused(void)
{
    static const struct sim_proxy ways[] = {{.answer = "HTTP/1.1 502 no\r\n\r\n", .refuses = true},
                                            {0}};
    struct ringsend_options o = by(BY_CONNECT);
    struct client c;

    o.tries = 1;
    begin("one host is refused", &c, &o, ways, 2);
    scenario_submit(&c, &post);
    client_pass(&c, 10 * SIM_MS);
    scenario_submit(&c, &other);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_E_PROXY_STATUS, 0, 1, false);
    scenario_expect(&c, 1, RINGSEND_OK, 200, 1, false);
    scenario_expect_ms(&c, 1, 0, 10);
    scenario_end(&c);
}

/* Who looks up what: nobody but with SOCKS5, and then the one address is asked for. */
static void lookups(void)
{
    static const char *const proxies[] = {BY_CONNECT, BY_SOCKS5H, BY_SOCKS5};

    for (size_t i = 0; i < 3; i++) {
        struct ringsend_options o = by(proxies[i]);
        struct client c;

        begin("names behind a proxy", &c, &o, i == 0 ? &good : &good_socks, 1);
        struct sim_name *name = scenario_name("a.test", "10.9.9.9", NULL, NULL);
        scenario_submit(&c, &post);
        client_finish(&c);
        scenario_expect(&c, 0, RINGSEND_OK, 200, 1, false);
        SIM_CHECK(name->lookups == (i == 2), "%u lookups by %s", name->lookups, proxies[i]);
        scenario_end(&c);
    }
}

/* The process stands still while ways open: what came meanwhile counts. */
static void pauses(void)
{
    struct ringsend_options o = by(BY_CONNECT);
    struct sim_proxy slow = {.delay_ns = 1ull * SIM_S};
    struct client c;

    o.proxy_timeout_ns = 2ull * SIM_S;
    begin("a pause while a way opens", &c, &o, &slow, 1);
    scenario_submit(&c, &post);
    client_pass(&c, 500 * SIM_MS);
    sim_pause(100ull * SIM_S);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 200, 1, false);
    scenario_end(&c);
}

/* In absolute form all origins share what there is; a 407 has gone no further than the proxy. */
static void absolute(void)
{
    static const struct sim_answer answers[] = {{.status = 200}, {.status = 200}, {.status = 407}};
    struct ringsend_options o = {.proxy_http = BY_CONNECT, .store_attempts = true};
    struct client c;

    struct sim_peer *peer = scenario_begin("absolute form", &c, &o, answers, 3);
    peer->absolute = true;
    scenario_submit(&c, &post);
    client_finish(&c);
    client_pass(&c, 100 * SIM_MS);
    scenario_submit(&c, &other);
    client_finish(&c);
    client_pass(&c, 100 * SIM_MS);
    scenario_submit(&c, &post);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 200, 1, false);
    scenario_expect(&c, 1, RINGSEND_OK, 200, 1, false);
    scenario_expect(&c, 2, RINGSEND_E_PROXY_AUTH, 0, 1, false);
    SIM_CHECK(peer->connects == 1, "%u connects", peer->connects);
    scenario_end(&c);
}

/* Given back after so many requests, or so long a rest. */
static void given_back(void)
{
    struct ringsend_options o = by(BY_CONNECT);
    struct client c;

    o.requests_per_connection = 2;
    o.keep_max_ns = 200 * SIM_MS;
    struct sim_peer *peer = begin("ways are given back", &c, &o, &good, 1);
    for (int i = 0; i < 4; i++) {
        scenario_submit(&c, &other);
        client_finish(&c);
        client_pass(&c, 50 * SIM_MS);
    }
    SIM_CHECK(peer->asked == 2, "%u ways for four requests", peer->asked);
    scenario_submit(&c, &other);
    client_finish(&c);
    client_pass(&c, 250 * SIM_MS);
    SIM_CHECK(sim_sockets_open() == 0, "an idle one stays open");
    scenario_end(&c);
}

static void load(struct client *c)
{
    static const struct sim_proxy ways[] = {{.mute = true, .then = THEN_END}, {0}};
    struct ringsend_options o = by(BY_CONNECT);
    struct client_ask secure = post;
    struct sim_peer *peer = sim_peer_new("10.0.0.1", 80, 0);

    peer->script = &ok;
    peer->script_count = 1;
    peer->certificate = CERTIFICATE_GOOD;
    peer->proxies = ways;
    peer->proxies_count = 2;
    secure.https = true;
    secure.host = "10.0.0.1";
    secure.port = 443;
    o.ca_file = sim_tls_ca_file();
    o.seed = 1;
    o.allocator = &client_allocator;
    if (!client_try_begin(c, &o))
        return;
    client_submit(c, &post);
    client_submit(c, &secure);
    client_submit(c, &other);
}

static void torture(void)
{
    scenario_torture("ways under torture", load, 10);
}

static void break_at_any_time(void)
{
    scenario_break_at_any_time("the ring breaks while ways open", load);
}

static void free_at_any_time(void)
{
    scenario_free_at_any_time("freed while ways open", load);
}

static const struct scenario_function functions[] = {
    {"a way is kept", kept},
    {"CONNECT's answer is split", connect_split},
    {"SOCKS5's answer is split", socks_split},
    {"CONNECT fails", connect_fails},
    {"SOCKS5 fails", socks_fails},
    {"the proxy is not there", not_there},
    {"a gate lets wait", waits},
    {"what ends while it waits for its way", ends_while_it_waits},
    {"a way that does not open", one_does_not_open},
    {"one host is refused", one_is_refused},
    {"names behind a proxy", lookups},
    {"a pause while a way opens", pauses},
    {"absolute form", absolute},
    {"ways are given back", given_back},
    {"ways under torture", torture},
    {"the ring breaks while ways open", break_at_any_time},
    {"freed while ways open", free_at_any_time},
};

const struct scenario_function *sim_tunnel_scenarios(size_t *count)
{
    *count = sizeof functions / sizeof *functions;
    return functions;
}
