/* The user of the engine in simulated runs. See sim_client.h.
 *
 * A request's memory is made for it alone and freed the moment its result has been taken, so that
 * the address sanitizer, and the ring's own checks, see whoever touches it later. */
#include "tests/sim/world/sim_client.h"

#include "engine/on_ring.h"
#include "tests/sim/world/sim_result.h"
#include "tests/sim/world/sim_ring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ATTEMPT_DEFAULT_NS (60ull * SIM_S)

enum {
    TRIES_DEFAULT = 4,
    TURNS_MAX = 2000000,
    MARKS_MAX = 1 << 16, /* two bits each: the mark, and one that must stay as it is */
};

/* A request and all it points to, in one piece but for the body. */
struct package {
    struct ringsend_request request;
    struct ringsend_header headers[3];
    char url[128];
    char id[16];
    char *body;
};

/* ---- Memory ---- */

/* Before each piece. A multiple of the alignment that malloc keeps. */
union piece {
    struct {
        size_t bytes;
        union piece *next, **to_this; /* of all that are not given back */
    };
    max_align_t alignment[2];
};

static union piece *pieces;

static void *allocate(void *context, size_t bytes)
{
    union piece *p = NULL;

    (void)context;
    if (!sim_tortures("memory") && !sim_chance(sim.faults.no_memory))
        p = malloc(sizeof *p + bytes);
    if (!p)
        return NULL;
    p->bytes = bytes;
    p->next = pieces;
    p->to_this = &pieces;
    if (pieces)
        pieces->to_this = &p->next;
    pieces = p;
    return p + 1;
}

static void forget(union piece *p)
{
    *p->to_this = p->next;
    if (p->next)
        p->next->to_this = p->to_this;
    free(p);
}

static void release(void *context, void *memory, size_t bytes)
{
    union piece *p = (union piece *)memory - 1;

    (void)context;
    SIM_CHECK(p->bytes == bytes, "%zu bytes are given back as %zu", p->bytes, bytes);
    forget(p);
}

const struct ringsend_allocator client_allocator = {allocate, release, NULL};

/* ---- Life ---- */

/* 2xx when the options say nothing. */
static struct ringsend_status_set ok_statuses(const struct ringsend_options *options)
{
    struct ringsend_status_set set = options->ok_status;
    uint64_t any = 0;

    for (size_t i = 0; i < 8; i++)
        any |= set.bits[i];
    for (int status = 200; any == 0 && status < 300; status++)
        set.bits[(status - 100) / 64] |= 1ull << (status - 100) % 64;
    return set;
}

bool client_try_begin(struct client *c, const struct ringsend_options *options)
{
    int error;

    *c = (struct client){.options = *options, .marks = calloc(MARKS_MAX / 4, 1)};
    SIM_CHECK(c->marks, "out of memory");
    c->options.size = sizeof c->options;
    if (sim.accounts)
        c->options.allocator = &client_allocator;
    c->tries = options->tries ? options->tries : TRIES_DEFAULT;
    c->deadline_ns = options->deadline_ns ? options->deadline_ns : RINGSEND_NEVER;
    c->ok_statuses = ok_statuses(options);
    error = engine_new_on(&c->engine, &c->options, sim_ring_new);
    SIM_CHECK(error == 0 || error == -RINGSEND_E_NO_MEMORY || error == -RINGSEND_E_RING,
              "ringsend_new gives %s", ringsend_error_name((enum ringsend_error) - error));
    return error == 0;
}

void client_begin(struct client *c, const struct ringsend_options *options)
{
    SIM_CHECK(client_try_begin(c, options), "the engine could not be made");
}

static void package_free(struct ringsend_request *request)
{
    struct package *p = (struct package *)request;

    if (p)
        free(p->body);
    free(p);
}

void client_close(struct client *c)
{
    ringsend_free(c->engine);
    SIM_CHECK(!pieces || sim_ring_broke(), "memory was not given back");
    for (union piece *p = pieces, *next; p; p = next) { /* the kernel may have had it then */
        next = p->next;
        free(p);
    }
    pieces = NULL;
    for (uint32_t i = 0; i < c->count; i++) {
        if (c->requests[i].accepted && !c->requests[i].done)
            sim_check_no_result(c, &c->requests[i]);
        package_free(c->requests[i].request);
        host_free(c->requests[i].host);
        free(c->requests[i].trace);
    }
    free(c->requests);
    free(c->marks);
    *c = (struct client){0};
}

void client_end(struct client *c)
{
    clients_check_starts(c, 1, &c->options);
    client_close(c);
    SIM_CHECK(sim_ring_gone(), "the engine has not freed its ring");
    SIM_CHECK(sim_sockets_open() == 0, "%u sockets are left open", sim_sockets_open());
}

static struct package *package_make(const struct client_ask *ask, uint32_t record)
{
    struct package *p = calloc(1, sizeof *p);
    bool streamed = (ask->flags & (RINGSEND_BODY_FD | RINGSEND_BODY_PIECES)) != 0;
    size_t body_bytes = streamed ? 0 : ask->body_bytes;

