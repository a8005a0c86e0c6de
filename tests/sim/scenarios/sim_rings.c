/* Rings. Those of two kinds in one program: the same engine's object files over the simulated ring
 * and, at the same time and in the same thread, over the kernel's. A kernel whose waits for several
 * completions sleep over what comes late. */
#include "tests/sim/scenarios/sim_scenarios.h"

#include "engine/on_ring.h"
#include "uring/ring.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct client_ask get = {.host = "10.0.0.1", .port = 80};
static const struct sim_answer answer_ok = {
    .status = 200, .body_bytes = 20, .delay_ns = 20ull * SIM_S};

/* A server in the real world, as far as one request needs it. */
struct listener {
    int fd, peer; /* -1: no connection yet */
    char url[64];
};

static void listener_begin(struct listener *l)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof address;

    l->peer = -1;
    l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    SIM_CHECK(l->fd >= 0 && bind(l->fd, (struct sockaddr *)&address, bytes) == 0 &&
                  getsockname(l->fd, (struct sockaddr *)&address, &bytes) == 0 &&
                  listen(l->fd, 1) == 0,
              "no socket to listen on");
    snprintf(l->url, sizeof l->url, "http://127.0.0.1:%u/", ntohs(address.sin_port));
}

/* True once the request is there. */
static bool listener_was_asked(struct listener *l)
{
    char head[1024];

    if (l->peer < 0)
        l->peer = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    return l->peer >= 0 && recv(l->peer, head, sizeof head, MSG_PEEK) > 0;
}

static void listener_answer(struct listener *l)
{
    static const char response[] = "HTTP/1.1 204 No Content\r\n\r\n";

    SIM_CHECK(send(l->peer, response, sizeof response - 1, MSG_NOSIGNAL) > 0, "no answer");
}

static void listener_end(struct listener *l)
{
    close(l->peer);
    close(l->fd);
}

static void run_at_once(struct ringsend *engine)
{
    SIM_CHECK(ringsend_run(engine, 0) >= 0, "the engine over the kernel's ring is broken");
}

static void two_kinds_of_rings(void)
{
    struct ringsend_options options = {.size = sizeof options, .connections_max = 4};
    const struct ringsend_result *result;
    struct ringsend *on_kernel;
    struct listener listener;
    struct client simulated;

    if (engine_new_on(&on_kernel, &options, ring_new) != 0) {
        fputs("skipped: io_uring is refused here\n", stderr);
        return;
    }
    scenario_begin("an engine on each of two rings", &simulated, &(struct ringsend_options){0},
                   &answer_ok, 1);
    listener_begin(&listener);
    struct ringsend_request request = {.size = sizeof request,
                                       .url = {listener.url, strlen(listener.url)}};
    SIM_CHECK(ringsend_submit(on_kernel, &request) == 0, "not taken");
    scenario_submit(&simulated, &get);
    while (!listener_was_asked(&listener))
        run_at_once(on_kernel);
    /* Twenty seconds of the one world pass between two moments of the other. */
    client_finish(&simulated);
    scenario_expect(&simulated, 0, RINGSEND_OK, 200, 1, false);
    listener_answer(&listener);
    while (ringsend_reap(on_kernel, &result, 1) == 0)
        run_at_once(on_kernel);
    SIM_CHECK(result->error == RINGSEND_OK && result->status == 204, "%s, status %d",
              ringsend_error_name(result->error), result->status);
    ringsend_free(on_kernel);
    listener_end(&listener);
    scenario_end(&simulated);
}

/* Many answers close together, so that waits are for several of them; then a lone one. Returns how
 * long it lay there. */
static uint64_t lone_answer_lies(const char *name, bool sleeps_over, bool deceived)
{
    enum { CLOSE_TOGETHER = 200, FEW = 4 };
    static struct sim_answer answers[CLOSE_TOGETHER + 2];
    uint64_t longest_ns = 0;
    struct client c;

    for (int i = 0; i < CLOSE_TOGETHER; i++)
        answers[i] = (struct sim_answer){.status = 200, .body_bytes = 20};
    answers[CLOSE_TOGETHER] =
        (struct sim_answer){.status = 200, .body_bytes = 20, .delay_ns = 50 * SIM_MS};
    answers[CLOSE_TOGETHER + 1] =
        (struct sim_answer){.status = 200, .body_bytes = 20, .delay_ns = 400 * SIM_MS};
    scenario_begin(name, &c, &(struct ringsend_options){.connections_max = 40}, answers,
                   CLOSE_TOGETHER + 2);
    client_close(&c);
    sim.faults.sleeps_over = sleeps_over;
    sim.faults.deceived = deceived;
    client_begin(&c, &(struct ringsend_options){
                         .connections_max = 40, .requests_max = CLOSE_TOGETHER, .seed = 1});
    for (int i = 0; i < CLOSE_TOGETHER; i++)
        scenario_submit(&c, &get);
    client_finish(&c);
    for (int i = 0; i < FEW; i++)
        scenario_submit(&c, &get);
    client_finish(&c);
    for (uint32_t i = CLOSE_TOGETHER; i < CLOSE_TOGETHER + FEW; i++) {
        const struct sim_delivery *d = sim_latest_delivery(c.requests[i].record);
        scenario_expect(&c, i, RINGSEND_OK, 200, 1, false);
        uint64_t lay_ns = c.requests[i].done_ns - d->arrived_ns;
        longest_ns = lay_ns > longest_ns ? lay_ns : longest_ns;
    }
    scenario_end(&c);
    return longest_ns;
}

static void lone_answer_is_taken_at_once(void)
{
    uint64_t lay_ns = lone_answer_lies("a lone answer, of a good kernel", false, false);

    SIM_CHECK(lay_ns <= SIM_MS, "a lone answer lay there for %.3f ms", (double)lay_ns / 1e6);
    lay_ns = lone_answer_lies("a lone answer, of one that sleeps over it", true, false);
    SIM_CHECK(lay_ns <= SIM_MS, "a lone answer lay there for %.3f ms", (double)lay_ns / 1e6);
    /* Otherwise this says nothing. */
    lay_ns = lone_answer_lies("a lone answer, slept over", true, true);
    SIM_CHECK(lay_ns > 100 * SIM_MS, "min-wait was not waited by: %.3f ms", (double)lay_ns / 1e6);
}

const struct scenario_function *sim_ring_scenarios(size_t *count)
{
    static const struct scenario_function functions[] = {
        {"an engine on each of two rings", two_kinds_of_rings},
        {"a lone answer is taken at once", lone_answer_is_taken_at_once},
    };

    *count = sizeof functions / sizeof *functions;
    return functions;
}
