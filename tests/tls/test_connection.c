/* Connections in memory: our client against our server, bytes carried in pieces of every size, then
 * peers that break the rules. */
#include "pair.h"

#include "tls/bearssl/config.h"

#include <errno.h>
#include <pthread.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

/* In place of the C library's: fails on demand. */
static bool random_fails;

__attribute__((visibility("default"))) ssize_t getrandom(void *buffer, size_t length,
                                                         unsigned flags)
{
    if (!random_fails)
        return syscall(SYS_getrandom, buffer, length, flags);
    errno = EIO;
    return -1;
}

/* Sends a text from one end to the other and checks it. */
static void say(struct tls *from, struct tls *to, const char *text, size_t bytes, size_t piece)
{
    char *got = malloc(bytes);
    size_t sent = 0, received = 0;
    assert_non_null(got);
    while (received < bytes) {
        static char wire[1 << 17];
        size_t wire_bytes, at = 0;
        sent += tls_write(from, text + sent, bytes - sent);
        tls_flush(from);
        wire_bytes = tls_take(from, wire, sizeof wire);
        assert_true(wire_bytes > 0);
        while (at < wire_bytes) {
            size_t n = wire_bytes - at < piece ? wire_bytes - at : piece, ready;
            at += tls_feed(to, wire + at, n);
            const void *plain = tls_peek(to, &ready);
            assert_int_equal(!plain, !ready);
            assert_true(ready <= bytes - received);
            /* In two bites. */
            size_t half = ready / 2;
            memcpy(got + received, plain ? plain : "", half);
            tls_consume(to, half);
            plain = tls_peek(to, &ready);
            memcpy(got + received + half, plain ? plain : "", ready);
            tls_consume(to, ready);
            received += half + ready;
        }
    }
    assert_memory_equal(got, text, bytes);
    free(got);
}

static void say_both_ways(struct pair *p, size_t piece)
{
    const char request[] = "GET / HTTP/1.1\r\n\r\n", response[] = "HTTP/1.1 204 \r\n\r\n";
    say(p->client, p->server, request, sizeof request, piece);
    say(p->server, p->client, response, sizeof response, piece);
}

static void check_farewell(struct pair *p)
{
    char wire[64];
    assert_false(tls_peer_closed(p->client));
    tls_close(p->server);
    assert_true(carry(p->server, p->client, 1));
    assert_true(tls_peer_closed(p->client));
    assert_int_equal(tls_error(p->client), RINGSEND_OK);
    assert_int_equal(tls_write(p->client, "x", 1), 0);
    while (tls_take(p->client, wire, sizeof wire) > 0)
        continue;
    assert_int_equal(tls_state(p->client), TLS_CLOSED);
    assert_int_equal(tls_end(p->client), RINGSEND_OK);
}

static void life(bool half_duplex, size_t piece)
{
    struct pair p;
    pair_open(&p, half_duplex);
    for (int resumed = 0; resumed < 2; resumed++) {
        pair_connect(&p);
        assert_int_equal(tls_has_session(p.client_local, "www.example.com", 443, tls_http1),
                         resumed);
        assert_int_equal(tls_offered_session(p.client), resumed);
        assert_int_equal(tls_write(p.client, "too early", 9), 0);
        shake_hands(&p, piece);
        assert_int_equal(tls_error(p.client), RINGSEND_OK);
        assert_true(tls_is_ready(p.client) && tls_is_ready(p.server));
        assert_int_equal(tls_resumed(p.client), resumed);
        assert_int_equal(tls_resumed(p.server), resumed);
        assert_true(tls_keep_session(p.client));
        say_both_ways(&p, piece);
        check_farewell(&p);
    }
    pair_close(&p);
}

static void test_life_in_pieces(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 2, 3, 5, 7, 64, 1000, SIZE_MAX};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        life(false, pieces[i]);
        life(true, pieces[i]);
    }
}

/* A resumed handshake and a request, the server's bytes cut in two at each place. */
static void test_every_split(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, false);
    pair_connect(&p);
    shake_hands(&p, SIZE_MAX);
    assert_true(tls_keep_session(p.client));
    for (size_t split = 1; split < 400; split++) {
        pair_connect(&p);
        shake_hands(&p, split);
        assert_true(tls_resumed(p.client));
        say_both_ways(&p, split);
    }
    pair_close(&p);
}

