/* Connections against a peer in this process that does what no server does when asked: it
 * updates its keys in the middle of an answer, cuts its messages anywhere, goes without farewell,
 * gives tickets and stops giving them, chooses protocols that nobody offered. The peer is OpenSSL
 * itself, linked, over memory; the clients are of both libraries where both can. */
#include "pair.h"

#include "base/random.h"
#include "tls/x509/form.h"

#include <openssl/ssl.h>

struct peer {
    SSL_CTX *context;
    SSL *ssl;
    BIO *in, *out;
};

static SSL_CTX *new_context(void)
{
    struct file_name chain = certs_file("good", ".chain"), key = certs_file("leaf", ".key");
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate_chain_file(context, chain.text), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(context, key.text, SSL_FILETYPE_PEM), 1);
    assert_int_equal(SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION), 1);
    return context;
}

static void peer_open(struct peer *p)
{
    p->ssl = SSL_new(p->context);
    p->in = BIO_new(BIO_s_mem());
    p->out = BIO_new(BIO_s_mem());
    SSL_set_bio(p->ssl, p->in, p->out);
    SSL_set_accept_state(p->ssl);
}

/* What the client has to say reaches the peer, which reads it. */
static void to_peer(struct tls *t, struct peer *p)
{
    char wire[1 << 15];
    size_t bytes;
    while ((bytes = tls_take(t, wire, sizeof wire)) > 0)
        assert_int_equal(BIO_write(p->in, wire, (int)bytes), bytes);
    if (!SSL_is_init_finished(p->ssl))
        SSL_do_handshake(p->ssl);
}

/* What the peer has to say reaches the client in such pieces; plain bytes go to `text`. */
static void to_client(struct peer *p, struct tls *t, size_t piece, char *text, size_t room)
{
    static char wire[1 << 16];
    int bytes = BIO_read(p->out, wire, sizeof wire);
    for (size_t at = 0; bytes > 0 && at < (size_t)bytes && !tls_error(t);) {
        size_t ready, n = (size_t)bytes - at < piece ? (size_t)bytes - at : piece;
        size_t used = tls_feed(t, wire + at, n);
        const char *plain = tls_peek(t, &ready);
        size_t have = strlen(text);
        assert_true(used > 0 || ready > 0 || tls_error(t) || tls_state(t) & TLS_TAKE);
        assert_true(have + ready < room);
        memcpy(text + have, plain ? plain : "", ready);
        text[have + ready] = 0;
        tls_consume(t, ready);
        at += used;
        if (used == 0 && ready == 0)
            to_peer(t, p); /* it has to say something first */
    }
}

static struct tls *greet(struct tls_local *local, struct peer *p, size_t piece)
{
    char text[64] = "";
    struct tls *t = tls_client_new(local, "www.example.com", 443, tls_http1);
    assert_non_null(t);
    peer_open(p);
    for (int i = 0; i < 4; i++) {
        to_peer(t, p);
        to_client(p, t, piece, text, sizeof text);
    }
    assert_int_equal(tls_error(t), RINGSEND_OK);
    assert_true(tls_is_ready(t) && SSL_is_init_finished(p->ssl));
    assert_string_equal(text, "");
    return t;
}

