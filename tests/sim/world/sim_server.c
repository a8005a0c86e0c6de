/* The simulated peers' ledger and servers. See sim_server.h.
 *
 * A server reads a request with a parser of its own (head until the blank line, Content-Length),
 * checks it byte for byte against its record, and answers as its script or the seed tells. It
 * reads one request at a time and takes bytes of a second one before its answer to the first as a
 * fault of the engine, which does not pipeline. */
#include "tests/sim/world/sim_server.h"

#include "tests/sim/world/sim_answer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PEERS_MAX = 64, NAMES_MAX = 800 };

static struct {
    struct sim_peer peers[PEERS_MAX];
    uint32_t peers_count;
    struct sim_name names[NAMES_MAX];
    uint32_t names_count;
    struct sim_record *records;
    uint32_t records_count, records_capacity;
    struct sim_delivery *deliveries;
    uint32_t deliveries_count, deliveries_capacity;
} world;

void server_end(void)
{
    for (uint32_t i = 0; i < world.peers_count; i++)
        sim_tls_forget(&world.peers[i]);
    free(world.records);
    free(world.deliveries);
    memset(&world, 0, sizeof world);
}

void server_begin(void)
{
    server_end();
}

/* ---- Making a world ---- */

static struct sockaddr_storage address_of(const char *ip, uint16_t port)
{
    struct sockaddr_storage address = {0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;

    if (inet_pton(AF_INET, ip, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
    } else {
        SIM_CHECK(inet_pton(AF_INET6, ip, &v6->sin6_addr) == 1, "%s is no address", ip);
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
    }
    return address;
}

struct sim_peer *sim_peer_new(const char *ip, uint16_t port, uint32_t origin)
{
    struct sim_peer *peer = &world.peers[world.peers_count++];

    SIM_CHECK(world.peers_count <= PEERS_MAX, "more than %d peers", PEERS_MAX);
    peer->address = address_of(ip, port);
    peer->origin = origin;
    return peer;
}

struct sim_name *sim_name_new(const char *name)
{
    struct sim_name *n = &world.names[world.names_count++];

    SIM_CHECK(world.names_count <= NAMES_MAX, "more than %d names", NAMES_MAX);
    n->name = name;
    n->delay_ns = SIM_MS;
    return n;
}

void sim_name_address(struct sim_name *name, const char *ip)
{
    SIM_CHECK(name->count < 8, "more than 8 addresses");
    name->addresses[name->count++] = address_of(ip, 0);
}

struct sim_name *sim_name_find(const char *name)
{
    for (uint32_t i = 0; i < world.names_count; i++)
        if (strcasecmp(world.names[i].name, name) == 0)
            return &world.names[i];
    return NULL;
}

static bool address_equal(const struct sockaddr_storage *a, const struct sockaddr *b)
{
    const struct sockaddr_in *a4 = (const struct sockaddr_in *)a;
    const struct sockaddr_in *b4 = (const struct sockaddr_in *)(const void *)b;
    const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)a;
    const struct sockaddr_in6 *b6 = (const struct sockaddr_in6 *)(const void *)b;

    if (a->ss_family != b->sa_family)
        return false;
    if (a->ss_family == AF_INET)
        return a4->sin_port == b4->sin_port && a4->sin_addr.s_addr == b4->sin_addr.s_addr;
    return a6->sin6_port == b6->sin6_port &&
           memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof a6->sin6_addr) == 0;
}

struct sim_peer *server_find(const struct sockaddr *address)
{
    for (uint32_t i = 0; i < world.peers_count; i++)
        if (address_equal(&world.peers[i].address, address))
            return &world.peers[i];
    return NULL;
}

bool server_has_source(const struct sockaddr *address)
{
    const struct sim_peer *peer = server_find(address);
    return !peer || !peer->no_source;
}

/* ---- Records and the ledger ---- */

uint32_t sim_record_new(const struct sim_record *record)
{
    if (world.records_count == world.records_capacity) {
        world.records_capacity = 2 * world.records_capacity + 64;
        world.records = realloc(world.records, world.records_capacity * sizeof *world.records);
        SIM_CHECK(world.records, "out of memory");
    }
    world.records[world.records_count] = *record;
    return world.records_count++;
}

