/* TLS at the server's end of a simulated socket. See sim_tls.h.
 *
 * What decrypting a record brings about is kept as an *effect* with the offset in the engine's
 * stream that must have arrived for it: plain bytes for the HTTP server, or a flight of the
 * handshake on its way back.
 *
 * Checked of the engine: no byte of a request stands unencrypted in a send; records of data are
 * sent only behind a complete handshake that nobody has tampered with; a send holds whole records;
 * whatever it sends can be decrypted. */
#include "tests/sim/world/sim_tls.h"

#include "tests/sim/world/sim_certs.h"
#include "tests/sim/world/sim_ring.h"
#include "tests/sim/world/sim_second.h"
#include "tests/sim/world/sim_server.h"

#include "tls/bearssl/connection.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

enum { RECORD_HEAD_BYTES = 5, SESSIONS = 16, MANGLED_MAX = 400 };

struct effect {
    struct effect *next;
    size_t at; /* of the engine's stream, has to have arrived */
    bool plain;
    size_t bytes;
    char data[];
};

struct sim_tls {
    struct tls *tls;
    enum sim_greeting greeting;
    bool up;          /* the handshake is complete */
    bool warned;      /* of GREETING_WARNS */
    uint32_t flights; /* sent */
    struct effect *first, **last;
};

/* ---- Random bytes: the kernel's and BearSSL's own source are replaced in this program ---- */

static uint64_t entropy;
static bool serving; /* it is drawn for a peer, which never lacks it */

static void draw_bytes(uint8_t *to, size_t bytes)
{
    uint64_t before = sim.random;

    sim.random = entropy;
    for (size_t i = 0; i < bytes; i++)
        to[i] = (uint8_t)sim_random();
    entropy = sim.random;
    sim.random = before;
}

__attribute__((visibility("default"))) ssize_t getrandom(void *buffer, size_t length,
                                                         unsigned flags)
{
    (void)flags;
    if (!serving && sim_tortures("random bytes")) {
        errno = EIO;
        return -1;
    }
    draw_bytes(buffer, length);
    return (ssize_t)length;
}

static int seed_generator(const br_prng_class **generator)
{
    uint8_t bytes[32];

    draw_bytes(bytes, sizeof bytes);
    (*generator)->update(generator, bytes, sizeof bytes);
    return 1;
}

__attribute__((visibility("default"))) br_prng_seeder br_prng_seeder_system(const char **name)
{
    if (name)
        *name = "sim";
    return seed_generator;
}

void sim_tls_begin(void)
{
    entropy = sim.seed;
    sim_second_begin();
}

/* ---- Certificates ---- */

/* A file in memory, under a name that can be opened. */
static void put_in_file(const char *text, const char *more, char *path, size_t path_bytes)
{
    int fd = memfd_create("sim", MFD_CLOEXEC);

    SIM_CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) &&
                  (!more || write(fd, more, strlen(more)) == (ssize_t)strlen(more)),
              "no memory file");
    snprintf(path, path_bytes, "/proc/self/fd/%d", fd);
}

const char *sim_tls_ca_file(void)
{
    static char path[64];

    if (!path[0])
        put_in_file(sim_pem_root, NULL, path, sizeof path);
    return path;
}

static const struct tls_config *config_with(enum sim_certificate certificate)
{
    static const char *const leaves[] = {NULL, sim_pem_leaf, sim_pem_elsewhere, sim_pem_stranger};
    static struct tls_config *configs[sizeof leaves / sizeof *leaves];
    struct tls_options options = {.server = true};
    char path[64], message[200] = "";
    uint64_t before = entropy;

    if (configs[certificate])
        return configs[certificate];
    entropy = certificate; /* it outlives this world */
    put_in_file(leaves[certificate], sim_pem_key, path, sizeof path);
    options.chain_file = path;
    configs[certificate] = tls_config_new(&options, message, sizeof message);
    SIM_CHECK(configs[certificate], "%s", message);
    entropy = before;
    return configs[certificate];
}

size_t sim_tls_memory(const struct tls *tls)
{
    return sizeof *tls + tls->config->bear->buffer_bytes;
}

uint64_t sim_tls_work_ns(const struct tls *tls)
{
    const char *dear = sim.faults.dear_host;

    if (dear && strncmp(tls->handshake->host.name, dear, strlen(dear)) == 0)
        return sim.faults.dear_worker_ns;
    return sim_between(0, sim.faults.worker_ns);
}

void sim_tls_forget(struct sim_peer *peer)
{
    tls_local_free(peer->sessions);
    peer->sessions = NULL;
}

/* ---- What the engine sends ---- */

static enum sim_greeting greeting_of(struct sim_peer *peer)
{
    if (peer->greeting != GREETING_GOOD &&
        (peer->greetings == 0 || peer->greeted <= peer->greetings))
        return peer->greeting;
    return sim_chance(sim.faults.greeting) ? (enum sim_greeting)sim_below(GREETINGS)
                                           : GREETING_GOOD;
}

