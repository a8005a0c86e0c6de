/* Who is believed: a table of servers, good ones and each way to be bad, against our own client.
 *
 * Each is judged three ways. By a handshake with the authorities named: the outcome must be the one
 * in the table. With an authority that has nothing to do with it: refused, always. Without
 * verification: accepted, always, which shows that nothing but the verification had refused it. */
#include "pair.h"

#include "tls/bearssl/crypto.h"
#include "tls/x509/path.h"
#include "tls/x509/pem.h"

struct server {
    const char *chain, *key, *ca, *host;
    enum ringsend_error expected;
    int days; /* added to the day of the certificates */
};

#define WWW "www.example.com"
#define GOOD(chain, key, ca)                \
    {                                       \
        chain, key, ca, WWW, RINGSEND_OK, 0 \
    }
#define BAD(chain, key, ca, error)                     \
    {                                                  \
        chain, key, ca, WWW, RINGSEND_E_TLS_##error, 0 \
    }
#define CHAIN(chain, error)                  \
    {                                        \
        chain, "leaf", "root", WWW, error, 0 \
    }

static const struct server servers[] = {
    /* good */
    GOOD("good", "leaf", "root"),
    GOOD("good", "leaf", "two-roots"),
    GOOD("good-root", "leaf", "root"),
    GOOD("good-deep", "leaf", "root"),
    GOOD("good-p384", "p384", "root"),
    GOOD("good-p521", "p521", "root"),
    GOOD("good-rsa2048", "rsa2048", "root"),
    GOOD("good-rsa4096", "rsa4096", "root"),
    GOOD("good-by-rsa", "leaf", "root-rsa"),
    GOOD("good-by-p384", "leaf", "root-p384"),
    GOOD("good-v1", "leaf", "root-v1"),
    GOOD("good-no-usage", "leaf", "root"),
    GOOD("good-both-usages", "leaf", "root"),
    GOOD("good-sha512", "leaf", "root"),
    GOOD("good-email", "leaf", "root"),
    GOOD("unknown-plain", "leaf", "root"),
    {"good", "leaf", "root", WWW, RINGSEND_OK, 3000},
    /* something else beside it */
    GOOD("beside-good", "leaf", "root"),
    CHAIN("beside-junk", RINGSEND_E_TLS_BAD_CERTIFICATE),
    CHAIN("beside-cut", RINGSEND_E_TLS_BAD_CERTIFICATE),
    CHAIN("beside-more", RINGSEND_E_TLS_BAD_CERTIFICATE),
    /* trusted without an authority */
    GOOD("self-signed", "leaf", "self-signed"),
    GOOD("missing-inter", "leaf", "good"),
    GOOD("missing-inter", "leaf", "inter"),
    {"self-signed", "leaf", "self-signed", "www.example.org", RINGSEND_E_TLS_WRONG_HOST, 0},
    {"self-signed", "leaf", "self-signed", WWW, RINGSEND_E_TLS_EXPIRED, 4000},
    /* hosts */
    {"good", "leaf", "root", "WWW.Example.COM", RINGSEND_OK, 0},
    {"good", "leaf", "root", "www.example.com.", RINGSEND_OK, 0},
    {"good", "leaf", "root", "a.wild.example.com", RINGSEND_OK, 0},
    {"good", "leaf", "root", "wild.example.com", RINGSEND_E_TLS_WRONG_HOST, 0},
    {"good", "leaf", "root", "a.b.wild.example.com", RINGSEND_E_TLS_WRONG_HOST, 0},
    {"good", "leaf", "root", ".wild.example.com", RINGSEND_E_TLS_WRONG_HOST, 0},
    {"good", "leaf", "root", "example.com", RINGSEND_E_TLS_WRONG_HOST, 0}, /* *.com */
    {"good", "leaf", "root", "127.0.0.1", RINGSEND_OK, 0},
    {"good", "leaf", "root", "::1", RINGSEND_OK, 0},
    {"good", "leaf", "root", "127.0.0.2", RINGSEND_E_TLS_WRONG_HOST, 0},
    {"good", "leaf", "root", "::2", RINGSEND_E_TLS_WRONG_HOST, 0},
    {"dns-only", "leaf", "root", "127.0.0.1", RINGSEND_E_TLS_WRONG_HOST, 0},
    {"ip-as-dns", "leaf", "root", "127.0.0.1", RINGSEND_E_TLS_WRONG_HOST, 0},
    {"no-san", "leaf", "root", WWW, RINGSEND_E_TLS_WRONG_HOST, 0},
    {"other-host", "leaf", "root", WWW, RINGSEND_E_TLS_WRONG_HOST, 0},
    /* dates */
    {"good", "leaf", "root", WWW, RINGSEND_E_TLS_NOT_YET_VALID, -1},
    {"good", "leaf", "root", WWW, RINGSEND_E_TLS_EXPIRED, 3660},
    {"short", "leaf", "root", WWW, RINGSEND_OK, 4},
    {"short", "leaf", "root", WWW, RINGSEND_E_TLS_EXPIRED, 6},
    {"by-inter-short", "leaf", "root", WWW, RINGSEND_OK, 4},
    {"by-inter-short", "leaf", "root", WWW, RINGSEND_E_TLS_EXPIRED, 6},
    {"by-root-short", "leaf", "root-short", WWW, RINGSEND_OK, 4},
    {"by-root-short", "leaf", "root-short", WWW, RINGSEND_E_TLS_EXPIRED, 6},
    /* authorities nobody knows */
    CHAIN("by-unknown", RINGSEND_E_TLS_UNKNOWN_CA),
    CHAIN("self-signed", RINGSEND_E_TLS_UNKNOWN_CA),
    CHAIN("by-untrusted-inter", RINGSEND_E_TLS_UNKNOWN_CA),
    CHAIN("by-untrusted-inter-and-root", RINGSEND_E_TLS_UNKNOWN_CA),
    CHAIN("missing-inter", RINGSEND_E_TLS_UNKNOWN_CA),
    CHAIN("missing-middle", RINGSEND_E_TLS_UNKNOWN_CA),
    BAD("by-pss", "leaf", "root", UNKNOWN_CA),
    BAD("by-ed25519", "leaf", "root", UNKNOWN_CA),
    /* order and extras */
    CHAIN("with-root", RINGSEND_OK),
    CHAIN("disordered", RINGSEND_OK),
    CHAIN("reversed-with-root", RINGSEND_OK),
    CHAIN("duplicated", RINGSEND_OK),
    CHAIN("with-extras", RINGSEND_OK),
    CHAIN("detour-untrusted", RINGSEND_OK),
    {"detour-expired", "leaf", "root", WWW, RINGSEND_OK, 6},
    /* keys and signatures */
    BAD("weak-key", "rsa1024", "root", WEAK_KEY),
    CHAIN("by-inter-rsa1024", RINGSEND_E_TLS_WEAK_KEY),
    CHAIN("by-inter-rsa2048", RINGSEND_OK),
    BAD("by-rsa1024-root", "leaf", "root-rsa1024", WEAK_KEY),
    CHAIN("sha1", RINGSEND_E_TLS_WEAK_SIGNATURE),
    CHAIN("by-inter-sha1", RINGSEND_E_TLS_WEAK_SIGNATURE),
    CHAIN("md5", RINGSEND_E_TLS_WEAK_SIGNATURE),
    GOOD("signed-pss", "leaf", "root-rsa"), /* for_openssl */
    CHAIN("bad-signature", RINGSEND_E_TLS_BAD_SIGNATURE),
    /* usage */
    CHAIN("usage-client", RINGSEND_E_TLS_USAGE),
    CHAIN("usage-any", RINGSEND_E_TLS_USAGE),
    BAD("usage-no-sign", "rsa2048", "root", USAGE),
    BAD("client", "client", "root", USAGE),
    CHAIN("by-inter-client-only", RINGSEND_E_TLS_USAGE),
    CHAIN("by-inter-no-sign", RINGSEND_E_TLS_USAGE),
    CHAIN("by-inter-server", RINGSEND_OK),
    /* authorities that are none */
    CHAIN("by-inter-not-ca", RINGSEND_E_TLS_BAD_CHAIN),
    CHAIN("by-inter-no-basic", RINGSEND_E_TLS_BAD_CHAIN),
    CHAIN("by-leaf", RINGSEND_E_TLS_BAD_CHAIN),
    CHAIN("by-inter-path0", RINGSEND_OK),
    CHAIN("by-path0-below", RINGSEND_E_TLS_BAD_CHAIN),
    CHAIN("long-enough", RINGSEND_OK),
    CHAIN("too-long", RINGSEND_E_TLS_BAD_CHAIN),
    /* critical extensions */
    CHAIN("unknown-critical", RINGSEND_E_TLS_CRITICAL_EXTENSION),
    CHAIN("by-inter-critical", RINGSEND_E_TLS_CRITICAL_EXTENSION),
    CHAIN("by-inter-policy", RINGSEND_OK),
    CHAIN("by-inter-policy-constraints", RINGSEND_E_TLS_BAD_CHAIN),
    /* name constraints */
    CHAIN("by-nc-permit", RINGSEND_OK),
    CHAIN("by-nc-permit-critical", RINGSEND_OK),
    {"by-nc-permit-critical", "leaf", "root", "127.0.0.1", RINGSEND_OK, 0},
    CHAIN("by-nc-permit-other", RINGSEND_E_TLS_NAME_CONSTRAINT),
    CHAIN("by-nc-permit-other-critical", RINGSEND_E_TLS_NAME_CONSTRAINT),
    CHAIN("by-nc-exclude", RINGSEND_E_TLS_NAME_CONSTRAINT),
    CHAIN("by-nc-exclude-critical", RINGSEND_E_TLS_NAME_CONSTRAINT),
    CHAIN("by-nc-exclude-other", RINGSEND_OK),
    CHAIN("by-nc-exclude-wild", RINGSEND_E_TLS_NAME_CONSTRAINT),
    CHAIN("by-nc-exclude-ip", RINGSEND_E_TLS_NAME_CONSTRAINT),
    CHAIN("by-nc-permit-ip-other", RINGSEND_E_TLS_NAME_CONSTRAINT),
    CHAIN("by-nc-dir", RINGSEND_OK),
    CHAIN("by-nc-dir-other", RINGSEND_E_TLS_NAME_CONSTRAINT),
    CHAIN("by-nc-dir-exclude", RINGSEND_OK),
    CHAIN("by-nc-email", RINGSEND_OK),
    CHAIN("by-nc-email-with", RINGSEND_E_TLS_NAME_CONSTRAINT),
};