static void test_large(void **state)
{
    (void)state;
    size_t bytes = 3000000;
    char *text = malloc(bytes);
    assert_non_null(text);
    for (size_t i = 0; i < bytes; i++)
        text[i] = (char)(i * 7 + i / 1000);
    for (int half_duplex = 0; half_duplex < 2; half_duplex++) {
        struct pair p;
        pair_open(&p, half_duplex);
        pair_connect(&p);
        shake_hands(&p, SIZE_MAX);
        say(p.client, p.server, text, bytes, 4096);
        say(p.server, p.client, text, bytes, 1460);
        pair_close(&p);
    }
    free(text);
}

/* One take gives several records when there is room, and never more than there is. */
static void test_room(void **state)
{
    (void)state;
    struct pair p;
    char plain[TLS_RECORD_PLAIN_BYTES] = {0}, wire[TLS_RECORD_PLAIN_BYTES + 100];
    pair_open(&p, false);
    pair_connect(&p);
    shake_hands(&p, SIZE_MAX);
    assert_int_equal(tls_write(p.client, plain, sizeof plain), sizeof plain);
    assert_int_equal(tls_write(p.client, plain, 1), 0);
    size_t total = 0, n;
    while ((n = tls_take(p.client, wire, 100)) > 0) {
        assert_true(n <= 100);
        total += n;
    }
    assert_int_equal(total, sizeof plain + TLS_RECORD_OVERHEAD_BYTES);
    assert_int_equal(tls_take(p.client, wire, sizeof wire), 0);
    /* The ends of a handshake flight come together: three records. */
    pair_connect(&p);
    carry(p.client, p.server, SIZE_MAX);
    carry(p.server, p.client, SIZE_MAX);
    n = tls_take(p.client, wire, sizeof wire);
    size_t records = 0;
    for (size_t at = 0; at < n; at += 5 + ((uint8_t)wire[at + 3] << 8 | (uint8_t)wire[at + 4]))
        records++;
    assert_int_equal(records, 3);
    pair_close(&p);
}

/* Copies of one model must not send the same random bytes. */
static void test_fresh_random_bytes(void **state)
{
    (void)state;
    enum { HELLOS = 300 }; /* more than one stock of random bytes has */
    struct pair p;
    static char hello[HELLOS][512];
    pair_open(&p, false);
    for (size_t i = 0; i < HELLOS; i++) {
        struct tls *t = tls_client_new(p.client_local, "www.example.com", 443, tls_http1);
        assert_true(tls_take(t, hello[i], sizeof hello[i]) > 43);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(hello[i] + 11, hello[j] + 11, 32); /* client_random */
        tls_free(t);
    }
    pair_close(&p);
}

/* BearSSL's own ClientHello, with the same random bytes and the same name, says the same but for
 * the order of the curves. */
static void test_hello_is_bearssl_s(void **state)
{
    (void)state;
    if (with_openssl())
        skip();
    static const char ours[] = "\0\x1d\0\x17\0\x18\0\x19", theirs[] = "\0\x17\0\x18\0\x19\0\x1d";
    static const char *const lists[][3] = {{"http/1.1"}, {"h2", "http/1.1"}, {NULL}};
    for (int i = 0; i < 12; i++) {
        struct pair p;
        char hello[640];
        tls_protocols protocols = lists[i / 4];
        uint8_t buffer[BR_SSL_BUFSIZE_BIDI];
        const char *name = i & 1 ? "www.example.com" : NULL;
        pair_open(&p, i & 2);
        struct tls *t = tls_client_new(p.client_local, name ? name : "127.0.0.1", 443, protocols);
        size_t bytes = tls_take(t, hello, sizeof hello), expected_bytes;
        br_ssl_client_context client = p.client_config->bear->model.client;
        br_ssl_engine_set_buffer(&client.eng, buffer, p.client_config->bear->buffer_bytes,
                                 !(i & 2));
        br_ssl_engine_set_protocol_names(&client.eng, (const char **)(uintptr_t)protocols,
                                         i < 4   ? 1
                                         : i < 8 ? 2
                                                 : 0);
        assert_true(br_ssl_client_reset(&client, name, 0));
        uint8_t *expected = br_ssl_engine_sendrec_buf(&client.eng, &expected_bytes);
        assert_int_equal(bytes, expected_bytes);
        memcpy(expected + 11, hello + 11, 32); /* client_random */
        char *curves = memmem(hello, bytes, ours, 8);
        assert_non_null(curves);
        memcpy(curves, theirs, 8);
        assert_memory_equal(hello, expected, bytes);
        tls_free(t);
        pair_close(&p);
    }
}