static void part(struct tls *t, struct peer *p)
{
    tls_free(t);
    SSL_set_shutdown(p->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(p->ssl);
}

struct sides {
    struct tls_config *config;
    struct tls_local *local;
    struct peer peer;
};

static void sides_open(struct sides *s)
{
    s->config = new_client_config("root", false);
    s->local = tls_local_new(s->config, 16, NULL);
    s->peer.context = new_context();
}

static void sides_open_by(struct sides *s, enum tls_choice library, int version)
{
    char message[300] = "";
    struct file_name ca = certs_file("root", ".pem");
    s->config = tls_config_new(
        &(struct tls_options){.ca_file = ca.text, .now_s = certs_now_s(), .library = library},
        message, sizeof message);
    assert_non_null(s->config);
    s->local = tls_local_new(s->config, 16, NULL);
    s->peer.context = new_context();
    assert_int_equal(SSL_CTX_set_min_proto_version(s->peer.context, TLS1_2_VERSION), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(s->peer.context, version), 1);
}

static void sides_close(struct sides *s)
{
    tls_local_free(s->local);
    tls_config_free(s->config);
    SSL_CTX_free(s->peer.context);
}

static struct tls *offer(struct sides *s, tls_protocols protocols)
{
    char text[64] = "";
    struct tls *t = tls_client_new(s->local, "www.example.com", 443, protocols);
    assert_non_null(t);
    peer_open(&s->peer);
    for (int i = 0; i < 4 && tls_error(t) == RINGSEND_OK; i++) {
        to_peer(t, &s->peer);
        to_client(&s->peer, t, SIZE_MAX, text, sizeof text);
    }
    return t;
}

/* Messages behind the handshake cut in pieces of every length; each ticket serves once. */
static void test_tickets(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < 300; piece += piece < 40 ? 1 : 37) {
        struct sides s;
        sides_open(&s);
        struct tls *t = greet(s.local, &s.peer, piece);
        assert_string_equal(tls_version_name(t), "TLS 1.3");
        assert_false(tls_resumed(t));
        assert_true(tls_keep_session(t));
        part(t, &s.peer);
        SSL_CTX_set_num_tickets(s.peer.context, 0);
        for (int i = 0; i < 2; i++) { /* as many as came */
            assert_true(tls_has_session(s.local, "www.example.com", 443, tls_http1));
            t = greet(s.local, &s.peer, piece);
            assert_true(tls_offered_session(t) && tls_resumed(t));
            tls_keep_session(t);
            part(t, &s.peer);
        }
        assert_false(tls_has_session(s.local, "www.example.com", 443, tls_http1));
        sides_close(&s);
    }
}

/* Tickets that come with the first answer, or later, are kept as well. */
static void test_late_tickets(void **state)
{
    (void)state;
    struct sides s;
    char text[64] = "";
    sides_open(&s);
    SSL_CTX_set_num_tickets(s.peer.context, 0);
    struct tls *t = greet(s.local, &s.peer, SIZE_MAX);
    assert_false(tls_keep_session(t));
    assert_int_equal(SSL_new_session_ticket(s.peer.ssl), 1);
    assert_int_equal(SSL_write(s.peer.ssl, "answer", 6), 6);
    to_client(&s.peer, t, 1, text, sizeof text);
    assert_string_equal(text, "answer");
    assert_true(tls_has_session(s.local, "www.example.com", 443, tls_http1));
    part(t, &s.peer);
    sides_close(&s);
}

/* The peer takes new keys in the middle of what it says, and asks for ours to be new. */
static void test_key_update(void **state)
{
    (void)state;
    static const char half[3000] = {[0 ... 2998] = 'x'};
    for (size_t piece = 1; piece <= 4096; piece *= 4) {
        struct sides s;
        char text[8192] = "", got[64] = "";
        sides_open(&s);
        struct tls *t = greet(s.local, &s.peer, piece);
        for (int i = 0; i < 2; i++) {
            assert_int_equal(SSL_write(s.peer.ssl, half, 2999), 2999);
            assert_int_equal(SSL_key_update(s.peer.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        }
        assert_int_equal(SSL_write(s.peer.ssl, "end", 3), 3);
        to_client(&s.peer, t, piece, text, sizeof text);
        assert_int_equal(strlen(text), 2 * 2999 + 3);
        assert_int_equal(tls_write(t, "request", 7), 7);
        tls_flush(t);
        to_peer(t, &s.peer);
        assert_int_equal(SSL_read(s.peer.ssl, got, sizeof got - 1), 7);
        assert_string_equal(got, "request");
        part(t, &s.peer);
        sides_close(&s);
    }
}

static const struct kind {
    enum tls_choice library;
    int version;
} kinds[] = {
    {TLS_BEARSSL, TLS1_2_VERSION}, {TLS_OPENSSL, TLS1_2_VERSION}, {TLS_OPENSSL, TLS1_3_VERSION}};

enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* An end without farewell is told from one with it, which may come in pieces. */
static void test_farewell(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * KINDS * 12; i++) {
        struct sides s;
        char text[64] = "";
        bool said = i % 2;
        sides_open_by(&s, kinds[i / 2 % KINDS].library, kinds[i / 2 % KINDS].version);
        struct tls *t = greet(s.local, &s.peer, SIZE_MAX);
        assert_int_equal(SSL_write(s.peer.ssl, "all", 3), 3);
        if (said)
            SSL_shutdown(s.peer.ssl);
        to_client(&s.peer, t, i / (2 * KINDS) + 1, text, sizeof text);
        assert_string_equal(text, "all");
        assert_int_equal(tls_end(t), RINGSEND_OK);
        assert_int_equal(tls_peer_closed(t), said);
        part(t, &s.peer);
        sides_close(&s);
    }
}

/* A server of 1.2 asks for another handshake, cut at every byte, and answers all the same. */
static void test_hello_request(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * 40; i++) {
        struct sides s;
        char text[64] = "";
        sides_open_by(&s, kinds[i % 2].library, TLS1_2_VERSION);
        struct tls *t = greet(s.local, &s.peer, SIZE_MAX);
        assert_int_equal(SSL_renegotiate(s.peer.ssl), 1);
        assert_int_equal(SSL_do_handshake(s.peer.ssl), 1);
        assert_int_equal(SSL_write(s.peer.ssl, "answer", 6), 6);
        to_client(&s.peer, t, i / 2 + 1, text, sizeof text);
        assert_string_equal(text, "answer");
        to_peer(t, &s.peer);
        assert_true(tls_declined_renegotiation(t));
        assert_int_equal(tls_error(t), RINGSEND_OK);
        part(t, &s.peer);
        sides_close(&s);
    }
}

