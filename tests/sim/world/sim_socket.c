/* Sockets of the simulated ring: connect, send, multishot receive and close, with their faults.
 *
 * A socket goes SLOT_FREE -> CONNECTING -> CONNECTED or FAILED -> CLOSING -> SLOT_FREE. Bytes to
 * the server enter the connection piece by piece (send_pump) and arrive a latency later; bytes from
 * it arrive when the server said, and are handed to the armed receive piece by piece (recv_pump).
 * Events carry the socket's life or the operation's serial and do nothing once that has passed.
 *
 * Checked here, of the caller: a slot is connected only when free, operations name the slot's
 * present generation, a receive that ended for lack of buffers is armed only when there are some,
 * and the bounds on open sockets hold at each moment. */
#include "tests/sim/world/sim_op.h"
#include "tests/sim/world/sim_proxy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* Bytes that a connection takes before the first of them has arrived: its send buffer. */
    IN_TRANSIT_MAX = 32 << 10,
    /* Bytes that arrive before the engine takes the first of them: its receive buffer. */
    UNTAKEN_MAX = 64 << 10
};

static struct {
    uint32_t open;
    uint32_t connections_max, per_origin_max;
    uint32_t by_origin[16];
    uint64_t lives;
} sockets;

uint32_t sim_sockets_open(void)
{
    return sockets.open;
}

void sim_ring_bounds(uint32_t connections_max, uint32_t connections_per_origin)
{
    sockets.connections_max = connections_max;
    sockets.per_origin_max = connections_per_origin;
}

static uint64_t latency(void)
{
    return sim.now_ns + sim_between(1 * SIM_US, 1 * SIM_US + sim.faults.latency_ns);
}

struct sim_socket *sim_socket_of(struct sim_ring *r, const struct sim_op *op)
{
    struct sim_socket *s;

    SIM_CHECK(op->tag.slot < r->sockets_max, "slot %u of %u", op->tag.slot, r->sockets_max);
    s = &r->sockets[op->tag.slot];
    SIM_CHECK(s->step != SLOT_FREE, "operation %d on slot %u, which is free", (int)op->kind,
              op->tag.slot);
    SIM_CHECK(s->generation == op->tag.generation,
              "operation %d on slot %u of generation %u, not %u", (int)op->kind, op->tag.slot,
              s->generation, op->tag.generation);
    return s;
}

/* ---- Streams ---- */

static void recv_kick(struct sim_socket *s, uint64_t within_ns);

/* What was sent arrives, as far as there is room. */
static void input_moves(struct sim_socket *s)
{
    size_t left = s->in_sent - s->in_taken;

    s->in_arrived = s->in_taken + (left < UNTAKEN_MAX ? left : UNTAKEN_MAX);
    server_arrived(s);
    recv_kick(s, SIM_US);
}

static void input_sent(void *context, uint64_t life, uint64_t bytes)
{
    struct sim_socket *s = context;

    if (s->life != life || s->in_ended)
        return;
    s->in_sent += bytes;
    if (!s->opening)
        input_moves(s);
}

static void window_opens(void *context, uint64_t life, uint64_t unused)
{
    struct sim_socket *s = context;

    (void)unused;
    if (s->life != life)
        return;
    s->opening = false;
    input_moves(s);
}

/* The engine has taken some: what the server holds back may follow, once it knows. */
static void input_taken(struct sim_socket *s)
{
    if (s->in_sent == s->in_arrived || s->opening)
        return;
    s->opening = true;
    sim_at(latency(), window_opens, s, s->life, 0);
}

static void input_is_lost(struct sim_socket *s, size_t behind)
{
    s->in_arrived = s->in_sent = behind;
}

/* The stream's end can be told. */
static bool is_at_end(const struct sim_socket *s)
{
    return s->in_ended && s->in_sent == s->in_taken;
}

static bool has_input(const struct sim_socket *s)
{
    return s->in_arrived > s->in_taken || is_at_end(s);
}

void sim_socket_output(struct sim_socket *s, uint64_t at_ns, const void *data, size_t bytes)
{
    if (s->in_last_ns < at_ns)
        s->in_last_ns = at_ns;
    sim_text_add(&s->in, data, bytes);
    sim_at(s->in_last_ns, input_sent, s, s->life, bytes);
}

static void send_kick(struct sim_op *op, uint64_t wait_ns);

