/* OpenSSL's connections against a peer in this process that does what no server does when asked: it
 * updates its keys in the middle of an answer, cuts its messages anywhere, goes without farewell,
 * gives tickets and stops giving them. The peer is OpenSSL itself, linked, over memory. */
#include "pair.h"

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
    for (size_t at = 0; bytes > 0 && at < (size_t)bytes;) {
        size_t ready, n = (size_t)bytes - at < piece ? (size_t)bytes - at : piece;
        size_t used = tls_feed(t, wire + at, n);
        const char *plain = tls_peek(t, &ready);
        size_t have = strlen(text);
        assert_true(used > 0 || ready > 0);
        assert_true(have + ready < room);
        memcpy(text + have, plain ? plain : "", ready);
        text[have + ready] = 0;
        tls_consume(t, ready);
        at += used;
    }
}

static struct tls *greet(struct tls_local *local, struct peer *p, size_t piece)
{
    char text[64] = "";
    struct tls *t = tls_client_new(local, "www.example.com", 443);
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

static void sides_close(struct sides *s)
{
    tls_local_free(s->local);
    tls_config_free(s->config);
    SSL_CTX_free(s->peer.context);
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
            assert_true(tls_has_session(s.local, "www.example.com", 443));
            t = greet(s.local, &s.peer, piece);
            assert_true(tls_offered_session(t) && tls_resumed(t));
            tls_keep_session(t);
            part(t, &s.peer);
        }
        assert_false(tls_has_session(s.local, "www.example.com", 443));
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
    assert_true(tls_has_session(s.local, "www.example.com", 443));
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

/* An end without farewell is told from one with it. */
static void test_farewell(void **state)
{
    (void)state;
    for (int said = 0; said < 2; said++) {
        struct sides s;
        char text[64] = "";
        sides_open(&s);
        struct tls *t = greet(s.local, &s.peer, SIZE_MAX);
        assert_int_equal(SSL_write(s.peer.ssl, "all", 3), 3);
        if (said)
            SSL_shutdown(s.peer.ssl);
        to_client(&s.peer, t, SIZE_MAX, text, sizeof text);
        assert_string_equal(text, "all");
        assert_int_equal(tls_end(t), RINGSEND_OK);
        assert_int_equal(tls_peer_closed(t), said);
        part(t, &s.peer);
        sides_close(&s);
    }
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
    struct tls *t = tls_client_new(s.local, "www.example.com", 443);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tickets),    cmocka_unit_test(test_late_tickets),
        cmocka_unit_test(test_key_update), cmocka_unit_test(test_farewell),
        cmocka_unit_test(test_made_older),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
