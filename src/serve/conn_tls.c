/* Two buffers around tls.h: `in` holds what was received and TLS could not yet take, `out` what one
 * send carries. Level-driven: every call moves what can move, and what cannot is asked again after
 * the next send or receive.
 *
 * The handshake's public-key work, one to two milliseconds, is done where the bytes come in, on the
 * platform's loop: others wait so long. That is right here: this is a target on one thread, and its
 * sender resumes sessions. The sender's own engine gives that work to a thread.
 *
 * A large answer goes out in stretches of up to SEND_BYTES_MAX, several records in one send. An idle
 * visitor has neither buffer. */
#include "serve/conn_tls.h"

#include "base/check.h"

#include <stdlib.h>

enum {
    SEND_BYTES_MAX = 64 << 10,
    RECORD_BYTES_MAX = TLS_RECORD_PLAIN_BYTES + TLS_RECORD_OVERHEAD_BYTES,
    /* Steps in which `out` grows for what nobody announced: handshakes, alerts, last records. */
    TAKE_BYTES = 512,
};

struct veil {
    struct tls *tls;
    struct buf_pool *pool;
    struct buf in;
    size_t in_used; /* bytes of it already fed */
    struct buf out;
    bool sending;   /* `out` belongs to a send in flight */
    bool no_memory; /* bytes were lost: of no use any more */
};

struct veil *veil_new(struct tls_local *local, struct buf_pool *pool)
{
    struct veil *veil = calloc(1, sizeof *veil);
    if (!veil)
        return NULL;
    veil->pool = pool;
    veil->tls = tls_server_new(local);
    if (veil->tls)
        return veil;
    free(veil);
    return NULL;
}

void veil_free(struct veil *veil)
{
    if (!veil)
        return;
    tls_free(veil->tls);
    buf_release(veil->pool, &veil->in);
    buf_release(veil->pool, &veil->out);
    free(veil);
}

/* ---- In ---- */

bool veil_receive(struct veil *veil, const char *cipher, size_t bytes)
{
    if (tls_state(veil->tls) & TLS_CLOSED)
        return true; /* nobody listens any more */
    return buf_append(veil->pool, &veil->in, cipher, bytes);
}

size_t veil_waiting(const struct veil *veil)
{
    return veil->in.bytes - veil->in_used;
}

struct ringsend_bytes veil_peek(struct veil *veil)
{
    for (;;) {
        size_t bytes;
        const void *plain = tls_peek(veil->tls, &bytes);
        if (plain)
            return (struct ringsend_bytes){plain, bytes};
        if (veil_waiting(veil) == 0)
            return (struct ringsend_bytes){0};
        size_t used = tls_feed(veil->tls, veil->in.data + veil->in_used, veil_waiting(veil));
        veil->in_used += used;
        if (veil_waiting(veil) == 0) {
            buf_release(veil->pool, &veil->in);
            veil->in_used = 0;
        }
        if (used == 0)
            return (struct ringsend_bytes){0};
    }
}

void veil_consume(struct veil *veil, size_t bytes)
{
    tls_consume(veil->tls, bytes);
}

/* ---- Out ---- */

/* Moves the records that stand ready into `out`; false when there was none. */
static bool gather(struct veil *veil)
{
    size_t before = veil->out.bytes;
    CHECK(!veil->sending);
    while (tls_state(veil->tls) & TLS_TAKE) {
        if (veil->out.bytes == veil->out.capacity &&
            !buf_reserve(veil->pool, &veil->out, TAKE_BYTES)) {
            veil->no_memory = true;
            break;
        }
        veil->out.bytes += tls_take(veil->tls, veil->out.data + veil->out.bytes,
                                    veil->out.capacity - veil->out.bytes);
    }
    return veil->out.bytes > before;
}

size_t veil_write(struct veil *veil, struct ringsend_bytes plain)
{
    size_t accepted = 0, room = plain.bytes + TLS_RECORD_OVERHEAD_BYTES;
    if (!buf_reserve(veil->pool, &veil->out, room < SEND_BYTES_MAX ? room : SEND_BYTES_MAX)) {
        veil->no_memory = true;
        return 0;
    }
    while (accepted < plain.bytes && veil->out.bytes + RECORD_BYTES_MAX <= SEND_BYTES_MAX) {
        size_t more = tls_write(veil->tls, plain.data + accepted, plain.bytes - accepted);
        accepted += more;
        if (!gather(veil) && more == 0)
            break;
    }
    return accepted;
}

void veil_flush(struct veil *veil)
{
    tls_flush(veil->tls);
}

void veil_close(struct veil *veil)
{
    tls_close(veil->tls);
}

struct ringsend_bytes veil_take(struct veil *veil)
{
    gather(veil);
    if (veil->out.bytes == 0) {
        buf_release(veil->pool, &veil->out);
        return (struct ringsend_bytes){0};
    }
    veil->sending = true;
    return (struct ringsend_bytes){veil->out.data, veil->out.bytes};
}

void veil_sent(struct veil *veil)
{
    veil->sending = false;
    buf_release(veil->pool, &veil->out);
}

/* ---- What became of it ---- */

bool veil_is_ready(const struct veil *veil)
{
    return tls_is_ready(veil->tls);
}

bool veil_is_resumed(const struct veil *veil)
{
    return tls_resumed(veil->tls);
}

bool veil_has_failed(const struct veil *veil)
{
    return veil->no_memory || tls_error(veil->tls) != RINGSEND_OK;
}

bool veil_has_ended(const struct veil *veil)
{
    return tls_peer_closed(veil->tls);
}