static void test_no_host(void **state)
{
    (void)state;
    struct pair p;
    char longest[400];
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = 0;
    const char *const hosts[] = {"", ".", longest};
    pair_open(&p, false);
    for (size_t i = 0; i < 3; i++) {
        struct tls *t = tls_client_new(p.client_local, hosts[i], 443, tls_http1);
        assert_int_equal(tls_state(t), TLS_CLOSED);
        assert_int_equal(tls_error(t), RINGSEND_E_TLS_WRONG_HOST);
        assert_int_equal(tls_take(t, longest, 1), 0);
        assert_false(tls_has_session(p.client_local, hosts[i], 443, tls_http1));
        tls_forget_session(t);
        tls_free(t);
    }
    pair_close(&p);
}

/* The stock runs out at the first draw of a connection, and at the second. The session there is
 * stays. */
static void test_no_random_bytes(void **state)
{
    (void)state;
    if (with_openssl())
        skip(); /* it has a source of its own */
    for (int odd = 0; odd < 2; odd++) {
        struct pair p;
        pair_open(&p, false);
        pair_connect(&p);
        shake_hands(&p, SIZE_MAX);
        assert_true(tls_keep_session(p.client));
        if (odd) /* one that needs one draw only */
            tls_free(tls_client_new(p.client_local, "", 443, tls_http1));
        enum ringsend_error error = RINGSEND_OK;
        random_fails = true;
        for (int i = 0; i < 200 && error == RINGSEND_OK; i++) {
            struct tls *t = tls_client_new(p.client_local, "www.example.com", 443, tls_http1);
            assert_non_null(t);
            error = tls_error(t);
            assert_int_equal(tls_state(t) == TLS_CLOSED, error != RINGSEND_OK);
            if (error != RINGSEND_OK)
                tls_forget_session(t); /* as after every failure */
            tls_free(t);
        }
        assert_int_equal(error, RINGSEND_E_TLS_NO_RANDOM);
        assert_true(tls_has_session(p.client_local, "www.example.com", 443, tls_http1));
        struct tls *server = tls_server_new(p.server_local);
        for (int i = 0; i < 200 && tls_error(server) == RINGSEND_OK; i++) {
            tls_free(server);
            server = tls_server_new(p.server_local);
        }
        assert_int_equal(tls_error(server), RINGSEND_E_TLS_NO_RANDOM);
        assert_int_equal(tls_state(server), TLS_CLOSED);
        tls_free(server);
        random_fails = false;
        pair_connect(&p);
        shake_hands(&p, SIZE_MAX);
        assert_true(tls_is_ready(p.client));
        pair_close(&p);
    }
}

/* One config, many threads; and a handshake that is fed on another thread than the rest. */
enum { THREADS = 4, THREAD_HANDSHAKES = 5 };

struct errand {
    struct tls *t;
    const char *wire;
    size_t bytes, used;
};

static void *feed_elsewhere(void *argument)
{
    struct errand *e = argument;
    e->used = tls_feed(e->t, e->wire, e->bytes);
    return NULL;
}

static void carry_by_thread(struct tls *from, struct tls *to)
{
    char wire[8192];
    pthread_t thread;
    struct errand e = {to, wire, tls_take(from, wire, sizeof wire), 0};
    assert_int_equal(pthread_create(&thread, NULL, feed_elsewhere, &e), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(e.used, e.bytes);
}

static void *shake_many_hands(void *argument)
{
    const struct pair *shared = argument;
    struct pair p = {.client_local = tls_local_new(shared->client_config, 1, NULL),
                     .server_local = tls_local_new(shared->server_config, 1, NULL)};
    for (int i = 0; i < THREAD_HANDSHAKES; i++) {
        pair_connect(&p);
        carry_by_thread(p.client, p.server);
        carry_by_thread(p.server, p.client);
        shake_hands(&p, SIZE_MAX);
        assert_true(tls_is_ready(p.client) && tls_is_ready(p.server));
        tls_keep_session(p.client);
        if (i == 2)
            tls_forget_session(p.client);
    }
    pair_disconnect(&p);
    tls_local_free(p.client_local);
    tls_local_free(p.server_local);
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    struct pair shared;
    pthread_t threads[THREADS];
    pair_open(&shared, false);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, shake_many_hands, &shared), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    pair_close(&shared);
}

