/* See sim_proxy.h. Checked of the engine: nothing is sent before the proxy's turn to answer is
 * over, and nothing of a record before the way is open. */
#include "tests/sim/world/sim_proxy.h"

#include <errno.h>
#include <string.h>

enum { SOCKS_HEAD_BYTES = 4 };

static const struct sim_proxy *proxy_of(const struct sim_socket *s)
{
    const struct sim_peer *peer = s->peer;

    if (!peer || peer->proxies_count == 0)
        return NULL;
    return &peer->proxies[s->way < peer->proxies_count ? s->way : peer->proxies_count - 1];
}

bool sim_proxy_enters(const struct sim_socket *s, const char *data, size_t bytes)
{
    if (!proxy_of(s) || s->way_is_open)
        return false;
    SIM_CHECK(!s->proxy_answers, "%zu bytes are sent while the proxy is to answer", bytes);
    SIM_CHECK(!memmem(data, bytes, "X-Record-Id", 11), "a record is sent to a proxy");
    return true;
}

/* Its last words: the end, and whether the way is open. */
static void say_last(struct sim_socket *s, const struct sim_proxy *p, const char *answer,
                     size_t bytes)
{
    uint64_t at_ns = sim.now_ns + p->delay_ns + sim_between(0, sim.faults.latency_ns);
    size_t first = p->split_at < bytes ? p->split_at : bytes;

    if (p->truncate_at > 0 && p->truncate_at < bytes)
        bytes = p->truncate_at;
    first = first < bytes ? first : bytes;
    if (first > 0)
        sim_socket_output(s, at_ns, answer, first);
    if (bytes > first)
        sim_socket_output(s, at_ns + p->split_ns, answer + first, bytes - first);
    s->way_is_open = !p->refuses && p->truncate_at == 0 && p->then == THEN_KEEP;
    if (p->then == THEN_END || p->then == THEN_RESET) {
        sim_socket_end(s, at_ns + p->split_ns + SIM_US, p->then == THEN_RESET ? -ECONNRESET : 0);
        s->peer_closed = true;
    }
    sim_trace("slot %u: the proxy answers%s", s->slot, s->way_is_open ? ", the way is open" : "");
}

static void answer(struct sim_socket *s, const struct sim_proxy *p, const char *good,
                   size_t good_bytes)
{
    const char *said = p->answer ? p->answer : good;
    size_t bytes = p->answer_bytes ? p->answer_bytes : p->answer ? strlen(said) : good_bytes;

    s->peer->asked++;
    s->proxy_answers = true;
    if (!p->mute)
        say_last(s, p, said, bytes);
    else if (p->then != THEN_KEEP)
        say_last(s, &(struct sim_proxy){.refuses = true, .then = p->then}, "", 0);
}

static void reply(struct sim_socket *s, const char *data, size_t bytes)
{
    s->asked.bytes = 0;
    sim_socket_output(s, sim.now_ns + sim_between(0, sim.faults.latency_ns), data, bytes);
}

static void hear_socks(struct sim_socket *s, const struct sim_proxy *p)
{
    const char *got = s->asked.data;
    size_t bytes = s->asked.bytes;

    if (s->socks_step == 0) {
        if (bytes < 2 || bytes < 2 + (size_t)got[1])
            return;
        SIM_CHECK(got[0] == 5 && bytes == 2 + (size_t)got[1], "a greeting of %zu bytes", bytes);
        SIM_CHECK(!p->user || memchr(got + 2, 2, bytes - 2), "no user is offered");
        s->socks_step = p->user ? 1 : 2;
        reply(s, p->user ? "\5\2" : "\5\0", 2);
    } else if (s->socks_step == 1) {
        size_t user = bytes < 2 ? 0 : (size_t)got[1];
        if (bytes < 3 + user || bytes < 3 + user + (size_t)got[2 + user])
            return;
        SIM_CHECK(memcmp(got + 2, p->user, user) == 0 && p->user[user] == ':' &&
                      memcmp(got + 3 + user, p->user + user + 1, bytes - 3 - user) == 0,
                  "another user is named");
        s->socks_step = 2;
        reply(s, "\1\0", 2);
    } else {
        size_t host = bytes < 5 ? 0 : got[3] == 1 ? 4 : got[3] == 4 ? 16 : 1 + (size_t)got[4];
        if (host == 0 || bytes < SOCKS_HEAD_BYTES + host + 2)
            return;
        SIM_CHECK(memcmp(got, "\5\1", 3) == 0, "no request of SOCKS");
        SIM_CHECK(bytes == SOCKS_HEAD_BYTES + host + 2, "a request of %zu bytes", bytes);
        answer(s, p, "\5\0\0\1\0\0\0\0\0\0", 10);
    }
}

void sim_proxy_input(struct sim_socket *s, const char *data, size_t bytes)
{
    const struct sim_proxy *p;

    if (s->asked.capacity == 0)
        s->way = s->peer->ways++;
    p = proxy_of(s);
    s->proxy_bytes += bytes;
    sim_text_add(&s->asked, data, bytes);
    if (p->socks) {
        hear_socks(s, p);
    } else if (memmem(s->asked.data, s->asked.bytes, "\r\n\r\n", 4)) {
        SIM_CHECK(memcmp(s->asked.data, "CONNECT ", 8) == 0, "a proxy is asked for no way");
        answer(s, p, "HTTP/1.1 200 Connection established\r\n\r\n", 39);
    }
}