    SIM_CHECK(p, "out of memory");
    snprintf(p->url, sizeof p->url, "http%s://%s:%u/r/%u", ask->https ? "s" : "", ask->host,
             ask->port, record);
    snprintf(p->id, sizeof p->id, "%u", record);
    p->headers[0].name = (struct ringsend_bytes){"X-Record-Id", 11};
    p->headers[0].value = (struct ringsend_bytes){p->id, strlen(p->id)};
    size_t headers_count = 1;
    if (ask->close)
        p->headers[headers_count++] = (struct ringsend_header){{"Connection", 10}, {"close", 5}};
    if (ask->blank_key)
        p->headers[headers_count++] = (struct ringsend_header){{"idempotency-key", 15}, {" ", 1}};
    p->body = malloc(body_bytes + 1);
    SIM_CHECK(p->body, "out of memory");
    sim_fill_body(record, 0, 0, p->body, body_bytes);
    p->request = (struct ringsend_request){
        .size = sizeof p->request,
        .method = {ask->method, ask->method ? strlen(ask->method) : 0},
        .url = {p->url, strlen(p->url)},
        .headers = p->headers,
        .headers_count = headers_count,
        .body = {p->body, body_bytes},
        .flags = ask->flags,
        .tries = ask->tries,
        .attempt_timeout_ns = ask->attempt_timeout_ns,
        .deadline_ns = ask->deadline_ns,
        .cost = {ask->cost[0], ask->cost[1]},
    };
    return p;
}

/* The bit beside it is set and must stay so: a neighbour's. */
static void mark_begin(struct client *c, struct client_request *r)
{
    struct sim_record *record = sim_record(r->record);

    SIM_CHECK(r->record < MARKS_MAX, "too many records");
    r->request->in_doubt = &c->marks[r->record / 4];
    r->request->in_doubt_mask = client_mark(r->record);
    *r->request->in_doubt |= (unsigned char)(client_mark(r->record) << 1);
    record->in_doubt = r->request->in_doubt;
    record->in_doubt_mask = r->request->in_doubt_mask;
}

static bool is_replayable(const struct client_ask *ask)
{
    return strcmp(ask->method, "POST") != 0 && strcmp(ask->method, "PATCH") != 0
               ? true
               : (ask->flags & RINGSEND_AT_LEAST_ONCE) ||
                     ((ask->flags & RINGSEND_KEYED) && !ask->blank_key);
}

static uint64_t origin_of(const struct client_ask *ask)
{
    uint64_t hash = ask->port * 2u + ask->https;

    for (const char *at = ask->host; *at; at++)
        hash = hash * 1099511628211u ^ (unsigned char)*at;
    return hash;
}

static bool is_chunked(const struct client_ask *ask)
{
    return (ask->flags & (RINGSEND_BODY_FD | RINGSEND_BODY_PIECES)) && ask->ways &&
           ask->ways->unknown;
}

/* The response. */
static bool is_streamed(const struct client_ask *ask)
{
    return (ask->flags &
            (RINGSEND_RESPONSE_FD | RINGSEND_RESPONSE_PIECES | RINGSEND_RESPONSE_DISCARD)) != 0;
}

int client_submit(struct client *c, const struct client_ask *wanted)
{
    struct client_ask ask = *wanted;
    struct client_request *r;
    uint32_t index = c->count;
    int error;

    ask.method = ask.method ? ask.method : "GET";
    if (c->count == c->capacity) {
        c->capacity = 2 * c->capacity + 16;
        c->requests = realloc(c->requests, c->capacity * sizeof *c->requests);
        SIM_CHECK(c->requests, "out of memory");
    }
    r = &c->requests[c->count++];
    *r = (struct client_request){
        .record = sim_record_new(&(struct sim_record){
            .method = ask.method,
            .replayable = is_replayable(&ask),
            .has_body = ask.body_bytes > 0 || (ask.flags & RINGSEND_HAS_BODY) != 0,
            .chunked = is_chunked(&ask),
            .body_bytes = ask.body_bytes,
            .streamed = is_streamed(&ask) ? c->ok_statuses.bits : NULL,
            .https = ask.https}),
        .tries = ask.tries ? ask.tries : c->tries,
        .deadline_ns = ask.deadline_ns ? ask.deadline_ns : c->deadline_ns,
        .attempt_timeout_ns = ask.attempt_timeout_ns          ? ask.attempt_timeout_ns
                              : c->options.attempt_timeout_ns ? c->options.attempt_timeout_ns
                                                              : ATTEMPT_DEFAULT_NS,
        .submitted_ns = sim.now_ns,
        .origin = origin_of(&ask),
    };
    r->request = &package_make(&ask, r->record)->request;
    r->host = host_new(&ask, r->record);
    if (r->host)
        host_fill_request(r->host, r->request, ask.body_bytes);
    mark_begin(c, r);
    r->request->user = (void *)(uintptr_t)(index + 1);
    error = (ask.posted ? ringsend_post : ringsend_submit)(c->engine, r->request);
    if (error != 0) {
        package_free(r->request);
        host_free(r->host);
        r->request = NULL;
        r->host = NULL;
        return error;
    }
    sim_trace("record %u is accepted", r->record);
    r->handle = r->request->handle;
    r->accepted = true;
    c->accepted++;
    c->posted += ask.posted;
    return (int)index;
}