/* ---- Sessions ---- */

static void test_sessions_are_kept_apart(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, false);
    pair_connect(&p);
    assert_false(tls_keep_session(p.client)); /* no handshake yet */
    shake_hands(&p, SIZE_MAX);
    assert_true(tls_keep_session(p.client));
    assert_true(tls_has_session(p.client_local, "WWW.example.com.", 443, tls_http1));
    assert_false(tls_has_session(p.client_local, "www.example.com", 8443, tls_http1));
    assert_false(tls_has_session(p.client_local, "127.0.0.1", 443, tls_http1));
    tls_forget_session(p.client);
    assert_false(tls_has_session(p.client_local, "www.example.com", 443, tls_http1));
    pair_close(&p);
}

static void test_oldest_session_leaves(void **state)
{
    (void)state;
    static const char *const hosts[] = {"a.wild.example.com", "b.wild.example.com",
                                        "c.wild.example.com", "d.wild.example.com",
                                        "e.wild.example.com", "f.wild.example.com"};
    struct pair p;
    pair_open(&p, false); /* remembers four */
    for (size_t i = 0; i < 6; i++) {
        pair_connect(&p);
        tls_free(p.client);
        p.client = tls_client_new(p.client_local, hosts[i], 443, tls_http1);
        shake_hands(&p, SIZE_MAX);
        assert_true(tls_keep_session(p.client));
        assert_true(
            tls_has_session(p.client_local, hosts[0], 443, tls_http1)); /* used, and so kept */
    }
    assert_false(tls_has_session(p.client_local, hosts[1], 443, tls_http1));
    assert_false(tls_has_session(p.client_local, hosts[2], 443, tls_http1));
    for (size_t i = 3; i < 6; i++)
        assert_true(tls_has_session(p.client_local, hosts[i], 443, tls_http1));
    pair_close(&p);
}

/* A session ends with the certificate that it rests on, and after a day. */
static void test_sessions_end(void **state)
{
    (void)state;
    struct file_name root = certs_file("root", ".pem");
    struct pair p;
    pair_open(&p, false);
    tls_local_free(p.client_local);
    tls_config_free(p.client_config);
    tls_config_free(p.server_config);
    p.server_config = new_server_config("short", "leaf", false);
    tls_local_free(p.server_local);
    p.server_local = tls_local_new(p.server_config, 4, NULL);
    int64_t day_4 = certs_now_s() + 5 * DAY_S - 2 * 3600;
    p.client_config = new_config(&(struct tls_options){.ca_file = root.text, .now_s = day_4});
    p.client_local = tls_local_new(p.client_config, 4, NULL);
    pair_connect(&p);
    shake_hands(&p, SIZE_MAX);
    assert_true(tls_keep_session(p.client));
    assert_true(tls_has_session(p.client_local, "www.example.com", 443, tls_http1));
    p.client_config->fixed_now_s = day_4 + 2 * 3600;
    assert_false(tls_has_session(p.client_local, "www.example.com", 443, tls_http1));
    pair_close(&p);

    pair_open(&p, false);
    pair_connect(&p);
    shake_hands(&p, SIZE_MAX);
    assert_true(tls_keep_session(p.client));
    p.client_config->fixed_now_s += DAY_S - 60;
    assert_true(tls_has_session(p.client_local, "www.example.com", 443, tls_http1));
    p.client_config->fixed_now_s += 120;
    assert_false(tls_has_session(p.client_local, "www.example.com", 443, tls_http1));
    pair_close(&p);
}

