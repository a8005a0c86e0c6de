/* Two buffers around tls.h: `in` holds what was received and TLS could not yet take, `out` what one
 * send carries. Level-driven: every call moves what can move, and what cannot is asked again after
 * the next send or receive.
 *
 * The handshake's public-key work, one to two milliseconds, is done where the bytes come in, on the
 * server's loop: others wait so long. That is right here: this is a target on one thread, and its
 * sender resumes sessions. The sender's own engine gives that work to a thread.
 *
 * A large answer goes out in stretches of up to SEND_BYTES_MAX, several records in one send. An
 * idle connection has neither buffer. */
#include "serve/conn_tls.h"

#include "base/check.h"

#include <stdlib.h>

enum {
    SEND_BYTES_MAX = 64 << 10,
    RECORD_BYTES_MAX = TLS_RECORD_PLAIN_BYTES + TLS_RECORD_OVERHEAD_BYTES,
    /* Steps in which `out` grows for what nobody announced: handshakes, alerts, last records. */
    TAKE_BYTES = 512,
};

struct serve_tls {
    struct tls *tls;
    struct buf_pool *pool;
    struct buf in;
    size_t in_used; /* bytes of it already fed */
    struct buf out;
    bool sending;   /* `out` belongs to a send in flight */
    bool no_memory; /* bytes were lost: of no use any more */
};

struct serve_tls *serve_tls_new(struct tls_local *local, struct buf_pool *pool)
{
    struct serve_tls *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->pool = pool;
    t->tls = tls_server_new(local);
    if (t->tls)
        return t;
    free(t);
    return NULL;
}

void serve_tls_free(struct serve_tls *t)
{
    if (!t)
        return;
    tls_free(t->tls);
    buf_release(t->pool, &t->in);
    buf_release(t->pool, &t->out);
    free(t);
}

/* ---- In ---- */

bool serve_tls_receive(struct serve_tls *t, const char *cipher, size_t bytes)
{
    if (tls_state(t->tls) & TLS_CLOSED)
        return true; /* nobody listens any more */
    return buf_append(t->pool, &t->in, cipher, bytes);
}

size_t serve_tls_waiting(const struct serve_tls *t)
{
    return t->in.bytes - t->in_used;
}

struct ringsend_bytes serve_tls_peek(struct serve_tls *t)
{
    for (;;) {
        size_t bytes;
        const void *plain = tls_peek(t->tls, &bytes);
        if (plain)
            return (struct ringsend_bytes){plain, bytes};
        if (serve_tls_waiting(t) == 0)
            return (struct ringsend_bytes){0};
        size_t used = tls_feed(t->tls, t->in.data + t->in_used, serve_tls_waiting(t));
        t->in_used += used;
        if (serve_tls_waiting(t) == 0) {
            buf_release(t->pool, &t->in);
            t->in_used = 0;
        }
        if (used == 0)
            return (struct ringsend_bytes){0};
    }
}

void serve_tls_consume(struct serve_tls *t, size_t bytes)
{
    tls_consume(t->tls, bytes);
}

/* ---- Out ---- */

/* Moves the records that stand ready into `out`; false when there was none. */
static bool gather(struct serve_tls *t)
{
    size_t before = t->out.bytes;
    CHECK(!t->sending);
    while (tls_state(t->tls) & TLS_TAKE) {
        if (t->out.bytes == t->out.capacity && !buf_reserve(t->pool, &t->out, TAKE_BYTES)) {
            t->no_memory = true;
            break;
        }
        t->out.bytes +=
            tls_take(t->tls, t->out.data + t->out.bytes, t->out.capacity - t->out.bytes);
    }
    return t->out.bytes > before;
}

size_t serve_tls_write(struct serve_tls *t, struct ringsend_bytes plain)
{
    size_t accepted = 0, room = plain.bytes + TLS_RECORD_OVERHEAD_BYTES;
    if (!buf_reserve(t->pool, &t->out, room < SEND_BYTES_MAX ? room : SEND_BYTES_MAX)) {
        t->no_memory = true;
        return 0;
    }
    while (accepted < plain.bytes && t->out.bytes + RECORD_BYTES_MAX <= SEND_BYTES_MAX) {
        size_t more = tls_write(t->tls, plain.data + accepted, plain.bytes - accepted);
        accepted += more;
        if (!gather(t) && more == 0)
            break;
    }
    return accepted;
}

void serve_tls_flush(struct serve_tls *t)
{
    tls_flush(t->tls);
}

void serve_tls_close(struct serve_tls *t)
{
    tls_close(t->tls);
}

struct ringsend_bytes serve_tls_take(struct serve_tls *t)
{
    gather(t);
    if (t->out.bytes == 0) {
        buf_release(t->pool, &t->out);
        return (struct ringsend_bytes){0};
    }
    t->sending = true;
    return (struct ringsend_bytes){t->out.data, t->out.bytes};
}

void serve_tls_sent(struct serve_tls *t)
{
    t->sending = false;
    buf_release(t->pool, &t->out);
}

/* ---- What became of it ---- */

bool serve_tls_is_ready(const struct serve_tls *t)
{
    return tls_is_ready(t->tls);
}

bool serve_tls_is_resumed(const struct serve_tls *t)
{
    return tls_resumed(t->tls);
}

bool serve_tls_has_failed(const struct serve_tls *t)
{
    return t->no_memory || tls_error(t->tls) != RINGSEND_OK;
}

bool serve_tls_has_ended(const struct serve_tls *t)
{
    return tls_peer_closed(t->tls);
}
