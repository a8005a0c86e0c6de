/* A wire: how the bytes of a connection reach its peer, plainly or through TLS. The plain side
 * stands here, as it costs next to nothing; the other in wire_tls.c.
 *
 * It stands below the connection and knows none. Its owner feeds it what has come, sends what it
 * has put together, and tells it when that has left; what happens on another thread wakes the
 * owner's task.
 *
 *   tunnel     a proxy is to open the way: wire_tunnel_..., wire_fill when a send is free. Then
 *              it is what the way leads to:
 *   opening    what is to be said before the first request, if anything is: TLS's handshake.
 *              wire_gather and wire_opening after each event, wire_fill when a send is free
 *   open       wire_fill takes pieces; wire_received brings what can be read
 *   farewell   wire_farewell, then wire_fill once more
 *
 * One send at a time is under way: from a wire_fill that put some bytes together to its wire_sent.
 * Until then neither the pieces' memory nor the wire's own is touched. */
#ifndef RINGSEND_ENGINE_WIRE_H
#define RINGSEND_ENGINE_WIRE_H

#include "base/check.h"
#include "base/list.h"
#include "ringsend.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct lane;
struct ringsend;
struct task;
struct tls_config;
struct tunnel_ask;
struct wire_tls;
struct wire_tunnel;

enum {
    PIECE_PARTS = 2, /* head and body */
    WIRE_PARTS = 4,  /* of one send */
};

enum piece_state {
    PIECE_IDLE,    /* its owner's */
    PIECE_QUEUED,  /* waits, all of it or the rest */
    PIECE_SENDING, /* some of it is in the send under way: the kernel reads it */
    PIECE_LEFT,    /* all of it was taken by the kernel; its owner's again */
    PIECE_BROKE,   /* not all of it was, and no more will be; its owner's again */
};

/* Bytes that somebody hands over to be sent, behind those that were handed over before. */
struct piece {
    struct list node; /* in its writer's queue exactly while it is queued or sending */
    enum piece_state state;
    bool look_first; /* its first bytes are not to be risked on a connection that may be dead */
    struct iovec parts[PIECE_PARTS]; /* the first is not empty, nor is the memory written to */
    size_t taken_bytes;              /* of its own: in the send under way, or in one before */
    size_t sending_bytes; /* of the send under way: its own, and what the wire put ahead of them */
    size_t sent_bytes;    /* the same, of all sends that are over, back to when it was cleared */
};

/* What goes to the kernel in one go. */
struct wire_send {
    struct iovec parts[WIRE_PARTS];
    size_t bytes;
    uint32_t parts_count;
    bool look_first; /* the first bytes of a piece that asks for it are in there */
};

enum wire_kind { WIRE_PLAIN, WIRE_TLS, WIRE_TUNNEL };

struct wire {
    enum wire_kind kind;
    struct ringsend *engine;
    struct task *owner;         /* to be woken */
    struct wire_tls *tls;       /* of WIRE_TLS, from wire_open to wire_close */
    struct wire_tunnel *tunnel; /* of WIRE_TUNNEL, from wire_tunnel_open on */
};

/* Whom it leads to. */
struct wire_peer {
    const char *name;
    uint16_t port;
    struct lane *lane;            /* outlives the wire */
    bool keeps_sessions;          /* the next ones may offer its session */
    const char *const *protocols; /* to offer: tls.h */
};

static inline size_t piece_bytes(const struct piece *p)
{
    return p->parts[0].iov_len + p->parts[1].iov_len;
}

/* For a new owner, who has sent nothing yet. */
static inline void piece_clear(struct piece *p, bool look_first)
{
    p->state = PIECE_IDLE;
    p->look_first = look_first;
    p->sent_bytes = 0;
}

/* What is to leave next; struct iovec knows no const. */
static inline void piece_set(struct piece *p, struct ringsend_bytes first,
                             struct ringsend_bytes second)
{
    CHECK(p->state != PIECE_QUEUED && p->state != PIECE_SENDING && first.bytes > 0);
    p->parts[0] = (struct iovec){(void *)(uintptr_t)first.data, first.bytes};
    p->parts[1] = (struct iovec){(void *)(uintptr_t)second.data, second.bytes};
    p->taken_bytes = 0;
}