/* The server has forgotten: a full handshake, with its verification. */
static void test_server_forgot(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, false);
    pair_connect(&p);
    shake_hands(&p, SIZE_MAX);
    assert_true(tls_keep_session(p.client));
    pair_disconnect(&p);
    tls_local_free(p.server_local);
    p.server_local = tls_local_new(p.server_config, 0, NULL);
    pair_connect(&p);
    shake_hands(&p, SIZE_MAX);
    assert_true(tls_offered_session(p.client));
    assert_true(tls_is_ready(p.client));
    assert_false(tls_resumed(p.client));
    /* It names sessions though it remembers none, as nginx does: the next one is full again. */
    assert_true(tls_keep_session(p.client));
    pair_connect(&p);
    shake_hands(&p, SIZE_MAX);
    assert_true(tls_offered_session(p.client) && tls_is_ready(p.client));
    assert_false(tls_resumed(p.client));
    pair_close(&p);
}

/* A client that resumes and offers an ALPN name the server does not know: BearSSL's server reads
 * outside its list of names then, unless it has none. */
static void test_resuming_with_another_alpn(void **state)
{
    (void)state;
    struct pair p;
    char hello[512];
    pair_open(&p, false);
    pair_connect(&p);
    shake_hands(&p, SIZE_MAX);
    assert_true(tls_keep_session(p.client));
    pair_connect(&p);
    size_t bytes = tls_take(p.client, hello, sizeof hello);
    char *name = memmem(hello, bytes, "http/1.1", 8);
    assert_non_null(name);
    name[0] = 'x';
    assert_int_equal(tls_feed(p.server, hello, bytes), bytes);
    assert_true(tls_resumed(p.server));
    assert_int_equal(tls_state(p.server) & TLS_TAKE, TLS_TAKE);
    pair_close(&p);
}

/* ---- Peers that break the rules ---- */

#define BYTES(text) (text), sizeof(text) - 1
#define SECURE "\x00\x05\xff\x01\x00\x01\x00" /* a ServerHello's extensions: RFC 5746 */