struct sim_record *sim_record(uint32_t number)
{
    SIM_CHECK(number < world.records_count, "record %u was never made", number);
    return &world.records[number];
}

const struct sim_delivery *sim_latest_delivery(uint32_t record)
{
    uint32_t latest = sim_record(record)->latest;

    return latest > 0 ? &world.deliveries[latest - 1] : NULL;
}

bool sim_delivered(void)
{
    return world.deliveries_count > 0;
}

/* The bytes of a body are those of a linear congruential sequence, whose state at any offset can be
 * told at once: its steps are affine maps, composed by doubling. */
enum { SPIN_FACTOR = 1664525, SPIN_TERM = 1013904223 };

static uint32_t spin_state(uint32_t record, uint32_t delivery, uint64_t at)
{
    uint32_t x = record * 2654435761u ^ (delivery + 1) * 40503u;
    uint32_t factor = SPIN_FACTOR, term = SPIN_TERM;

    for (; at > 0; at >>= 1) {
        if (at & 1)
            x = x * factor + term;
        term *= factor + 1;
        factor *= factor;
    }
    return x;
}

static char spin(uint32_t *state)
{
    *state = *state * SPIN_FACTOR + SPIN_TERM;
    return (char)('a' + (*state >> 24) % 26);
}

void sim_fill_body(uint32_t record, uint32_t delivery, uint64_t at, char *body, size_t bytes)
{
    uint32_t state = spin_state(record, delivery, at);

    for (size_t i = 0; i < bytes; i++)
        body[i] = spin(&state);
}

bool sim_body_is(uint32_t record, uint32_t delivery, uint64_t at, const char *body, size_t bytes)
{
    uint32_t state = spin_state(record, delivery, at);

    for (size_t i = 0; i < bytes; i++)
        if (body[i] != spin(&state))
            return false;
    return true;
}

bool sim_answer_is(const struct sim_delivery *d, uint64_t at, const char *body, size_t bytes)
{
    if (d->malformed)
        return true;
    return at + bytes <= d->body_bytes &&
           (d->body ? memcmp(d->body + at, body, bytes) == 0
                    : sim_body_is(d->record, d->number, at, body, bytes));
}

bool sim_status_declines(int status)
{
    return status == 408 || status == 421 || status == 425 || status == 429 || status == 503 ||
           status == 407 || status == 529 || (sim.refusals > 0 && status == 401);
}

bool sim_delivery_declined(const struct sim_delivery *d)
{
    bool by_status = sim_status_declines(d->status);
    bool in_full = d->answer_in && d->answer_valid && (d->declines || by_status);

    return in_full || (by_status && d->answered && d->taken >= d->head_bytes);
}

static struct sim_delivery delivery_of(const char *request, size_t bytes)
{
    static const char mark[] = "/r/", hop_mark[] = "/h/";
    char line[64] = {0};
    const char *at, *hop;

    memcpy(line, request, bytes < sizeof line - 1 ? bytes : sizeof line - 1);
    hop = strstr(line, hop_mark);
    at = hop ? hop : strstr(line, mark);
    SIM_CHECK(at, "a request begins with \"%s\"", line);
    return (struct sim_delivery){.record = (uint32_t)strtoul(at + sizeof mark - 1, NULL, 10),
                                 .is_hop = hop != NULL,
                                 .to_get = hop && memcmp(line, "GET ", 4) == 0};
}

static bool leads_to_get(const struct sim_delivery *d)
{
    bool is_post = strcmp(sim_record(d->record)->method, "POST") == 0;

    return d->answered && (d->status == 303 || (is_post && (d->status == 301 || d->status == 302)));
}

static bool leads_on(const struct sim_delivery *d)
{
    return d->answered && (leads_to_get(d) || d->status == 307 || d->status == 308);
}

/* A hop goes where an answer has led it, and who was answered for good is heard of no more; but
 * where the body says that it was not. */