static void input_ended(void *context, uint64_t life, uint64_t result)
{
    struct sim_socket *s = context;

    if (s->life != life)
        return;
    if ((int32_t)result != 0)
        s->broken = true;
    if (!s->in_ended) {
        s->in_ended = true;
        s->in_ended_ns = sim.now_ns;
        s->in_end = (int32_t)result;
        /* A reset may or may not overtake what was received and not yet read. */
        if ((int32_t)result != 0)
            input_is_lost(s, sim_chance(500) ? s->in_taken : s->in_arrived);
        recv_kick(s, SIM_US);
    }
    if (s->broken && s->send)
        send_kick(s->send, 0);
}

void sim_socket_end(struct sim_socket *s, uint64_t at_ns, int32_t result)
{
    if (s->in_last_ns < at_ns)
        s->in_last_ns = at_ns;
    sim_at(s->in_last_ns, input_ended, s, s->life, (uint32_t)result);
}

static void output_arrived(void *context, uint64_t life, uint64_t bytes)
{
    struct sim_socket *s = context;
    size_t at = s->out_arrived;

    if (s->life != life || s->step != SLOT_CONNECTED)
        return;
    s->out_arrived += bytes;
    if (s->send)
        send_kick(s->send, 0);
    if (s->peer_closed)
        sim_at(latency(), input_ended, s, s->life, (uint32_t)-ECONNRESET);
    else if (s->peer->proxies_count > 0 && !s->proxy_answers)
        sim_proxy_input(s, s->out.data + at, bytes);
    else if (s->tls)
        sim_tls_arrived(s);
    else
        server_input(s, s->out.data + at, bytes);
}

/* ---- Connect ---- */

void sim_connect_prepared(struct sim_ring *r, struct sim_op *op, enum ring_use use)
{
    struct sim_socket *s;

    SIM_CHECK(op->tag.slot < r->sockets_max, "connect in slot %u of %u", op->tag.slot,
              r->sockets_max);
    s = &r->sockets[op->tag.slot];
    SIM_CHECK(s->step == SLOT_FREE, "connect in slot %u, which is in use", op->tag.slot);
    *s = (struct sim_socket){.ring = r,
                             .step = SLOT_CONNECTING,
                             .slot = op->tag.slot,
                             .generation = op->tag.generation,
                             .life = ++sockets.lives,
                             .began_ns = sim.now_ns,
                             .window = SIZE_MAX,
                             .use = use,
                             .peer = server_find((const struct sockaddr *)&op->address)};
    sockets.open++;
    SIM_CHECK(sockets.connections_max == 0 || sockets.open <= sockets.connections_max,
              "%u sockets open, %u allowed", sockets.open, sockets.connections_max);
    if (s->peer) {
        uint32_t *count = &sockets.by_origin[s->peer->origin];

        ++*count;
        SIM_CHECK(sockets.per_origin_max == 0 || *count <= sockets.per_origin_max,
                  "%u sockets to origin %u, %u allowed", *count, s->peer->origin,
                  sockets.per_origin_max);
    }
}

static int32_t connect_outcome(const struct sim_peer *peer, bool *hangs)
{
    const struct sim_faults *f = &sim.faults;

    *hangs = peer && (peer->connect == CONNECT_HANGS || sim_chance(f->connect_hangs));
    if (sim_tortures("connect"))
        return -ECONNREFUSED;
    if (!peer || sim_chance(f->connect_refused))
        return -ECONNREFUSED;
    if (peer->no_source || (peer->ports > 0 && sockets.by_origin[peer->origin] > peer->ports))
        return -EADDRNOTAVAIL;
    if (peer->connect == CONNECT_FAILS)
        return -peer->connect_error;
    if (sim_chance(f->connect_unreachable))
        return sim_chance(500) ? -EHOSTUNREACH : -ENETUNREACH;
    if (sim_chance(f->connect_reset))
        return -ECONNRESET;
    if (sim_chance(f->connect_no_port))
        return -EADDRNOTAVAIL;
    if (sim_chance(f->socket_fails))
        return sim_chance(500) ? -EMFILE : -ENOBUFS;
    return 0;
}

static void connect_done(void *context, uint64_t serial, uint64_t unused)
{
    struct sim_op *op = context;
    struct sim_socket *s;

    (void)unused;
    if (op->serial != serial || op->finished)
        return;
    s = (struct sim_socket *)op->data;
    s->step = op->outcome == 0 ? SLOT_CONNECTED : SLOT_FAILED;
    sim_op_complete(s->ring, op, op->outcome, -1, false);
    if (op->outcome == 0)
        server_connected(s);
}