/* As servers in FIPS mode do (RFC 7627 5.3). */
static int demand_extended(SSL *ssl, int *alert, void *count)
{
    const unsigned char *data;
    size_t bytes;
    ++*(int *)count;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_extended_master_secret, &data, &bytes))
        return SSL_CLIENT_HELLO_SUCCESS;
    *alert = SSL_AD_HANDSHAKE_FAILURE;
    return SSL_CLIENT_HELLO_ERROR;
}

/* BearSSL has no extended master secret; OpenSSL is asked then, and goes on. */
static void test_extended_master_secret(void **state)
{
    (void)state;
    struct sides s;
    int hellos = 0;
    sides_open_by(&s, TLS_AUTO, TLS1_2_VERSION);
    SSL_CTX_set_client_hello_cb(s.peer.context, demand_extended, &hellos);
    struct tls *t = offer(&s, tls_http1);
    assert_int_equal(tls_error(t), RINGSEND_E_TLS_REFUSED);
    assert_non_null(strstr(tls_detail(t), "extended master secret"));
    assert_true(tls_ask_again(t));
    part(t, &s.peer);
    for (int i = 0; i < 2; i++) {
        t = offer(&s, tls_http1);
        assert_true(tls_is_ready(t));
        assert_string_equal(tls_library_name(t), "OpenSSL");
        assert_int_equal(SSL_get_extms_support(s.peer.ssl), 1);
        assert_int_equal(tls_resumed(t), i == 1);
        assert_true(tls_keep_session(t));
        part(t, &s.peer);
    }
    assert_int_equal(hellos, 3);
    sides_close(&s);
}

/* A server of 1.3 that is made to speak 1.2 to one that offered more says so in its random bytes
 * (RFC 8446 4.1.3); who offers 1.2 alone, as BearSSL does, has nothing to compare. */
static void test_made_older(void **state)
{
    (void)state;
    struct sides s;
    static char wire[1 << 15];
    sides_open(&s);
    assert_int_equal(SSL_CTX_set_min_proto_version(s.peer.context, TLS1_2_VERSION), 1);
    struct tls *t = tls_client_new(s.local, "www.example.com", 443, tls_http1);
    size_t bytes = tls_take(t, wire, sizeof wire);
    /* supported_versions (43) is renamed: somebody in between has taken 1.3 out. */
    char *at = memmem(wire, bytes, "\x00\x2b\x00\x05\x04\x03\x04\x03\x03", 9);
    assert_non_null(at);
    at[1] = 0x7b;
    peer_open(&s.peer);
    assert_int_equal(BIO_write(s.peer.in, wire, (int)bytes), bytes);
    SSL_do_handshake(s.peer.ssl);
    int answered = BIO_read(s.peer.out, wire, sizeof wire);
    assert_true(answered > 0);
    tls_feed(t, wire, (size_t)answered);
    assert_int_equal(tls_error(t), RINGSEND_E_TLS_PROTOCOL);
    assert_non_null(strstr(tls_detail(t), "a lower one"));
    part(t, &s.peer);
    sides_close(&s);
}

