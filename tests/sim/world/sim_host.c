/* The host's side of streamed bodies. See sim_host.h.
 *
 * A piece that is handed over has memory of its own, which is freed the moment it is the host's
 * again; a piece that was taken is looked at once more right before the run that ends its life.
 *
 * Checked of the engine: each byte of a response comes once, in order, and from one delivery; none
 * after that; no piece while the response is held; and never does the engine hold more of it than
 * a window that is gathered, one that is out, and what had arrived with each before it could stop.
 */
#include "tests/sim/world/sim_host.h"

#include "tests/sim/world/sim_client.h"

#include <stdlib.h>
#include <string.h>

enum {
    WINDOW_BYTES = 256 << 10,  /* as the contract says */
    STRETCH_BYTES = 128 << 10, /* likewise */
    SENT_BYTES = 32 << 10,     /* IN_TRANSIT_MAX of the sockets */
    RECORD_BYTES = 16 << 10,   /* of TLS: the one that is being filled */
    ARRIVED_BYTES = 64 << 10,  /* UNTAKEN_MAX of the sockets */
    BUFFERS = 128,             /* of the engine, at fewer than 64 connections */
    BUFFER_BYTES = 4096,
    PIECE_MAX = 100000
};

struct host *host_new(const struct client_ask *ask, uint32_t record)
{
    const uint32_t streams = RINGSEND_BODY_FD | RINGSEND_BODY_PIECES | RINGSEND_RESPONSE_FD |
                             RINGSEND_RESPONSE_PIECES | RINGSEND_RESPONSE_DISCARD;
    struct host *h;

    if (!(ask->flags & streams))
        return NULL;
    h = calloc(1, sizeof *h);
    SIM_CHECK(h, "out of memory");
    h->flags = ask->flags;
    h->record = record;
    if (ask->ways)
        h->ways = *ask->ways;
    if (h->flags & RINGSEND_BODY_FD) {
        struct sim_file source = h->ways.source;
        source.record = record;
        source.begins_at = h->ways.body_at > 0 ? (uint64_t)h->ways.body_at : 0;
        if (source.bytes == 0)
            source.bytes = source.begins_at + ask->body_bytes;
        h->source = sim_file_new(&source);
    }
    if (h->flags & RINGSEND_RESPONSE_FD) {
        struct sim_file sink = h->ways.sink;
        sink.record = record;
        sink.sink = true;
        h->sink = sim_file_new(&sink);
    }
    h->wants = !h->ways.waits;
    h->ended = !h->ways.unknown && ask->body_bytes == 0;
    return h;
}

void host_free(struct host *h)
{
    if (h)
        free(h->piece);
    free(h);
}

void host_fill_request(const struct host *h, struct ringsend_request *request, uint64_t body_bytes)
{
    /* What has no positions is read as it comes, whatever stands there. */
    bool pipe = h->source && h->source->pipe;
    request->body_at = pipe && h->source->record % 2 ? 0 : h->ways.body_at;
    request->body_bytes = h->ways.unknown ? RINGSEND_UNKNOWN : body_bytes;
    request->body_fd = h->source ? h->source->descriptor : -1;
    request->response_fd = h->sink ? h->sink->descriptor : -1;
}

/* ---- The request's body ---- */

static uint64_t in_a_while(const struct host *h)
{
    return sim.now_ns + (sim_chance(h->ways.lazy_per_mille) ? sim_between(0, h->ways.lazy_ns) : 0);
}

bool host_gives(struct client *c, struct client_request *r)
{
    struct host *h = r->host;
    uint64_t total = sim_record(r->record)->body_bytes, left = total - h->given;
    uint64_t most = h->ways.piece_bytes ? h->ways.piece_bytes : PIECE_MAX;
    size_t bytes = (size_t)(left < most ? left : most);
    char *piece;
    int error;

    if (bytes > 1 && sim_chance(500))
        bytes = (size_t)sim_between(1, bytes);
    /* The end is told with the last bytes, or by a piece without any; where the length is known,
     * not at all. */
    bool last = bytes == left && sim_chance(500);
    if (bytes == left && !last && bytes == 0)
        last = true;
    piece = malloc(bytes + 1);
    SIM_CHECK(piece, "out of memory");
    sim_fill_body(r->record, 0, h->given, piece, bytes);
    error = ringsend_body(c->engine, r->handle, (struct ringsend_bytes){piece, bytes}, last);
    if (error == -RINGSEND_E_FULL) {
        free(piece);
        return false;
    }
    SIM_CHECK(error == 0, "record %u: its piece at %llu is refused: %s", r->record,
              (unsigned long long)h->given, ringsend_error_name((enum ringsend_error) - error));
    sim_trace("record %u: %zu bytes are handed over%s", r->record, bytes, last ? ", the last" : "");
    free(h->piece);
    h->piece = piece;
    h->given += bytes;
    h->wants = false;
    h->ended = last || (!h->ways.unknown && h->given == total);
    return true;
}