void sim_connect_submit(struct sim_ring *r, struct sim_op *op)
{
    struct sim_socket *s = sim_socket_of(r, op);

    op->data = s;
    op->outcome = connect_outcome(s->peer, &op->hangs);
    if (s->peer) {
        s->peer->connects++;
        s->peer->last_connect_ns = sim.now_ns;
    }
    if (op->outcome != 0)
        op->hangs = false;
    if (!op->hangs)
        sim_at(latency() + (s->peer ? s->peer->connect_ns : 0), connect_done, op, op->serial, 0);
}

/* ---- Send ---- */

static void send_finish(struct sim_op *op, struct sim_socket *s, int32_t result)
{
    s->send = NULL;
    s->truncated |= op->sent < op->copy.bytes;
    sim_op_complete(s->ring, op, result, -1, false);
}

static void send_all_out(void *context, uint64_t serial, uint64_t unused)
{
    struct sim_op *op = context;

    (void)unused;
    if (op->serial == serial && !op->finished)
        send_finish(op, op->data, (int32_t)op->sent);
}

/* How many bytes go out next; 0: none until something changes. */
static size_t send_piece(const struct sim_op *op, const struct sim_socket *s)
{
    size_t left = op->copy.bytes - op->sent;
    size_t window = s->window > s->out.bytes ? s->window - s->out.bytes : 0;
    size_t room = IN_TRANSIT_MAX - (s->out.bytes - s->out_arrived);

    if (window > room)
        window = room;
    if (left > op->breaks_at - op->sent)
        left = op->breaks_at - op->sent;
    if (left > window)
        left = window;
    if (op->slow && left > 1)
        left = sim_between(1, left / 2 + 1);
    return left;
}

static void send_some(struct sim_op *op, struct sim_socket *s, size_t bytes)
{
    bool is_asked = op->sent == 0 ? sim_proxy_enters(s, op->copy.data, op->copy.bytes) : op->asks;
    op->asks = is_asked;
    if (!is_asked && op->sent == 0 && !sim_tls_enters(s, op->copy.data, op->copy.bytes))
        server_delivery(s, op->copy.data, op->copy.bytes);
    if (!is_asked && !s->tls)
        server_enters(s, op->copy.data + op->sent, bytes);
    sim_text_add(&s->out, op->copy.data + op->sent, bytes);
    op->sent += bytes;
    uint64_t at_ns = latency();
    if (s->out_last_ns < at_ns)
        s->out_last_ns = at_ns;
    sim_at(s->out_last_ns, output_arrived, s, s->life, bytes);
}

static void send_pump(void *context, uint64_t serial, uint64_t unused)
{
    struct sim_op *op = context;
    struct sim_socket *s = op->data;
    size_t piece;

    (void)unused;
    if (op->serial != serial)
        return;
    op->pumping = false;
    if (op->finished || op->sent == op->copy.bytes)
        return;
    if (op->sent == op->breaks_at && !s->broken) {
        s->broken = true;
        sim_at(latency(), input_ended, s, s->life, (uint32_t)-ECONNRESET);
    }
    if (s->broken) {
        send_finish(op, s,
                    op->sent > 0      ? (int32_t)op->sent
                    : sim_chance(500) ? -EPIPE
                                      : -ECONNRESET);
        return;
    }
    piece = send_piece(op, s);
    if (piece == 0)
        return;
    send_some(op, s, piece);
    if (op->sent < op->copy.bytes)
        send_kick(op, sim_between(0, op->slow ? SIM_MS : SIM_US));
    else if (sim_chance(sim.faults.send_late))
        sim_at(sim.now_ns + sim_between(0, 20 * SIM_MS), send_all_out, op, serial, 0);
    else
        send_finish(op, s, (int32_t)op->sent);
}

static void send_kick(struct sim_op *op, uint64_t wait_ns)
{
    if (op->pumping)
        return;
    op->pumping = true;
    sim_at(sim.now_ns + wait_ns, send_pump, op, op->serial, 0);
}