/* By its first record, the hello: record, message and version stand before the random bytes. */
static struct sim_tls *tls_begin(struct sim_peer *peer, const char *hello)
{
    enum { RANDOM_AT = RECORD_HEAD_BYTES + 4 + 2 };
    struct sim_tls *t = calloc(1, sizeof *t);

    SIM_CHECK(t, "out of memory");
    if (!peer->sessions)
        peer->sessions =
            tls_local_new(config_with(peer->certificate), peer->forgets ? 0 : SESSIONS, NULL);
    SIM_CHECK(peer->sessions, "out of memory");
    peer->greeted++;
    serving = true;
    t->tls = tls_server_new(peer->sessions);
    serving = false;
    SIM_CHECK(t->tls, "out of memory");
    t->greeting = greeting_of(peer);
    if (t->greeting == GREETING_MOVED && sim_second_said(hello + RANDOM_AT))
        t->greeting = GREETING_GOOD;
    t->last = &t->first;
    return t;
}

static void effect_add(struct sim_tls *t, size_t at, bool plain, const void *data, size_t bytes)
{
    struct effect *e = malloc(sizeof *e + bytes);

    SIM_CHECK(e, "out of memory");
    *e = (struct effect){.at = at, .plain = plain, .bytes = bytes};
    memcpy(e->data, data, bytes);
    *t->last = e;
    t->last = &e->next;
}

static void plain_enters(struct sim_socket *s, size_t at, const char *plain, size_t bytes)
{
    server_delivery(s, plain, bytes);
    server_enters(s, plain, bytes);
    effect_add(s->tls, at, true, plain, bytes);
}

static void note_up(struct sim_socket *s)
{
    struct sim_tls *t = s->tls;

    if (t->up || !tls_is_ready(t->tls))
        return;
    t->up = true;
    if (tls_resumed(t->tls))
        s->peer->resumed++;
    else
        s->peer->full++;
    sim_trace("slot %u: the server's handshake is complete%s", s->slot,
              tls_resumed(t->tls) ? ", resumed" : "");
}

static void record_enters(struct sim_socket *s, size_t at, const char *record, size_t bytes)
{
    struct sim_tls *t = s->tls;
    char flight[1 << 14];
    const char *plain;
    size_t n;

    SIM_CHECK(record[0] != RECORD_DATA || (t->up && t->greeting != GREETING_MANGLED),
              "data are sent before the handshake is complete");
    n = tls_feed(t->tls, record, bytes);
    /* Not all of a flight is signed: the server finds it out. And it takes the alert by which a
     * renegotiation is declined for the end. */
    if (tls_error(t->tls) != RINGSEND_OK &&
        (t->greeting == GREETING_MANGLED || record[0] == RECORD_ALERT)) {
        effect_add(t, at, false, "", 0);
        return;
    }
    SIM_CHECK(tls_error(t->tls) == RINGSEND_OK, "the server cannot read what was sent: %s (%s)",
              ringsend_error_name(tls_error(t->tls)), tls_detail(t->tls));
    SIM_CHECK(n == bytes || tls_state(t->tls) & TLS_CLOSED, "the server wants no more");
    while ((plain = tls_peek(t->tls, &n))) {
        plain_enters(s, at, plain, n);
        tls_consume(t->tls, n);
    }
    while ((n = tls_take(t->tls, flight, sizeof flight)) > 0)
        effect_add(t, at, false, flight, n);
    note_up(s);
}

bool sim_tls_enters(struct sim_socket *s, const char *data, size_t bytes)
{
    size_t at = 0;

    if (!s->tls && s->peer->certificate && s->out.bytes == s->proxy_bytes &&
        data[0] == RECORD_HANDSHAKE)
        s->tls = tls_begin(s->peer, data);
    if (!s->tls)
        return false;
    SIM_CHECK(!memmem(data, bytes, "X-Record-Id", 11) && !memmem(data, bytes, " HTTP/1.1", 9),
              "a request is sent unencrypted in slot %u", s->slot);
    while (at < bytes) {
        const unsigned char *head = (const unsigned char *)data + at;
        size_t record_bytes = bytes - at >= RECORD_HEAD_BYTES
                                  ? RECORD_HEAD_BYTES + (size_t)(head[3] << 8 | head[4])
                                  : SIZE_MAX;
        SIM_CHECK(record_bytes <= bytes - at, "a send ends within a record of TLS");
        record_enters(s, s->out.bytes + at + record_bytes, data + at, record_bytes);
        at += record_bytes;
    }
    return true;
}

/* ---- What comes of it ---- */

static void leave(struct sim_socket *s, int32_t result)
{
    s->peer_closed = true;
    sim_socket_end(s, s->in_last_ns, result);
}