static inline bool piece_is_queued(const struct piece *p)
{
    return p->state == PIECE_QUEUED || p->state == PIECE_SENDING;
}

/* ---- Tunnel: wire_tunnel.c ---- */

bool wire_tunnel_open(struct wire *w, const struct tunnel_ask *ask); /* false: memory is out */
void wire_tunnel_close(struct wire *w);
/* Takes in what has come. *opened, false before the first call: the way is open, and nothing may
 * come behind that. */
enum ringsend_error wire_tunnel_received(struct wire *w, struct ringsend_bytes got, bool *opened,
                                         const char **detail);
/* Nothing more will come: the error that this is. `how` as tunnel_ended has it. */
enum ringsend_error wire_tunnel_ended(struct wire *w, const char *how, const char **detail);
bool wire_tunnel_is_quiet(const struct wire *w); /* no send is under way */
/* It is open and quiet: the wire is that from now on. */
void wire_tunnel_leads_to(struct wire *w, enum wire_kind kind);
enum ringsend_error wire_tunnel_fill(struct wire *w, struct wire_send *send);
void wire_tunnel_sent(struct wire *w, bool whole);

/* ---- Opening ---- */

/* Something is to be said before the first request. */
static inline bool wire_has_opening(const struct wire *w)
{
    return w->kind != WIRE_PLAIN;
}
/* What https needs, once. */
enum ringsend_error wire_load(struct ringsend *e, const struct tls_config *config);
bool wire_open(struct wire *w, const struct wire_peer *peer); /* false: memory is out */
/* Takes in what has come. */
enum ringsend_error wire_gather(struct wire *w, struct ringsend_bytes got);
struct wire_news {
    bool ended;         /* nothing more will come */
    bool piece_follows; /* at once: the last that is to be said may leave together with it */
};
/* Moves it on; then wire_fill brings what is to be said. RINGSEND_OK: wait, or it is open when
 * *opened. */
enum ringsend_error wire_opening(struct wire *w, struct wire_news news, bool *opened,
                                 const char **detail);
/* It was agreed upon when it was opened. */
bool wire_tls_speaks_http2(const struct wire *w);
static inline bool wire_speaks_http2(const struct wire *w)
{
    return w->kind == WIRE_TLS && wire_tls_speaks_http2(w);
}
/* With HTTP/2: what the peer had said by then; good until wire_early_is_read. */
struct ringsend_bytes wire_early(const struct wire *w);
void wire_early_is_read(struct wire *w);
/* It has failed, and another connection to there may do better: tls_ask_again. */
bool wire_asks_again(const struct wire *w);
/* To a worker thread, or to wait for it: nothing goes on until that is done, and it must not be
 * closed. wire_withdraw takes it back, unless it is being worked on. */
bool wire_is_handed_off(const struct wire *w);
void wire_withdraw(struct wire *w);
bool wire_offered_session(const struct wire *w); /* of TLS; it has begun */
/* How long it has been, since the last call and up to now. */
uint64_t wire_take_away_ns(struct wire *w);
void wire_returns(struct ringsend *e); /* takes back what the workers have done */

/* ---- Sending ---- */

enum ringsend_error wire_tls_fill(struct wire *w, struct list *pieces, struct wire_send *send);

/* For the sides of the wire: so many bytes of the send carry the piece. */
static inline void wire_takes(struct piece *p, size_t sending_bytes, struct wire_send *send)
{
    p->state = PIECE_SENDING;
    p->sending_bytes = sending_bytes;
    send->bytes += sending_bytes;
    send->look_first |= p->look_first && p->sent_bytes == 0;
}

/* Plain: pieces go to the kernel as they are, uncopied. */
static inline void wire_plain_fill(struct list *pieces, struct wire_send *send)
{
    for (struct list *node = pieces->next; node != pieces; node = node->next) {
        struct piece *p = LIST_OWNER(node, struct piece, node);
        CHECK(p->state == PIECE_QUEUED);
        if (send->parts_count + PIECE_PARTS > WIRE_PARTS)
            break;
        send->parts[send->parts_count++] = p->parts[0];
        if (p->parts[1].iov_len > 0)
            send->parts[send->parts_count++] = p->parts[1];
        p->taken_bytes = piece_bytes(p);
        wire_takes(p, p->taken_bytes, send);
    }
}