static void check_hop(const struct sim_delivery *hop)
{
    bool led = false;

    for (uint32_t i = 0; i < world.deliveries_count; i++) {
        const struct sim_delivery *d = &world.deliveries[i];
        if (d->record != hop->record)
            continue;
        led |= leads_on(d) && d->answer_in;
        SIM_CHECK(!leads_to_get(d) || !d->answer_in || hop->to_get || d->declines,
                  "record %u was answered with %d, and is sent again", hop->record, d->status);
    }
    SIM_CHECK(led || !hop->is_hop, "record %u goes where nobody has led it", hop->record);
}

/* Promise 3, at each delivery after the first. */
static void check_may_repeat(const struct sim_delivery *next)
{
    uint32_t number = next->record;
    const struct sim_record *record = sim_record(number);

    for (uint32_t i = 0; !next->to_get && !record->replayable && i < world.deliveries_count; i++) {
        const struct sim_delivery *d = &world.deliveries[i];
        SIM_CHECK(d->record != number || d->is_hop != next->is_hop || sim_delivery_declined(d),
                  "record %u (%s) is delivered again, though delivery %u may have been processed",
                  number, record->method, d->number);
    }
}

void server_delivery(struct sim_socket *s, const char *data, size_t bytes)
{
    if (s->entering.step != REQUEST_NONE || s->peer->frames)
        return;
    SIM_CHECK(memmem(data, bytes, "\r\n\r\n", 4), "a request's head is sent in parts");
    struct sim_delivery next = delivery_of(data, bytes);
    uint32_t number = next.record;
    struct sim_record *record = sim_record(number);
    const char *target = memchr(data, ' ', bytes);

    SIM_CHECK((strncmp(target, " http://", 8) == 0) == s->peer->absolute,
              "record %u is sent in %s form", number, s->peer->absolute ? "origin" : "absolute");
    SIM_CHECK(record->https == (s->tls != NULL), "record %u is sent %s TLS", number,
              s->tls ? "with" : "without");
    check_hop(&next);
    check_may_repeat(&next);
    SIM_CHECK(!s->end_is_old || record->replayable || next.to_get,
              "record %u, which must not be lost, is sent in slot %u, whose end has come", number,
              s->slot);
    SIM_CHECK(!record->in_doubt || (*record->in_doubt & record->in_doubt_mask),
              "record %u is sent before that is marked", number);
    SIM_CHECK(!s->reuse_forbidden, "record %u is sent on a connection that was to be closed",
              number);
    s->reuse_forbidden = memmem(data, bytes, "\r\nConnection: close\r\n", 21) != NULL;
    if (s->delivery > 0) {
        const struct sim_delivery *before = &world.deliveries[s->delivery - 1];
        SIM_CHECK(before->answer_in, "record %u is sent before the answer to record %u is in",
                  number, before->record);
    }
    if (world.deliveries_count == world.deliveries_capacity) {
        world.deliveries_capacity = 2 * world.deliveries_capacity + 64;
        world.deliveries =
            realloc(world.deliveries, world.deliveries_capacity * sizeof *world.deliveries);
        SIM_CHECK(world.deliveries, "out of memory");
    }
    if (record->deliveries < 16)
        record->delivered_ns[record->deliveries] = sim.now_ns;
    next.number = ++record->deliveries;
    world.deliveries[world.deliveries_count] = next;
    s->delivery = ++world.deliveries_count;
    record->latest = s->delivery;
    s->idle = false;
    sim_trace("slot %u: record %u (%s) is delivered, time %u", s->slot, number, record->method,
              record->deliveries);
}

void server_enters(struct sim_socket *s, const char *data, size_t bytes)
{
    size_t body_bytes;

    for (size_t at = 0; at < bytes && !s->peer->frames;) {
        SIM_CHECK(s->entering.step != REQUEST_NONE || at == 0, "bytes are sent behind a request");
        at += sim_request_feed(&s->entering, data + at, bytes - at, &body_bytes);
        if (s->entering.step != REQUEST_DONE)
            continue;
        sim_request_reset(&s->entering);
        world.deliveries[s->delivery - 1].entered = true;
    }
}

/* ---- Reading a request ---- */