static void first_flight(struct sim_socket *s, struct effect *e, uint64_t at_ns)
{
    static const char refusal[] = {RECORD_ALERT, 3, 3, 0, 2, 2, 40};
    static const char old[] = {RECORD_ALERT, 3, 3, 0, 2, 2, 70};
    static const char http[] = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
    size_t bytes = e->bytes < MANGLED_MAX ? e->bytes : MANGLED_MAX;

    switch (s->tls->greeting) {
    case GREETING_GOOD:
    case GREETING_WARNS:
    case GREETING_LEAVES:
        sim_socket_output(s, at_ns, e->data, e->bytes);
        break;
    case GREETING_ENDS:
        leave(s, 0);
        break;
    case GREETING_RESETS:
        leave(s, -ECONNRESET);
        break;
    case GREETING_CUT:
        sim_socket_output(s, at_ns, e->data, 1 + sim_below(bytes - 1));
        leave(s, 0);
        break;
    case GREETING_MANGLED: /* behind the first record's head, which is not part of what is signed */
        e->data[RECORD_HEAD_BYTES + sim_below(bytes - RECORD_HEAD_BYTES)] ^=
            (char)(1 << sim_below(8));
        sim_socket_output(s, at_ns, e->data, e->bytes);
        break;
    case GREETING_HTTP:
        sim_socket_output(s, at_ns, http, sizeof http - 1);
        break;
    case GREETING_REFUSES:
        sim_socket_output(s, at_ns, tls_resumed(s->tls->tls) ? refusal : e->data,
                          tls_resumed(s->tls->tls) ? sizeof refusal : e->bytes);
        if (tls_resumed(s->tls->tls))
            leave(s, 0);
        break;
    case GREETING_OLD:
        sim_socket_output(s, at_ns, old, sizeof old);
        leave(s, 0);
        break;
    case GREETING_MOVED:
        s->peer->refused++;
        sim_socket_output(s, at_ns, (char[]){RECORD_ALERT, 3, 3, 0, 2, 2, (char)s->peer->alert}, 7);
        leave(s, 0);
        break;
    case GREETING_NONE:
    case GREETINGS:
        break;
    }
}

static void answer_flight(struct sim_socket *s, struct effect *e)
{
    struct sim_tls *t = s->tls;
    uint64_t at_ns = sim.now_ns + SIM_US + s->peer->greeting_ns;

    if (e->bytes == 0)
        leave(s, 0);
    else if (t->flights++ == 0)
        first_flight(s, e, at_ns);
    else if (t->greeting == GREETING_GOOD || t->greeting == GREETING_REFUSES ||
             t->greeting == GREETING_LEAVES || t->greeting == GREETING_WARNS)
        sim_socket_output(s, at_ns, e->data, e->bytes);
}

void sim_tls_arrived(struct sim_socket *s)
{
    struct sim_tls *t = s->tls;
    struct effect *e;

    while ((e = t->first) && e->at <= s->out_arrived) {
        if (e->plain && t->greeting == GREETING_LEAVES)
            break;
        t->first = e->next;
        if (!t->first)
            t->last = &t->first;
        if (e->plain)
            server_input(s, e->data, e->bytes);
        else if (!s->peer_closed)
            answer_flight(s, e);
        free(e);
    }
    if (t->greeting == GREETING_WARNS && t->up && !t->warned) {
        t->warned = true;
        sim_tls_record(s, s->in_last_ns, RECORD_ALERT, "\x01\x5a", 2); /* user_canceled */
    }
    if (t->greeting == GREETING_LEAVES && t->up && (!e || e->plain) && !s->peer_closed) {
        sim_tls_farewell(s, s->in_last_ns);
        leave(s, 0);
    }
}

void sim_tls_gone(struct sim_socket *s)
{
    struct sim_tls *t = s->tls;

    if (!t)
        return;
    while (t->first) {
        struct effect *e = t->first;
        t->first = e->next;
        free(e);
    }
    tls_free(t->tls);
    free(t);
    s->tls = NULL;
}

/* ---- What the server sends ---- */

void sim_tls_record(struct sim_socket *s, uint64_t at_ns, int type, const void *plain, size_t bytes)
{
    struct sim_tls *t = s->tls;
    char record[TLS_RECORD_PLAIN_BYTES + TLS_RECORD_OVERHEAD_BYTES];
    size_t n;

    if (!t->up || !(tls_state(t->tls) & TLS_WRITE))
        return;
    /* BearSSL's own field: no function of it makes records of any other type. */
    t->tls->context.engine.record_type_out = (unsigned char)type;
    n = tls_write(t->tls, plain, bytes);
    SIM_CHECK(n == bytes, "a record of %zu bytes is too long", bytes);
    tls_flush(t->tls);
    n = tls_take(t->tls, record, sizeof record);
    t->tls->context.engine.record_type_out = RECORD_DATA;
    sim_socket_output(s, at_ns, record, n);
}

void sim_tls_output(struct sim_socket *s, uint64_t at_ns, const void *plain, size_t bytes)
{
    const char *from = plain;
    bool small = sim_chance(sim.faults.records_small);

    while (bytes > 0) {
        size_t n = small ? sim_between(1, 64) : TLS_RECORD_PLAIN_BYTES;
        n = n < bytes ? n : bytes;
        sim_tls_record(s, at_ns, RECORD_DATA, from, n);
        from += n;
        bytes -= n;
    }
}

void sim_tls_farewell(struct sim_socket *s, uint64_t at_ns)
{
    sim_tls_record(s, at_ns, RECORD_ALERT, "\x01", 2);
}