static void hear_wants(struct client *c, struct client_request *r)
{
    struct host *h = r->host;

    (void)c;
    SIM_CHECK(h->flags & RINGSEND_BODY_PIECES, "record %u has no pieces to want", r->record);
    SIM_CHECK(!h->ended, "record %u wants more behind its last piece", r->record);
    SIM_CHECK(!h->wants || !h->piece, "record %u wants a piece twice", r->record);
    sim_trace("record %u wants a piece", r->record);
    free(h->piece);
    h->piece = NULL;
    h->wants = true;
    h->give_at_ns = in_a_while(h);
}

/* ---- The response's body ---- */

static void check_memory(const struct host *h, const struct sim_delivery *d, uint64_t before)
{
    uint32_t buffers = sim.faults.buffers ? sim.faults.buffers : BUFFERS;
    uint64_t bound = 2 * (WINDOW_BYTES + ARRIVED_BYTES + (uint64_t)buffers * BUFFER_BYTES);

    /* Small records of TLS are mostly overhead, and so may be small chunks. */
    if (sim_record(h->record)->https && sim.faults.records_small > 0)
        return;
    SIM_CHECK(d->taken <= before + bound, "record %u: %llu bytes came in, %llu were passed on",
              h->record, (unsigned long long)d->taken, (unsigned long long)before);
}

void host_holds(struct client *c, struct client_request *r, uint64_t ns)
{
    r->host->held = true;
    r->host->hold_until_ns = sim.now_ns + ns;
    SIM_CHECK(ringsend_hold(c->engine, r->handle, true) == 0, "record %u cannot be held",
              r->record);
}

static void hear_piece(struct client *c, struct client_request *r,
                       const struct ringsend_result *result)
{
    struct host *h = r->host;
    const struct sim_delivery *d = sim_latest_delivery(r->record);

    SIM_CHECK(h->flags & RINGSEND_RESPONSE_PIECES, "record %u did not ask for pieces", r->record);
    SIM_CHECK(!h->held, "record %u: a piece comes though it is held", r->record);
    SIM_CHECK(!h->seen, "record %u: a second piece within a turn", r->record);
    SIM_CHECK(d && d->answered && d->streamed && result->status == d->status,
              "record %u: a piece of a response (%d) that is not to be streamed", r->record,
              result->status);
    SIM_CHECK(h->delivery == 0 || (h->delivery == d->number && h->status == result->status),
              "record %u: pieces of two responses", r->record);
    SIM_CHECK(result->body.bytes > 0 &&
                  sim_answer_is(d, h->got, result->body.data, result->body.bytes),
              "record %u: the piece at %llu is not what its server sent", r->record,
              (unsigned long long)h->got);
    check_memory(h, d, h->got);
    sim_trace("record %u: a piece of %zu bytes", r->record, result->body.bytes);
    h->delivery = d->number;
    h->status = result->status;
    h->seen = result->body.data;
    h->seen_bytes = result->body.bytes;
    h->got += result->body.bytes;
    if (sim_chance(h->ways.lazy_per_mille))
        host_holds(c, r, sim_between(0, h->ways.lazy_ns));
}

void host_hears(struct client *c, struct client_request *r, const struct ringsend_result *result)
{
    SIM_CHECK(r->host && !r->done, "record %u hears of a stream that is none", r->record);
    SIM_CHECK(result->error == RINGSEND_OK && !result->ok, "record %u has a verdict too early",
              r->record);
    if (result->kind == RINGSEND_WANTS)
        hear_wants(c, r);
    else
        hear_piece(c, r, result);
}

/* ---- Both ---- */