static void check_head(const struct sim_socket *s, const struct sim_delivery *d)
{
    const struct sim_record *record = sim_record(d->record);
    const struct sim_request *q = &s->request;
    const char *method = d->to_get ? "GET" : record->method;
    uint64_t wanted_bytes = d->to_get ? 0 : record->body_bytes;
    size_t method_bytes = strlen(method);
    long length = sim_request_number(q, "content-length", -1);

    SIM_CHECK(memcmp(q->head.data, method, method_bytes) == 0 && q->head.data[method_bytes] == ' ',
              "record %u has another method than %s", d->record, method);
    SIM_CHECK(sim_request_number(q, "x-record-id", -1) == (long)d->record,
              "record %u does not carry its header", d->record);
    SIM_CHECK(sim_request_number(q, "host", -1) != -1, "record %u has no Host", d->record);
    SIM_CHECK(q->chunked == (record->chunked && !d->to_get), "the body of record %u is %schunked",
              d->record, q->chunked ? "" : "not ");
    SIM_CHECK(length >= 0 || q->chunked || !record->has_body || d->to_get,
              "record %u has a body without length", d->record);
    SIM_CHECK(q->chunked || (length > 0 ? (uint64_t)length : 0) == wanted_bytes,
              "record %u has a body of %ld bytes, not %llu", d->record, length,
              (unsigned long long)wanted_bytes);
}

/* Takes bytes of the request in, up to its end, and holds each against what was handed over. */
static void read_request(struct sim_socket *s, const struct sim_delivery *d, const char *data,
                         size_t bytes)
{
    struct sim_request *q = &s->request;

    for (size_t at = 0; at < bytes;) {
        size_t body_bytes;
        bool in_head = q->step <= REQUEST_HEAD;
        uint64_t body_at = q->body_bytes;

        SIM_CHECK(q->step != REQUEST_DONE, "bytes follow record %u", d->record);
        at += sim_request_feed(q, data + at, bytes - at, &body_bytes);
        if (in_head && q->step > REQUEST_HEAD)
            check_head(s, d);
        SIM_CHECK(sim_body_is(d->record, 0, body_at, data + at - body_bytes, body_bytes),
                  "the body of record %u is not what was handed over", d->record);
    }
    SIM_CHECK(
        q->step != REQUEST_DONE || d->to_get || q->body_bytes == sim_record(d->record)->body_bytes,
        "record %u came with %llu bytes of body", d->record, (unsigned long long)q->body_bytes);
}

static void connection_idles_out(void *context, uint64_t life, uint64_t requests)
{
    struct sim_socket *s = context;

    if (s->life != life || s->step != SLOT_CONNECTED || s->requests != requests || s->peer_closed ||
        s->out.bytes > s->out_arrived || s->request.step != REQUEST_NONE)
        return;
    sim_trace("slot %u: the server closes the idle connection", s->slot);
    s->peer_closed = true;
    /* A farewell would make a body whole that is to end without one. */
    if (s->tls && !s->reuse_forbidden && !s->peer->idle_resets &&
        !sim_chance(sim.faults.farewell_less))
        sim_tls_farewell(s, sim.now_ns);
    sim_socket_end(s, sim.now_ns + sim_between(0, sim.faults.latency_ns),
                   s->peer->idle_resets ? -ECONNRESET : 0);
}

static void answer_request(struct sim_socket *s, struct sim_delivery *d)
{
    const struct sim_answer *answer = NULL;
    struct sim_answer drawn;
    struct sim_peer *peer = s->peer;
    uint32_t number = peer->first_counts ? s->requests - 1 : peer->answers;
    uint64_t idle_ns = peer->idle_ns;

    peer->answers++;
    if (peer->script_count > 0) {
        answer = &peer->script[number < peer->script_count ? number : peer->script_count - 1];
    } else {
        drawn = sim_answer_draw(sim_record(d->record));
        answer = &drawn;
    }
    s->answered = true;
    sim_answer_send(s, d, answer);
    if (sim_chance(sim.faults.idle_closes))
        idle_ns = sim_between(0, 3 * SIM_MS);
    if (idle_ns > 0 && answer->then == THEN_KEEP)
        sim_at(s->in_last_ns + idle_ns, connection_idles_out, s, s->life, s->requests);
}