/* Puts the next send together: the wire's own bytes, then those of the pieces, from the front, as
 * far as they can leave now. bytes 0: nothing can. No send is under way. */
static inline enum ringsend_error wire_fill(struct wire *w, struct list *pieces,
                                            struct wire_send *send)
{
    send->parts_count = 0;
    send->bytes = 0;
    send->look_first = false;
    if (w->kind == WIRE_TLS)
        return wire_tls_fill(w, pieces, send);
    if (w->kind == WIRE_TUNNEL)
        return wire_tunnel_fill(w, send);
    wire_plain_fill(pieces, send);
    return RINGSEND_OK;
}
/* It has something to say by itself, with pieces or without. */
bool wire_tls_has_word(const struct wire *w);
static inline bool wire_has_word(const struct wire *w)
{
    return w->kind == WIRE_TLS && wire_tls_has_word(w);
}
void wire_tls_sent(struct wire *w, bool whole);
/* It is over. */
static inline void wire_sent(struct wire *w, bool whole)
{
    if (w->kind == WIRE_TLS)
        wire_tls_sent(w, whole);
    else if (w->kind == WIRE_TUNNEL)
        wire_tunnel_sent(w, whole);
}

/* ---- Receiving ---- */

enum ringsend_error wire_tls_received(struct wire *w, struct ringsend_bytes *got,
                                      struct ringsend_bytes *plain, const char **detail);
void wire_tls_consume(struct wire *w, size_t plain_bytes);

/* What can be read of what has come; plain->data null: no more. To be called until then, with what
 * was read reported by wire_consume. `got` is what was left of it. */
static inline enum ringsend_error wire_received(struct wire *w, struct ringsend_bytes *got,
                                                struct ringsend_bytes *plain, const char **detail)
{
    if (w->kind == WIRE_TLS)
        return wire_tls_received(w, got, plain, detail);
    *plain = (struct ringsend_bytes){got->bytes > 0 ? got->data : NULL, got->bytes};
    got->bytes = 0;
    return RINGSEND_OK;
}
static inline void wire_consume(struct wire *w, size_t plain_bytes)
{
    if (w->kind == WIRE_TLS)
        wire_tls_consume(w, plain_bytes);
}
/* What the peer wanted besides, where its silence or its end may be about that; static, or null. */
const char *wire_tls_explains(const struct wire *w);
static inline const char *wire_explains(const struct wire *w)
{
    return w->kind == WIRE_TLS ? wire_tls_explains(w) : NULL;
}
/* What comes says by itself which protocol it is. */
static inline bool wire_is_readable(const struct wire *w)
{
    return w->kind == WIRE_PLAIN;
}
/* These bytes, as they came, are data. With TLS the end has some as well, the farewell: an
 * alert. */
static inline bool wire_is_data(const struct wire *w, const char *got)
{
    enum { TLS_DATA = 0x17 };
    return w->kind == WIRE_PLAIN || got[0] == TLS_DATA;
}

/* ---- Its end ---- */

bool wire_tls_said_farewell(const struct wire *w);
/* The peer has said that it sends no more, and reads no more (RFC 5246 7.2.1). */
static inline bool wire_said_farewell(const struct wire *w)
{
    return w->kind == WIRE_TLS && wire_tls_said_farewell(w);
}
/* Of one whose stream has ended: without the farewell that tells an end from a truncation. */
static inline bool wire_is_truncated(const struct wire *w)
{
    return w->kind == WIRE_TLS && !wire_tls_said_farewell(w);
}
/* Puts the farewell of one that has done its duty, or the alert that its own failure calls for,
 * where wire_fill finds it. Once; false: there is nothing to say. */
bool wire_farewell(struct wire *w, bool has_failed);
void wire_close(struct wire *w);
/* After a broken ring's workers have ended: wipes and frees what is open. Buffers stay, for the
 * kernel may still look at them. */
void wire_break(struct wire *w);

#endif