static const struct script {
    const char *name, *bytes;
    size_t count;
    enum ringsend_error expected; /* after the bytes and the end of the stream */
} scripts[] = {
    {"nothing", BYTES(""), RINGSEND_E_TLS_CLOSED},
    {"plain http", BYTES("HTTP/1.1 400 Bad Request\r\n\r\n"), RINGSEND_E_TLS_PROTOCOL},
    {"ssh", BYTES("SSH-2.0-x\r\n"), RINGSEND_E_TLS_PROTOCOL},
    {"half a record", BYTES("\x16\x03\x03\x00\x40\x02\x00"), RINGSEND_E_TLS_CLOSED},
    {"alert handshake_failure", BYTES("\x15\x03\x03\x00\x02\x02\x28"), RINGSEND_E_TLS_REFUSED},
    {"alert protocol_version", BYTES("\x15\x03\x03\x00\x02\x02\x46"), RINGSEND_E_TLS_VERSION},
    {"alert protocol_version in 1.0", BYTES("\x15\x03\x01\x00\x02\x02\x46"),
     RINGSEND_E_TLS_VERSION},
    {"alert unrecognized_name", BYTES("\x15\x03\x03\x00\x02\x02\x70"), RINGSEND_E_TLS_REFUSED},
    {"alert no_application_protocol", BYTES("\x15\x03\x03\x00\x02\x02\x78"),
     RINGSEND_E_TLS_REFUSED},
    {"alert unknown to us", BYTES("\x15\x03\x03\x00\x02\x02\xc8"), RINGSEND_E_TLS_REFUSED},
    {"alert internal_error", BYTES("\x15\x03\x03\x00\x02\x02\x50"), RINGSEND_E_TLS_REFUSED},
    {"warning, then end", BYTES("\x15\x03\x03\x00\x02\x01\x70"), RINGSEND_E_TLS_CLOSED},
    {"farewell", BYTES("\x15\x03\x03\x00\x02\x01\x00"), RINGSEND_E_TLS_CLOSED},
    {"version 4", BYTES("\x16\x04\x00\x00\x02\x02\x00"), RINGSEND_E_TLS_VERSION},
    {"record too long", BYTES("\x16\x03\x03\xff\xff\x02\x00"), RINGSEND_E_TLS_PROTOCOL},
    {"data first", BYTES("\x16\x03\x03\x00\x00\x17\x03\x03\x00\x02hi"), RINGSEND_E_TLS_PROTOCOL},
    {"client hello", BYTES("\x16\x03\x03\x00\x04\x01\x00\x00\x00"), RINGSEND_E_TLS_PROTOCOL},
    {"tls 1.0 hello",
     BYTES("\x16\x03\x01\x00\x2a\x02\x00\x00\x26\x03\x01"
           "0123456789abcdef0123456789abcdef"
           "\x00\xc0\x13\x00"),
     RINGSEND_E_TLS_VERSION},
    {"suite nobody offered",
     BYTES("\x16\x03\x03\x00\x2a\x02\x00\x00\x26\x03\x03"
           "0123456789abcdef0123456789abcdef"
           "\x00\x00\x0a\x00"),
     RINGSEND_E_TLS_PROTOCOL},
    {"compression",
     BYTES("\x16\x03\x03\x00\x2a\x02\x00\x00\x26\x03\x03"
           "0123456789abcdef0123456789abcdef"
           "\x00\xc0\x2b\x01"),
     RINGSEND_E_TLS_PROTOCOL},
    {"no certificate",
     BYTES("\x16\x03\x03\x00\x38\x02\x00\x00\x2d\x03\x03"
           "0123456789abcdef0123456789abcdef"
           "\x00\xc0\x2b\x00" SECURE "\x0b\x00\x00\x03\x00\x00\x00"),
     RINGSEND_E_TLS_PROTOCOL},
    {"certificate that is none",
     BYTES("\x16\x03\x03\x00\x3d\x02\x00\x00\x2d\x03\x03"
           "0123456789abcdef0123456789abcdef"
           "\x00\xc0\x2b\x00" SECURE "\x0b\x00\x00\x08\x00\x00\x05\x00\x00\x02\x30\x00"),
     RINGSEND_E_TLS_BAD_CERTIFICATE},
    {"hello without secure renegotiation",
     BYTES("\x16\x03\x03\x00\x2a\x02\x00\x00\x26\x03\x03"
           "0123456789abcdef0123456789abcdef"
           "\x00\xc0\x2b\x00"),
     RINGSEND_E_TLS_RENEGOTIATION},
    {"certificate of 15 MB",
     BYTES("\x16\x03\x03\x00\x3b\x02\x00\x00\x2d\x03\x03"
           "0123456789abcdef0123456789abcdef"
           "\x00\xc0\x2b\x00" SECURE "\x0b\xf0\x00\x06\xf0\x00\x03\xf0\x00\x00"),
     RINGSEND_E_TLS_BAD_CHAIN},
    {"finished at once", BYTES("\x16\x03\x03\x00\x04\x14\x00\x00\x00"), RINGSEND_E_TLS_PROTOCOL},
};

static void test_scripts(void **state)
{
    (void)state;
    struct pair p;
    int alerts = 0;
    pair_open(&p, false);
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        for (size_t piece = 1; piece <= 64; piece *= 64) {
            const struct script *s = &scripts[i];
            struct tls *t = tls_client_new(p.client_local, "www.example.com", 443, tls_http1);
            size_t at = 0, used = 1;
            char hello[512];
            tls_take(t, hello, sizeof hello);
            while (at < s->count && used > 0) {
                used = tls_feed(t, s->bytes + at, piece < s->count - at ? piece : s->count - at);
                at += used;
            }
            enum ringsend_error error = tls_end(t);
            if (error != s->expected)
                fail_msg("%s: %s instead of %s (%s)", s->name, ringsend_error_name(error),
                         ringsend_error_name(s->expected), tls_detail(t) ? tls_detail(t) : "");
            if (with_openssl()) { /* says what it thinks of any of them */
                while (tls_take(t, hello, sizeof hello) > 0)
                    assert_true(hello[0] == 21 && hello[5] <= 2);
            } else if (tls_state(t) & TLS_TAKE) { /* who sends one that is none hears of it */
                assert_int_equal(tls_take(t, hello, sizeof hello), 7);
                hello[6] = hello[6] == 40 && error == RINGSEND_E_TLS_RENEGOTIATION ? 42 : hello[6];
                assert_memory_equal(hello, "\x15\x03\x03\x00\x02\x02\x2a", 7);
                alerts++;
            }
            assert_int_equal(tls_state(t), TLS_CLOSED);
            assert_false(tls_is_ready(t));
            assert_int_equal(tls_error(t), error);
            tls_free(t);
        }
    }
    assert_int_equal(alerts, with_openssl() ? 0 : 3 * 2);
    pair_close(&p);
}