enum { SERVERS = sizeof servers / sizeof servers[0] };

/* The server is told why. */
static void check_alert(const struct tls *server, enum ringsend_error error)
{
    const char *alert = error == RINGSEND_E_TLS_EXPIRED || error == RINGSEND_E_TLS_NOT_YET_VALID
                            ? "45 (certificate_expired)"
                        : error == RINGSEND_E_TLS_UNKNOWN_CA ? "48 (unknown_ca)"
                        : error == RINGSEND_E_TLS_USAGE || error == RINGSEND_E_TLS_ALGORITHM ||
                                error == RINGSEND_E_TLS_CRITICAL_EXTENSION
                            ? "43 (unsupported_certificate)"
                            : "42 (bad_certificate)";
    assert_non_null(tls_detail(server));
    bool is_form = error == RINGSEND_E_TLS_BAD_CERTIFICATE &&
                   strstr(tls_detail(server), "50 (decode_error)"); /* OpenSSL's word for some */
    if (!strstr(tls_detail(server), alert) && !is_form)
        fail_msg("%s: %s", ringsend_error_name(error), tls_detail(server));
}

/* What the client says to a server of that chain. */
static enum ringsend_error judge(const struct server *s, const char *ca, bool insecure)
{
    struct file_name ca_file = certs_file(ca, ".pem");
    struct pair p = {0};
    char detail[300] = "";
    p.server_config = new_server_config(s->chain, s->key, false);
    p.client_config = new_config(&(struct tls_options){
        .ca_file = ca_file.text, .insecure = insecure, .now_s = certs_now_s() + s->days * DAY_S});
    p.client_local = tls_local_new(p.client_config, 1, NULL);
    p.server_local = tls_local_new(p.server_config, 1, NULL);
    p.client = tls_client_new(p.client_local, s->host, 443, tls_http1);
    p.server = tls_server_new(p.server_local);
    shake_hands(&p, SIZE_MAX);
    enum ringsend_error error = tls_error(p.client);
    /* Ready and failed exclude each other; what failed sends nothing and keeps no session. */
    assert_int_equal(tls_is_ready(p.client), error == RINGSEND_OK);
    if (error) {
        snprintf(detail, sizeof detail, "%s", tls_detail(p.client) ? tls_detail(p.client) : "");
        assert_int_equal(tls_state(p.client), TLS_CLOSED);
        assert_int_equal(tls_write(p.client, "secret", 6), 0);
        check_alert(p.server, error);
        assert_false(tls_keep_session(p.client));
        assert_false(tls_is_ready(p.server));
    }
    print_message("  %-28s %-20s %-24s %s\n", s->chain, s->host, ringsend_error_name(error),
                  detail);
    pair_close(&p);
    return error;
}