static void take_result(struct client *c, const struct ringsend_result *result)
{
    uint32_t index = (uint32_t)(uintptr_t)result->request->user - 1;
    struct client_request *r = &c->requests[index];

    SIM_CHECK(index < c->count && r->accepted, "a result for a request that was not accepted");
    sim_trace("record %u: %s, status %d, %u attempts%s", r->record,
              ringsend_error_name(result->error), result->status, result->attempts,
              result->ambiguous ? ", ambiguous" : "");
    sim_check_result(c, r, result);
    r->done = true;
    r->done_ns = sim.now_ns;
    r->error = result->error;
    r->status = result->status;
    r->ok = result->ok;
    r->ambiguous = result->ambiguous;
    r->cut_short = result->cut_short;
    r->unjudged = result->unjudged;
    r->attempts = result->attempts;
    snprintf(r->encoding, sizeof r->encoding, "%.*s", (int)result->encoding.bytes,
             result->encoding.bytes ? result->encoding.data : "");
    r->times = result->times;
    r->retry_after_ns = result->retry_after_ns;
    if (result->attempts_list_count > 0 && result->attempts_list_count == result->attempts) {
        r->trace = reallocarray(NULL, result->attempts_list_count, sizeof *r->trace);
        SIM_CHECK(r->trace, "out of memory");
        memcpy(r->trace, result->attempts_list, result->attempts_list_count * sizeof *r->trace);
    }
    c->done++;
    package_free(r->request);
    host_free(r->host);
    r->request = NULL;
    r->host = NULL;
}

/* Events first: the final results are the last. */
static bool take_event(struct client *c, const struct ringsend_result *result)
{
    if (result->kind != RINGSEND_FINAL)
        host_hears(c, &c->requests[(uint32_t)(uintptr_t)result->request->user - 1], result);
    return result->kind != RINGSEND_FINAL;
}

/* What was posted was taken at the beginning of a run, if at all: its clocks began then. */
static void note_taken(struct client *c, uint64_t began_ns)
{
    for (uint32_t i = 0; i < c->count && c->posted > 0; i++) {
        struct client_request *r = &c->requests[i];
        if (!r->accepted || r->handle != 0 || r->request->handle == 0)
            continue;
        r->handle = r->request->handle;
        r->submitted_ns = began_ns;
        c->posted--;
    }
}

/* Every host does what is due. How long the engine may wait until the next has something to do. */
static uint64_t hosts_act(struct client *c, uint64_t wait_ns)
{
    uint64_t again_ns = RINGSEND_NEVER;

    for (uint32_t i = 0; i < c->count; i++) {
        struct client_request *r = &c->requests[i];
        uint64_t at_ns = r->host ? host_acts(c, r) : RINGSEND_NEVER;
        again_ns = at_ns < again_ns ? at_ns : again_ns;
    }
    if (again_ns != RINGSEND_NEVER && again_ns - sim.now_ns < wait_ns)
        return again_ns - sim.now_ns;
    return wait_ns;
}

uint32_t client_run(struct client *c, uint64_t wait_ns, uint32_t max)
{
    const struct ringsend_result *results[8];
    uint32_t taken = 0;
    sim_may_pause();
    uint64_t began_ns = sim.now_ns;
    int ready = ringsend_run(c->engine, hosts_act(c, wait_ns));

    note_taken(c, began_ns);
    SIM_CHECK(ready >= 0, "ringsend_run gives %d", ready);
    c->held = 0;
    while (taken < max) {
        size_t n = max - taken < 8 ? max - taken : 8;
        n = ringsend_reap(c->engine, results, n);
        for (size_t i = 0; i < n; i++) {
            if (take_event(c, results[i])) {
                SIM_CHECK(c->held == 0, "a stream goes on behind a final result");
                continue;
            }
            take_result(c, results[i]);
            c->held++;
        }
        taken += (uint32_t)n;
        if (n == 0)
            break;
    }
    SIM_CHECK(max < UINT32_MAX || taken == (uint32_t)ready, "%d results were ready, %u came", ready,
              taken);
    return c->held;
}

void client_finish(struct client *c)
{
    for (uint32_t turns = 0; c->done < c->accepted; turns++) {
        SIM_CHECK(turns < TURNS_MAX, "%u requests are never done", c->accepted - c->done);
        client_run(c, RINGSEND_NEVER, UINT32_MAX);
    }
    SIM_CHECK(ringsend_idle(c->engine), "the engine is not idle, though all is done");
}

void client_pass(struct client *c, uint64_t ns)
{
    uint64_t until_ns = sim.now_ns + ns;

    for (uint32_t turns = 0; sim.now_ns < until_ns; turns++) {
        SIM_CHECK(turns < TURNS_MAX, "the time does not pass");
        client_run(c, until_ns - sim.now_ns, UINT32_MAX);
    }
}