void sim_send_submit(struct sim_ring *r, struct sim_op *op)
{
    struct sim_socket *s = sim_socket_of(r, op);
    size_t window;

    SIM_CHECK(s->step == SLOT_CONNECTED, "send in slot %u, which is not connected", s->slot);
    SIM_CHECK(!s->truncated, "a send in slot %u behind one that was cut short", s->slot);
    SIM_CHECK(s->use == RING_FOR_MANY || s->out.bytes == 0,
              "a second send in slot %u, made for one", s->slot);
    op->data = s;
    s->send = op;
    /* What is handed over takes its time here as well, see recv_kick. */
    s->end_is_old = s->in_ended && s->in_ended_ns + 1100 * SIM_US < sim.now_ns &&
                    (s->requests > 0 || sim.now_ns - s->began_ns > 100 * SIM_MS);
    op->breaks_at = SIZE_MAX;
    op->slow = sim_chance(sim.faults.send_slow);
    if (sim_chance(sim.faults.send_fails) || sim_tortures("send"))
        op->breaks_at = 0;
    else if (sim_chance(sim.faults.send_breaks))
        op->breaks_at = sim_below(op->copy.bytes);
    window = s->out.bytes + sim_below(op->copy.bytes);
    if (sim_chance(sim.faults.send_stuck) && window < s->window)
        s->window = window;
    /* At once behind an old end, as the kernel does it: nothing that is received meanwhile may
     * spare it. */
    uint64_t wait_ns = sim_between(0, SIM_US);
    send_kick(op, s->end_is_old ? 0 : wait_ns);
}

/* ---- Receive ---- */

static void recv_finish(struct sim_socket *s, int32_t result, int32_t buffer)
{
    struct sim_op *op = s->recv;

    s->recv = NULL;
    sim_op_complete(s->ring, op, result, buffer, false);
}

/* The connection may break before any piece; what the server sends after that is lost. */
static bool recv_breaks(struct sim_socket *s)
{
    bool resets = sim_chance(sim.faults.recv_resets) || sim_tortures("receive");

    if (!resets && !sim_chance(sim.faults.recv_ends))
        return false;
    input_is_lost(s, s->in_taken);
    s->in_ended = true;
    s->in_ended_ns = sim.now_ns;
    s->in_end = resets ? -ECONNRESET : 0;
    s->peer_closed = true;
    s->broken = resets;
    return true;
}

static size_t recv_piece(const struct sim_socket *s)
{
    size_t bytes = s->in_arrived - s->in_taken;

    if (sim_chance(sim.faults.recv_tiny))
        bytes = 1;
    else if (sim_chance(sim.faults.recv_split))
        bytes = sim_between(1, bytes);
    if (bytes > s->ring->buffer_bytes)
        bytes = s->ring->buffer_bytes;
    /* No client can tell unsolicited bytes from the next response unless they are there in time. */
    if (s->in_glue > 0 && s->in_taken + bytes == s->in_glue &&
        (s->in_arrived > s->in_glue || !s->in_ended))
        bytes = bytes < s->ring->buffer_bytes && s->in_arrived > s->in_glue ? bytes + 1 : bytes - 1;
    return bytes;
}

static void recv_starves(struct sim_socket *s)
{
    s->no_buffer = true;
    s->returned_until = s->ring->buffers_returned;
    recv_finish(s, -ENOBUFS, -1);
}

/* Hands one piece, or the end, to the receive. */
static void recv_some(struct sim_socket *s)
{
    size_t bytes;
    int32_t buffer;
    bool more;

    if (s->in_arrived > s->in_taken && recv_breaks(s))
        sim_trace("slot %u: the stream breaks", s->slot);
    /* The kernel chooses a buffer before it looks into the socket, for an end as well. */
    if (s->in_arrived == s->in_taken && s->ring->buffers_free == 0) {
        recv_starves(s);
        return;
    }
    if (s->in_arrived == s->in_taken) {
        recv_finish(s, s->in_end, -1);
        s->in_end_taken = true;
        server_taken(s);
        return;
    }
    bytes = recv_piece(s);
    if (bytes == 0)
        return;
    buffer = sim_buffer_take(s->ring, s->in.data + s->in_taken, bytes);
    if (buffer < 0) {
        recv_starves(s);
        return;
    }
    s->in_taken += bytes;
    input_taken(s);
    more = !sim_chance(sim.faults.recv_stops) && !s->recv->cancelled;
    if (more)
        sim_op_complete(s->ring, s->recv, (int32_t)bytes, buffer, true);
    else
        recv_finish(s, (int32_t)bytes, buffer);
    server_taken(s);
}

