/* HTTP/1.1's own rules for a connection (RFC 9112 9): exchanges follow each other, one at a time,
 * and nothing but their order tells whose response it is that comes. So
 *
 *   room       one exchange, or none while one is carried
 *   unasked    what comes before a request has left is no response to it
 *   blank      empty lines between two responses are nobody's
 *   stays      a connection is used again only where both sides have said all that they had to
 *   stale      one that was kept may have been closed, or about to be, before the request came: the
 *              request then has a try for free
 *
 * Another protocol has other answers to these, and its frames say whose they are. */
#include "engine/http1.h"

#include "base/check.h"
#include "base/errors.h"
#include "base/time.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/exchange.h"
#include "engine/kept.h"
#include "engine/request.h"
#include "engine/retry.h"
#include "engine/steps.h"
#include "engine/wire.h"
#include "engine/writer.h"
#include "http/protocol.h"
#include "http/response.h"
#include "ringsend.h"
#include "uring/ring.h"

#include <string.h>

enum { BLANK_BYTES_MAX = 4 }; /* of empty lines behind an answer */

/* Some protocols begin with the server's greeting, which no other try will change. An answer of
 * HTTP comes so early from who has no time for anybody, or is closing an idle connection. */
enum ringsend_error http1_unasked(const struct conn *c, const char **detail)
{
    struct ringsend *e = c->engine;
    CHECK(c->rx_first >= 0);
    struct ringsend_bytes first = {ring_buffer(e->ring, c->rx_first),
                                   (size_t)e->rx_bytes[c->rx_first]};
    bool is_http = first.bytes >= 5 && memcmp(first.data, "HTTP/", 5) == 0;
    bool is_greeting = wire_is_readable(&c->wire) && c->exchanges_begun == 1 && !is_http;
    const char *name = is_greeting ? protocol_name(first) : NULL;
    *detail = name ? name : "the peer sent data before it was asked";
    return is_greeting ? RINGSEND_E_BAD_RESPONSE : RINGSEND_E_SEND_FAILED;
}

/* Some servers send an empty line behind each answer, as old clients did behind each request (RFC
 * 9112 2.2). It may cross the next request, and says nothing: what comes behind it is that one's
 * answer as it would be without. Node and browsers pass over it; curl does not, and is not met by
 * it before it has sent twice. */
void http1_pass_over_blank_lines(struct exchange *x, struct ringsend_bytes *plain)
{
    struct conn *c = x->conn;
    CHECK(x->receive == RECEIVE_FIRST_BYTE && c->exchanges_begun > 1);
    while (plain->bytes > 0 && protocol_is_blank(plain->data[0]) &&
           x->blank_bytes < BLANK_BYTES_MAX) {
        if (x->blank_bytes++ == 0)
            kept_has_spoken(c, x->engine->now_ns - c->answered_ns);
        plain->data++;
        plain->bytes--;
    }
}

/* As many as it may carry. */
static bool has_served(const struct conn *c)
{
    uint32_t most = c->engine->options.requests_per_connection;
    return most > 0 && c->exchanges_begun >= most;
}

/* Who has answered before it had it all may take the rest for another request. */
static bool is_reusable(struct exchange *x)
{
    struct conn *c = x->conn;
    const struct response *response = &x->response;
    CHECK(c->step == CONN_READY && http1_exchange(c) == x);
    if (!response->keep_alive || x->send != SEND_SENT || x->early || c->unsolicited ||
        c->stream_ended || x->request->head.close || !conn_receives(c) ||
        !writer_is_quiet(&c->writer) || has_served(c))
        return false;
    if (response->hints.has_keep_alive_s) {
        /* One second less than the peer says, so that a request does not cross its close. */
        if (response->hints.keep_alive_s == 0)
            return false;
        c->idle_ns = response->hints.keep_alive_s == 1
                         ? NS_PER_S / 2
                         : (response->hints.keep_alive_s - 1) * NS_PER_S;
    }
    uint64_t most_ns = x->engine->options.keep_max_ns;
    if (most_ns > 0 && c->idle_ns > most_ns)
        c->idle_ns = most_ns;
    return true;
}

bool http1_stays(struct exchange *x)
{
    struct conn *c = x->conn;
    bool was_kept = x->response.keep_alive && !x->request->head.close;
    CHECK(x->receive == RECEIVE_DONE);
    if (was_kept && c->unsolicited)
        kept_has_answered(c, 0);
    else if (was_kept && c->stream_ended)
        kept_was_closed(c, 0);
    return is_reusable(x);
}

/* What a reused connection shows when it was dead, or about to be closed, before the request
 * came: its end before any byte, bytes that are no response and so belong to something before (as
 * servers send them behind an answer to HEAD), or the 408 by which some announce that they close
 * an idle connection, which says in any case that the request was not processed (RFC 9110
 * 15.5.9). */
bool http1_is_stale(enum ringsend_error error, const struct response *response)
{
    CHECK(response->started || response->status == 0);
    if (response->status == 408)
        return !response->keep_alive && response->interim_count == 0;
    if (error == RINGSEND_OK)
        return false;
    return response->no_head || (retry_is_connection_loss(error) && !response->started);
}