/* With a signature of a kind that BearSSL lacks: left to itself, OpenSSL is then asked. */
static bool for_openssl(const struct server *s)
{
    return strcmp(s->chain, "signed-pss") == 0;
}

static void test_table(void **state)
{
    (void)state;
    int wrong = 0;
    assert_true(SERVERS >= 60);
    for (size_t i = 0; i < SERVERS; i++) {
        enum ringsend_error error = judge(&servers[i], servers[i].ca, false);
        enum ringsend_error expected = !with_openssl() && for_openssl(&servers[i])
                                           ? RINGSEND_E_TLS_ALGORITHM
                                           : servers[i].expected;
        if (error == expected)
            continue;
        print_error("%s as %s: %s instead of %s\n", servers[i].chain, servers[i].host,
                    ringsend_error_name(error), ringsend_error_name(expected));
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

static void test_nobody_without_its_authority(void **state)
{
    (void)state;
    for (size_t i = 0; i < SERVERS; i++) {
        const char *unrelated = "unrelated";
        if (judge(&servers[i], unrelated, false) == RINGSEND_OK)
            fail_msg("%s is accepted though nobody vouches for it", servers[i].chain);
    }
}

static void test_everybody_when_insecure(void **state)
{
    (void)state;
    for (size_t i = 0; i < SERVERS; i++) {
        /* But for what has no form: OpenSSL would not come to see it. */
        bool has_form = servers[i].expected != RINGSEND_E_TLS_BAD_CERTIFICATE ||
                        strncmp(servers[i].chain, "beside-", 7) != 0;
        if ((judge(&servers[i], "unrelated", true) == RINGSEND_OK) != has_form)
            fail_msg("%s without verification", servers[i].chain);
    }
}

/* Keys that no handshake of this build can come to: judged from the files. */
static void test_unknown_key(void **state)
{
    (void)state;
    struct tls_file pem_file;
    struct bytes der;
    struct pem_block block;
    struct cert cert;
    struct trust trust;
    struct host host;
    struct path_verdict verdict;
    char text[300] = "";
    struct message message = {text, sizeof text};
    struct file_name file = certs_file("ed25519-key", ".pem"), ca = certs_file("root", ".pem");
    assert_true(tls_file_read(file.text, "file", &pem_file, message));
    struct pem pem = {(const char *)pem_file.content.data,
                      (const char *)pem_file.content.data + pem_file.content.bytes};
    assert_int_equal(pem_next(&pem, &block), PEM_BLOCK);
    der.data = malloc(pem_decoded_bytes_max(block.body));
    assert_true(pem_decode(block.body, der.data, &der.bytes));
    assert_true(cert_parse((struct der){der.data, der.data + der.bytes}, &cert));
    assert_true(trust_load(&trust, ca.text, message));
    assert_true(host_parse(WWW, &host));
    path_verify(&trust, &bearssl_crypto, &cert, 1, &host, certs_now_s(), &verdict);
    assert_int_equal(verdict.error, RINGSEND_E_TLS_ALGORITHM);
    trust_free(&trust);
    bytes_wipe(&der);
    tls_file_wipe(&pem_file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_nobody_without_its_authority),
        cmocka_unit_test(test_everybody_when_insecure),
        cmocka_unit_test(test_unknown_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