static void recv_pump(void *context, uint64_t life, uint64_t unused)
{
    struct sim_socket *s = context;

    (void)unused;
    if (s->life != life)
        return;
    s->pumping = false;
    if (s->recv && has_input(s))
        recv_some(s);
    recv_kick(s, s->in_arrived > s->in_taken || s->in_ended_ns + SIM_US < sim.now_ns ? 0 : SIM_US);
}

/* What has just come is handed over a little later; what lies there, at once. */
static void recv_kick(struct sim_socket *s, uint64_t within_ns)
{
    if (!s->recv || s->pumping || !has_input(s))
        return;
    /* The last byte before unsolicited ones waits for them. */
    if (s->in_glue > 0 && s->in_taken + 1 == s->in_glue && s->in_arrived == s->in_glue &&
        !s->in_ended)
        return;
    s->pumping = true;
    sim_at(sim.now_ns + sim_between(0, within_ns), recv_pump, s, s->life, 0);
}

void sim_recv_prepared(struct sim_ring *r, struct sim_op *op)
{
    const struct sim_socket *s = sim_socket_of(r, op);

    /* One that came back may be taken again by now, by a receive that was still in the kernel. */
    SIM_CHECK(!s->no_buffer || r->buffers_returned > s->returned_until,
              "receive in slot %u armed again before any buffer came back", op->tag.slot);
}

void sim_recv_submit(struct sim_ring *r, struct sim_op *op)
{
    struct sim_socket *s = sim_socket_of(r, op);

    SIM_CHECK(s->step == SLOT_CONNECTED, "receive in slot %u, which is not connected", s->slot);
    s->no_buffer = false;
    op->data = s;
    s->recv = op;
    recv_kick(s, 0);
}

/* ---- Close and cancel ---- */

void sim_socket_gone(struct sim_socket *s)
{
    sockets.open--;
    if (s->peer)
        sockets.by_origin[s->peer->origin]--;
    sim_text_free(&s->in);
    sim_text_free(&s->out);
    sim_text_free(&s->asked);
    sim_request_reset(&s->entering);
    sim_request_reset(&s->request);
    sim_tls_gone(s);
    s->step = SLOT_FREE;
    s->life = 0;
}

static void close_done(void *context, uint64_t serial, uint64_t unused)
{
    struct sim_op *op = context;
    struct sim_socket *s = op->data;

    (void)unused;
    if (op->serial != serial || op->finished)
        return;
    sim_op_complete(s->ring, op, 0, -1, false);
    sim_socket_gone(s);
}

void sim_close_submit(struct sim_ring *r, struct sim_op *op)
{
    struct sim_socket *s = sim_socket_of(r, op);
    bool slow = sim_chance(sim.faults.close_slow);

    SIM_CHECK(s->step == SLOT_CONNECTED || s->step == SLOT_FAILED,
              "close of slot %u, which is connecting or closing", s->slot);
    if (s->step == SLOT_CONNECTED)
        server_gone(s);
    if (s->peer)
        s->peer->last_close_ns = sim.now_ns;
    s->step = SLOT_CLOSING;
    op->data = s;
    sim_at(sim.now_ns + (slow ? sim_between(0, 50 * SIM_MS) : SIM_US + sim.faults.close_ns),
           close_done, op, op->serial, 0);
}

void sim_socket_op_end(struct sim_ring *r, struct sim_op *op, bool too_late)
{
    struct sim_socket *s = sim_socket_of(r, op);

    if (op->kind == RING_CONNECT) {
        if (too_late && !op->hangs) {
            connect_done(op, op->serial, 0);
            return;
        }
        s->step = SLOT_FAILED;
        sim_op_complete(r, op, -ECANCELED, -1, false);
    } else if (op->kind == RING_SEND) {
        if (too_late && !s->broken && op->sent < op->copy.bytes) {
            op->slow = false;
            size_t piece = send_piece(op, s);
            if (piece > 0)
                send_some(op, s, piece);
        }
        send_finish(op, s, op->sent > 0 ? (int32_t)op->sent : -ECANCELED);
    } else {
        SIM_CHECK(op->kind == RING_RECV, "operation %d cannot be cancelled", (int)op->kind);
        if (too_late && has_input(s))
            recv_some(s);
        if (!op->finished)
            recv_finish(s, -ECANCELED, -1);
    }
}