static void check_read_ahead(const struct host *h)
{
    const struct sim_delivery *d = sim_latest_delivery(h->record);
    uint64_t sent = d ? d->bytes : 0;

    /* What has a position may have been read before. */
    SIM_CHECK(h->ways.body_at >= 0 ||
                  h->source->moved <= sent + STRETCH_BYTES + SENT_BYTES + RECORD_BYTES,
              "record %u: %llu bytes were read, %llu sent", h->record,
              (unsigned long long)h->source->moved, (unsigned long long)sent);
}

uint64_t host_acts(struct client *c, struct client_request *r)
{
    struct host *h = r->host;
    uint64_t again_ns = RINGSEND_NEVER;

    SIM_CHECK(!h->seen || sim_answer_is(sim_latest_delivery(r->record), h->got - h->seen_bytes,
                                        h->seen, h->seen_bytes),
              "record %u: a piece was changed before the next run", r->record);
    h->seen = NULL;
    if ((h->flags & RINGSEND_BODY_PIECES) && r->handle != 0 && !h->ended) {
        bool early = !h->wants && sim_chance(h->ways.lazy_per_mille / 8);
        if (early || (h->wants && h->give_at_ns <= sim.now_ns)) {
            bool given = host_gives(c, r);
            SIM_CHECK(given || early, "record %u wants a piece, and is full", r->record);
        } else if (h->wants) {
            again_ns = h->give_at_ns;
        }
    }
    /* Also while a piece that was not reaped yet lies ready. */
    bool in_pieces = (h->flags & RINGSEND_RESPONSE_PIECES) && r->handle != 0;
    if (in_pieces && !h->held && sim_chance(h->ways.lazy_per_mille / 16))
        host_holds(c, r, sim_between(0, h->ways.lazy_ns));
    if (h->held && h->hold_until_ns <= sim.now_ns) {
        h->held = false;
        SIM_CHECK(ringsend_hold(c->engine, r->handle, false) == 0, "record %u cannot go on",
                  r->record);
    } else if (h->held && h->hold_until_ns < again_ns) {
        again_ns = h->hold_until_ns;
    }
    if (h->sink && h->sink->moved > 0)
        check_memory(h, sim_latest_delivery(h->record), h->sink->moved);
    if (h->source)
        check_read_ahead(h);
    return again_ns;
}

/* What can have gone wrong with a descriptor. */
static bool may_fail(const struct sim_file *f, uint64_t wanted)
{
    return f && (f->error || f->nonblocking || (!f->sink && f->bytes < wanted) ||
                 sim.faults.file_fails > 0 || sim.fail_at > 0);
}

void host_checks(const struct client *c, const struct client_request *r,
                 const struct ringsend_result *result)
{
    const struct host *h = r->host;
    const struct sim_delivery *d = sim_latest_delivery(r->record);
    uint64_t passed_on = h->sink ? h->sink->moved : h->got;
    uint64_t wanted = h->ways.unknown || !h->source
                          ? 0
                          : h->source->begins_at + sim_record(r->record)->body_bytes;
    uint32_t delivery = h->sink ? h->sink->delivery : h->delivery;

    (void)c;
    SIM_CHECK(result->error != RINGSEND_E_BODY_READ || may_fail(h->source, wanted),
              "record %u: its body could not be read: %s", r->record, result->detail);
    SIM_CHECK(result->error != RINGSEND_E_BODY_WRITE || may_fail(h->sink, 0),
              "record %u: its response could not be written: %s", r->record, result->detail);
    SIM_CHECK(result->error != RINGSEND_E_BODY_TOO_LARGE || !d->streamed,
              "record %u: a streamed body is too large", r->record);
    SIM_CHECK(delivery == 0 || delivery == d->number,
              "record %u is sent again though some of its response was passed on", r->record);
    SIM_CHECK(delivery == 0 || result->status == d->status,
              "record %u: its pieces had status %d, its result has %d", r->record, d->status,
              result->status);
    if (h->flags & (RINGSEND_RESPONSE_FD | RINGSEND_RESPONSE_PIECES)) {
        SIM_CHECK(delivery == 0 || result->packed_bytes >= passed_on,
                  "record %u: %zu bytes came, %llu were passed on", r->record, result->packed_bytes,
                  (unsigned long long)passed_on);
        bool drained = result->error == RINGSEND_OK || result->error == RINGSEND_E_TRUNCATED_BODY;
        SIM_CHECK(!drained || !d->streamed || delivery == 0 || result->packed_bytes == passed_on,
                  "record %u: %zu bytes came, only %llu were passed on", r->record,
                  result->packed_bytes, (unsigned long long)passed_on);
    }
}