/* ---- Certificates ---- */

/* What OpenSSL cannot take apart it refuses before we are asked: then BearSSL's side must refuse it
 * too, though nothing in it may matter. Each byte of some certificates is changed. */
static void damage(const char *name, uint64_t *seed, size_t *refused, size_t *both)
{
    struct file_name file = certs_file(name, ".pem");
    FILE *pem = fopen(file.text, "r");
    unsigned char *der = NULL, copy[8192];
    assert_non_null(pem);
    X509 *whole = PEM_read_X509(pem, NULL, NULL, NULL);
    int bytes = i2d_X509(whole, &der);
    fclose(pem);
    assert_in_range(bytes, 1, sizeof copy);
    assert_true(cert_has_form((struct der){der, der + bytes}));
    for (int i = 0; i < bytes * 16; i++) {
        const unsigned char *at = copy;
        int used = i % 7 == 0 ? (int)(random_at(7, (*seed)++) % (unsigned)bytes) : bytes;
        memcpy(copy, der, (size_t)bytes);
        copy[i % bytes] = i < bytes * 8 ? (unsigned char)(der[i % bytes] ^ (1 << i / bytes))
                                        : (unsigned char)random_at(7, (*seed)++);
        if (i % 3 == 0)
            copy[random_at(7, (*seed)++) % (unsigned)bytes] ^= (unsigned char)(1 << i % 8);
        X509 *parsed = d2i_X509(NULL, &at, used);
        bool taken = parsed && at == copy + used;
        bool form = cert_has_form((struct der){copy, copy + used});
        if (form && !taken)
            fail_msg("%s, change %d: only OpenSSL refuses it", name, i);
        *refused += !form;
        *both += !form && !taken;
        X509_free(parsed);
    }
    OPENSSL_free(der);
    X509_free(whole);
}

