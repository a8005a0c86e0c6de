/* The simulated peers' ledger and servers. See sim_server.h.
 *
 * A server reads a request with a parser of its own (head until the blank line, Content-Length),
 * checks it byte for byte against its record, and answers as its script or the seed tells. It
 * reads one request at a time and takes bytes of a second one before its answer to the first as a
 * fault of the engine, which does not pipeline. */
#include "sim_server.h"

#include "sim_answer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PEERS_MAX = 64, NAMES_MAX = 32 };

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

void sim_fill_body(uint32_t record, uint32_t delivery, char *body, size_t bytes)
{
    uint32_t x = record * 2654435761u ^ (delivery + 1) * 40503u;

    for (size_t i = 0; i < bytes; i++) {
        x = x * 1664525u + 1013904223u;
        body[i] = (char)('a' + (x >> 24) % 26);
    }
}

bool sim_body_is(uint32_t record, uint32_t delivery, const char *body, size_t bytes)
{
    char *expected = malloc(bytes + 1);
    bool same;

    SIM_CHECK(expected, "out of memory");
    sim_fill_body(record, delivery, expected, bytes);
    same = bytes == 0 || memcmp(expected, body, bytes) == 0;
    free(expected);
    return same;
}

bool sim_status_declines(int status)
{
    return status == 408 || status == 425 || status == 429 || status == 503;
}

static uint32_t record_of(const char *request, size_t bytes)
{
    static const char mark[] = " /r/";
    char line[64] = {0};
    const char *at;

    memcpy(line, request, bytes < sizeof line - 1 ? bytes : sizeof line - 1);
    at = strstr(line, mark);
    SIM_CHECK(at, "a request begins with \"%s\"", line);
    return (uint32_t)strtoul(at + sizeof mark - 1, NULL, 10);
}

/* Promise 3, at each delivery after the first. */
static void check_may_repeat(uint32_t number)
{
    const struct sim_record *record = sim_record(number);

    for (uint32_t i = 0; !record->replayable && i < world.deliveries_count; i++) {
        const struct sim_delivery *d = &world.deliveries[i];
        SIM_CHECK(d->record != number || (d->answer_in && d->answer_valid &&
                                          (d->declines || sim_status_declines(d->status))),
                  "record %u (%s) is delivered again, though delivery %u may have been processed",
                  number, record->method, d->number);
    }
}

void server_delivery(struct sim_socket *s, const char *request, size_t request_bytes)
{
    uint32_t number = record_of(request, request_bytes);
    struct sim_record *record = sim_record(number);

    SIM_CHECK(record->https == (s->tls != NULL), "record %u is sent %s TLS", number,
              s->tls ? "with" : "without");
    check_may_repeat(number);
    SIM_CHECK(!record->in_doubt || (*record->in_doubt & record->in_doubt_mask),
              "record %u is sent before that is marked", number);
    SIM_CHECK(!s->reuse_forbidden, "record %u is sent on a connection that was to be closed",
              number);
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
    world.deliveries[world.deliveries_count] =
        (struct sim_delivery){.record = number, .number = ++record->deliveries};
    s->delivery = ++world.deliveries_count;
    record->latest = s->delivery;
    s->idle = false;
    sim_trace("slot %u: record %u (%s) is delivered, time %u", s->slot, number, record->method,
              record->deliveries);
}

/* ---- Reading a request ---- */

/* The number behind the head line `name`, which must stand there once; `missing` when it does not.
 */
static long head_number(const char *head, size_t bytes, const char *name, long missing)
{
    size_t name_bytes = strlen(name);
    long value = missing;
    int count = 0;

    for (const char *at = head; at && at < head + bytes;) {
        if ((size_t)(head + bytes - at) > name_bytes + 1 && at[name_bytes] == ':' &&
            strncasecmp(at, name, name_bytes) == 0) {
            value = strtol(at + name_bytes + 1, NULL, 10);
            count++;
        }
        at = memchr(at, '\n', (size_t)(head + bytes - at));
        at = at ? at + 1 : NULL;
    }
    SIM_CHECK(count <= 1, "a request has %s %d times", name, count);
    return value;
}

/* True when the request's head is in; then how long head and body are. */
static bool request_measure(const struct sim_text *request, size_t *head_bytes, size_t *body_bytes)
{
    const char *end =
        request->bytes > 0 ? memmem(request->data, request->bytes, "\r\n\r\n", 4) : NULL;

    if (!end)
        return false;
    *head_bytes = (size_t)(end - request->data) + 4;
    *body_bytes = (size_t)head_number(request->data, *head_bytes, "content-length", 0);
    return true;
}