/* What the script says for the request that is being read; null: it is drawn. */
static const struct sim_answer *answer_ahead(const struct sim_socket *s)
{
    const struct sim_peer *peer = s->peer;
    uint32_t number = peer->first_counts ? s->requests : peer->answers;

    if (peer->script_count == 0)
        return NULL;
    return &peer->script[number < peer->script_count ? number : peer->script_count - 1];
}

/* It answers now, before the request is complete. */
static bool answers_early(const struct sim_socket *s)
{
    const struct sim_answer *answer = answer_ahead(s);

    if (s->answered || s->request.step <= REQUEST_HEAD || s->request.step == REQUEST_DONE)
        return false;
    if (!answer)
        return sim_chance(sim.faults.trouble / 8);
    return answer->early && s->request.body_bytes >= answer->early_bytes;
}

static bool interim_is_due(const struct sim_socket *s, const struct sim_delivery *d)
{
    const struct sim_answer *answer = answer_ahead(s);

    return answer && answer->interim_ahead && !d->interim_sent && s->request.step > REQUEST_HEAD;
}

void server_connected(struct sim_socket *s)
{
    s->peer->accepted++;
    if (s->peer->window > 0)
        s->window = s->peer->window;
    if (s->peer->idle_ns > 0)
        sim_at(sim.now_ns + s->peer->idle_ns, connection_idles_out, s, s->life, 0);
}

void server_input(struct sim_socket *s, const char *data, size_t bytes)
{
    struct sim_delivery *d;

    if (s->peer->frames) {
        s->peer->frames(s, data, bytes);
        return;
    }
    SIM_CHECK(s->delivery > 0, "bytes came that belong to no record");
    if (s->request.step == REQUEST_NONE)
        s->reading = s->delivery;
    d = &world.deliveries[s->reading - 1];
    d->bytes += bytes;
    read_request(s, d, data, bytes);
    if (interim_is_due(s, d))
        sim_answer_send_interim(s, d, answer_ahead(s));
    if (answers_early(s)) {
        const struct sim_answer *answer = answer_ahead(s);
        s->requests++;
        if (answer ? !answer->reads_on : sim_chance(500)) {
            s->reuse_forbidden = true;
            s->window = s->out.bytes;
        }
        answer_request(s, d);
    }
    if (s->request.step != REQUEST_DONE)
        return;
    d->complete = true;
    sim_record(d->record)->complete++;
    sim_request_reset(&s->request);
    if (!s->answered) {
        s->requests++;
        answer_request(s, d);
    }
    s->answered = false;
}

void server_output(struct sim_socket *s, uint64_t at_ns, const void *data, size_t bytes)
{
    if (s->tls)
        sim_tls_output(s, at_ns, data, bytes);
    else
        sim_socket_output(s, at_ns, data, bytes);
}

bool server_owes(const struct sim_socket *s)
{
    /* A connection with TLS that has carried nothing yet is in its handshake. */
    return s->broken || s->peer_closed || (s->peer && s->peer->frames) ||
           (s->delivery > 0 ? !world.deliveries[s->delivery - 1].answer_in
                            : s->peer && s->peer->certificate);
}

void server_arrived(struct sim_socket *s)
{
    struct sim_delivery *d = s->delivery > 0 ? &world.deliveries[s->delivery - 1] : NULL;

    if (d && d->answered && d->arrived_ns == 0 && s->in_glue == 0 && !d->until_end &&
        s->in_arrived >= d->answer_end)
        d->arrived_ns = sim.now_ns;
}

void server_taken(struct sim_socket *s)
{
    struct sim_delivery *d;

    if (s->delivery == 0)
        return;
    d = &world.deliveries[s->delivery - 1];
    /* Unsolicited bytes of the answer before may still be to come. */
    d->taken = d->answered && s->in_taken > d->answer_begin ? s->in_taken - d->answer_begin : 0;
    /* A body that ends with the stream is whole wherever the stream ended. */
    if (d->answered && s->in_taken >= d->answer_end &&
        (!d->until_end || (s->in_end_taken && s->in_end == 0)))
        d->answer_in = true;
}

void server_gone(struct sim_socket *s)
{
    s->peer_closed = true;
    if (s->peer && s->peer->gone)
        s->peer->gone(s);
    sim_trace("slot %u: the server sees the end", s->slot);
}