static void test_form(void **state)
{
    (void)state;
    uint64_t seed = 0;
    size_t refused = 0, both = 0;
    static const char *const names[] = {"good", "inter", "root-rsa", "ed25519-key", "usage-client"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        damage(names[i], &seed, &refused, &both);
    print_message("  %zu refused, %zu by both\n", refused, both);
    assert_true(both > 1000);
}

/* ---- ALPN ---- */

static int choose(SSL *ssl, const unsigned char **out, unsigned char *out_bytes,
                  const unsigned char *in, unsigned in_bytes, void *name)
{
    (void)ssl;
    (void)in;
    (void)in_bytes;
    *out = name;
    *out_bytes = (unsigned char)strlen(name);
    return *out_bytes > 0 ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

static const char *const both_protocols[] = {"h2", "http/1.1", NULL};
static const char *const many_protocols[] = {"0123456789abcdef", "0123456789abcdeg",
                                             "0123456789abcdeh", "012345678901", NULL};
static const char *const no_protocols[] = {NULL};

static const struct answer {
    tls_protocols offered;
    const char *chosen; /* empty: none */
    bool refused;
} answers[] = {
    {both_protocols, "h2", false},
    {both_protocols, "http/1.1", false},
    {both_protocols, "", false},
    {both_protocols, "h3", true},
    {both_protocols, "H2", true},
    {both_protocols, "h", true},
    {both_protocols, "http/1.", true},
    {both_protocols, "http/1.11", true},
    {tls_http1, "http/1.1", false},
    {tls_http1, "h2", true},
    {many_protocols, "012345678901", false},
    {many_protocols, "0123456789abcdeg", false},
    {no_protocols, "h2", false}, /* and so the server is not asked */
    {NULL, "h2", false},
};

static void answer_by(const struct answer *a, enum tls_choice library, int version)
{
    struct sides s;
    char wire[1024];
    sides_open_by(&s, library, version);
    SSL_CTX_set_alpn_select_cb(s.peer.context, choose, (void *)(uintptr_t)a->chosen);
    struct tls *t = offer(&s, a->offered);
    assert_int_equal(tls_error(t), a->refused ? RINGSEND_E_TLS_PROTOCOL : RINGSEND_OK);
    assert_int_equal(tls_is_ready(t), !a->refused);
    if (a->refused) {
        size_t bytes = tls_take(t, wire, sizeof wire);
        assert_true(bytes == 0 || (bytes == 7 && wire[0] == 21)); /* at most an alert leaves */
        assert_false(tls_keep_session(t));
    } else if (a->chosen[0] && a->offered && a->offered[0]) {
        assert_string_equal(tls_protocol(t), a->chosen);
    } else {
        assert_null(tls_protocol(t));
    }
    part(t, &s.peer);
    sides_close(&s);
}

static void test_protocols(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        for (size_t k = 0; k < KINDS; k++)
            answer_by(&answers[i], kinds[k].library, kinds[k].version);
    }
}

/* A session serves those who offer what it was made with; the server chooses each time. */
static void sessions_by(enum tls_choice library, int version)
{
    struct sides s;
    sides_open_by(&s, library, version);
    SSL_CTX_set_alpn_select_cb(s.peer.context, choose, (void *)(uintptr_t) "h2");
    struct tls *t = offer(&s, both_protocols);
    assert_true(tls_keep_session(t));
    assert_true(tls_has_session(s.local, "www.example.com", 443, both_protocols));
    assert_false(tls_has_session(s.local, "www.example.com", 443, tls_http1));
    assert_false(tls_has_session(s.local, "www.example.com", 443, NULL));
    part(t, &s.peer);
    SSL_CTX_set_alpn_select_cb(s.peer.context, choose, (void *)(uintptr_t) "http/1.1");
    t = offer(&s, tls_http1);
    assert_true(tls_is_ready(t) && !tls_offered_session(t) && !tls_resumed(t));
    part(t, &s.peer);
    t = offer(&s, both_protocols);
    assert_true(tls_is_ready(t) && tls_offered_session(t) && tls_resumed(t));
    assert_string_equal(tls_protocol(t), "http/1.1");
    part(t, &s.peer);
    SSL_CTX_set_alpn_select_cb(s.peer.context, choose, (void *)(uintptr_t) "h3");
    t = offer(&s, both_protocols);
    assert_true(tls_is_ready(t) || tls_error(t) == RINGSEND_E_TLS_PROTOCOL);
    assert_int_equal(tls_error(t), RINGSEND_E_TLS_PROTOCOL);
    part(t, &s.peer);
    sides_close(&s);
}

static void test_protocols_and_sessions(void **state)
{
    (void)state;
    for (size_t k = 0; k < KINDS; k++)
        sessions_by(kinds[k].library, kinds[k].version);
}

/* Answers in no form, in the ServerHello of 1.2: the length of the list, of the name, both. */
static void test_malformed_protocols(void **state)
{
    (void)state;
    static const char good[] = "\x00\x10\x00\x05\x00\x03\x02h2";
    static const struct {
        size_t at;
        char byte;
    } damages[] = {{5, 4}, {5, 2}, {5, 0}, {6, 1}, {6, 0}, {6, 3}, {6, (char)0xff}, {4, 1}};
    for (size_t i = 0; i < 2 * sizeof damages / sizeof damages[0]; i++) {
        struct sides s;
        static char wire[1 << 15];
        sides_open_by(&s, i % 2 ? TLS_OPENSSL : TLS_BEARSSL, TLS1_2_VERSION);
        SSL_CTX_set_alpn_select_cb(s.peer.context, choose, (void *)(uintptr_t) "h2");
        struct tls *t = tls_client_new(s.local, "www.example.com", 443, both_protocols);
        peer_open(&s.peer);
        to_peer(t, &s.peer);
        int bytes = BIO_read(s.peer.out, wire, sizeof wire);
        char *answer = memmem(wire, (size_t)bytes, good, sizeof good - 1);
        assert_non_null(answer);
        answer[damages[i / 2].at] = damages[i / 2].byte;
        tls_feed(t, wire, (size_t)bytes);
        assert_int_equal(tls_error(t), RINGSEND_E_TLS_PROTOCOL);
        part(t, &s.peer);
        sides_close(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tickets),
        cmocka_unit_test(test_late_tickets),
        cmocka_unit_test(test_key_update),
        cmocka_unit_test(test_farewell),
        cmocka_unit_test(test_made_older),
        cmocka_unit_test(test_hello_request),
        cmocka_unit_test(test_extended_master_secret),
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_protocols),
        cmocka_unit_test(test_protocols_and_sessions),
        cmocka_unit_test(test_malformed_protocols),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