size_t server_request_bytes(const char *request, size_t bytes)
{
    const char *end = memmem(request, bytes, "\r\n\r\n", 4);
    size_t head_bytes = end ? (size_t)(end - request) + 4 : 0;

    SIM_CHECK(end, "a request's head is in more than one record of TLS");
    return head_bytes + (size_t)head_number(request, head_bytes, "content-length", 0);
}

static void request_check(const struct sim_socket *s, const struct sim_delivery *d,
                          size_t head_bytes, size_t body_bytes)
{
    const struct sim_record *record = sim_record(d->record);
    const char *head = s->request.data;
    size_t method_bytes = strlen(record->method);

    SIM_CHECK(memcmp(head, record->method, method_bytes) == 0 && head[method_bytes] == ' ',
              "record %u has another method than %s", d->record, record->method);
    SIM_CHECK(head_number(head, head_bytes, "x-record-id", -1) == (long)d->record,
              "record %u does not carry its header", d->record);
    SIM_CHECK(head_number(head, head_bytes, "host", -1) != -1, "record %u has no Host", d->record);
    SIM_CHECK(body_bytes == record->body_bytes, "record %u has a body of %zu bytes, not %u",
              d->record, body_bytes, record->body_bytes);
    SIM_CHECK(head_number(head, head_bytes, "content-length", -1) >= 0 || !record->has_body,
              "record %u has a body without length", d->record);
    SIM_CHECK(s->request.bytes < head_bytes + body_bytes ||
                  sim_body_is(d->record, 0, head + head_bytes, body_bytes),
              "the body of record %u is not what was handed over", d->record);
}

static void connection_idles_out(void *context, uint64_t life, uint64_t requests)
{
    struct sim_socket *s = context;

    if (s->life != life || s->step != SLOT_CONNECTED || s->requests != requests || s->peer_closed ||
        s->out.bytes > s->out_arrived || s->request.bytes > 0)
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
        drawn = sim_answer_draw(sim_record(d->record)->method);
        answer = &drawn;
    }
    s->answered = true;
    sim_answer_send(s, d, answer);
    if (sim_chance(sim.faults.idle_closes))
        idle_ns = sim_between(0, 3 * SIM_MS);
    if (idle_ns > 0 && answer->then == THEN_KEEP)
        sim_at(s->in_last_ns + idle_ns, connection_idles_out, s, s->life, s->requests);
}

static bool answers_early(const struct sim_socket *s)
{
    const struct sim_peer *peer = s->peer;
    uint32_t number = peer->first_counts ? s->requests : peer->answers;

    if (peer->script_count == 0)
        return sim_chance(sim.faults.trouble / 8);
    return peer->script[number < peer->script_count ? number : peer->script_count - 1].early;
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
    size_t head_bytes, body_bytes;

    SIM_CHECK(s->delivery > 0, "bytes came that belong to no record");
    d = &world.deliveries[s->delivery - 1];
    d->bytes += bytes;
    sim_text_add(&s->request, data, bytes);
    if (!request_measure(&s->request, &head_bytes, &body_bytes))
        return;
    SIM_CHECK(s->request.bytes <= head_bytes + body_bytes, "bytes follow record %u", d->record);
    if (!s->answered && s->request.bytes < head_bytes + body_bytes && answers_early(s)) {
        request_check(s, d, head_bytes, body_bytes);
        s->requests++;
        s->reuse_forbidden = true;
        s->window = s->out.bytes;
        answer_request(s, d);
    }
    if (s->request.bytes < head_bytes + body_bytes)
        return;
    request_check(s, d, head_bytes, body_bytes);
    d->complete = true;
    sim_record(d->record)->complete++;
    s->request.bytes = 0;
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
    return s->broken || s->peer_closed ||
           (s->delivery > 0 ? !world.deliveries[s->delivery - 1].answer_in
                            : s->peer && s->peer->certificate);
}

void server_taken(struct sim_socket *s)
{
    struct sim_delivery *d;

    if (s->delivery == 0)
        return;
    d = &world.deliveries[s->delivery - 1];
    /* A body that ends with the stream is whole wherever the stream ended. */
    if (d->answered && s->in_taken >= d->answer_end &&
        (!d->until_end || (s->in_end_taken && s->in_end == 0)))
        d->answer_in = true;
}

void server_gone(struct sim_socket *s)
{
    s->peer_closed = true;
    sim_trace("slot %u: the server sees the end", s->slot);
}