/* Somebody in between changes one byte of what the server says: never ready, whichever it is. */
static void test_tampering(void **state)
{
    (void)state;
    struct pair p;
    static char wire[1 << 16], hello[512];
    pair_open(&p, false);
    size_t bytes = 1;
    for (size_t at = 0; at < bytes; at += 3) {
        pair_connect(&p);
        size_t hello_bytes = tls_take(p.client, hello, sizeof hello);
        tls_feed(p.server, hello, hello_bytes);
        bytes = tls_take(p.server, wire, sizeof wire);
        if (at >= bytes)
            break; /* an ECDSA signature is not always equally long */
        wire[at] = (char)(wire[at] ^ 0x20);
        tls_feed(p.client, wire, bytes);
        shake_hands(&p, SIZE_MAX);
        if (tls_is_ready(p.client))
            fail_msg("byte %zu of the server's flight may change unnoticed", at);
        tls_end(p.client);
        assert_true(tls_error(p.client) != RINGSEND_OK);
    }
    assert_true(bytes > 500);
    pair_close(&p);
}

/* A damaged record after the handshake. */
static void test_damaged_record(void **state)
{
    (void)state;
    struct pair p;
    char wire[256];
    pair_open(&p, false);
    pair_connect(&p);
    shake_hands(&p, SIZE_MAX);
    assert_int_equal(tls_write(p.server, "hello", 5), 5);
    tls_flush(p.server);
    size_t bytes = tls_take(p.server, wire, sizeof wire), ready;
    wire[bytes - 1] ^= 1;
    tls_feed(p.client, wire, bytes);
    assert_int_equal(tls_error(p.client), RINGSEND_E_TLS_PROTOCOL);
    assert_null(tls_peek(p.client, &ready));
    tls_take(p.client, wire, sizeof wire); /* an alert, perhaps */
    assert_int_equal(tls_state(p.client), TLS_CLOSED);
    pair_close(&p);
}

/* The stream ends without farewell: no failure by itself, but to be told apart. */
static void test_cut_off(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, false);
    pair_connect(&p);
    shake_hands(&p, SIZE_MAX);
    assert_int_equal(tls_end(p.client), RINGSEND_OK);
    assert_false(tls_peer_closed(p.client));
    pair_close(&p);
}

/* A server whose key is not the certificate's: caught by the signature of the key exchange. */
static void test_stolen_certificate(void **state)
{
    (void)state;
    struct pair p;
    struct file_name other = certs_file("other", ".key"), self = certs_file("good", ".chain");
    char message[300];
    pair_open(&p, false);
    /* The reader of files refuses such a pair ... */
    assert_null(tls_config_new(
        &(struct tls_options){.server = true, .chain_file = self.text, .key_file = other.text},
        message, sizeof message));
    assert_non_null(strstr(message, "does not belong"));
    /* ... so put the wrong key in by hand. */
    p.server_config->bear->identity.key.ec.x[5] ^= 1;
    pair_connect(&p);
    shake_hands(&p, SIZE_MAX);
    assert_int_equal(tls_error(p.client), RINGSEND_E_TLS_BAD_SIGNATURE);
    pair_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life_in_pieces),
        cmocka_unit_test(test_every_split),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_fresh_random_bytes),
        cmocka_unit_test(test_hello_is_bearssl_s),
        cmocka_unit_test(test_no_host),
        cmocka_unit_test(test_no_random_bytes),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_sessions_are_kept_apart),
        cmocka_unit_test(test_oldest_session_leaves),
        cmocka_unit_test(test_sessions_end),
        cmocka_unit_test(test_server_forgot),
        cmocka_unit_test(test_resuming_with_another_alpn),
        cmocka_unit_test(test_scripts),
        cmocka_unit_test(test_tampering),
        cmocka_unit_test(test_damaged_record),
        cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_stolen_certificate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
