/* Chains with one thing odd in each, and what is said of them, beside what OpenSSL says in its
 * strict mode: make_crafted.py wrote both. We may be stricter where a row says why; laxer only
 * where OpenSSL holds issuers to their rules, of things that deceive nobody. */
#include "pair.h"

#include "tls/bearssl/crypto.h"
#include "tls/x509/path.h"
#include "tls/x509/pem.h"

#define WWW "www.example.com"
#define E(name) RINGSEND_E_TLS_##name

/* What is refused, by the beginnings of names: the longest that fits counts. */
static const struct refusal {
    const char *prefix;
    enum ringsend_error error;
} refusals[] = {
    {"base", RINGSEND_OK},
    {"date-", E(BAD_CERTIFICATE)},
    {"date-29-february-leap", RINGSEND_OK},
    {"date-29-february-2000", RINGSEND_OK},
    {"date-31-december", RINGSEND_OK},
    {"date-general-early", RINGSEND_OK},
    {"date-31-february-inter", E(UNKNOWN_CA)},
    {"date-second-60-inter", E(UNKNOWN_CA)},
    {"date-31-february-root", E(UNKNOWN_CA)},
    {"date-second-60-root", E(UNKNOWN_CA)},
    {"ecdsa-", E(BAD_SIGNATURE)},
    {"ecdsa-root-long_length", RINGSEND_OK}, /* an anchor's own signature proves nothing */
    {"nc-", RINGSEND_OK},
    {"nc-nothing", E(BAD_CERTIFICATE)},
    {"nc-permit-nothing", E(BAD_CERTIFICATE)},
    {"nc-exclude-nothing", E(BAD_CERTIFICATE)},
    {"nc-both-nothing", E(BAD_CERTIFICATE)},
    {"nc-permit-and-nothing", E(BAD_CERTIFICATE)},
    {"nc-root-nothing", E(BAD_CERTIFICATE)},
    {"nc-leaf", E(BAD_CERTIFICATE)},
    {"nc-minimum", E(BAD_CERTIFICATE)},
    {"nc-registered", E(NAME_CONSTRAINT)},
    {"dir-permit", RINGSEND_OK},
    {"dir-permit-else", E(NAME_CONSTRAINT)},
    {"dir-permit-begin", E(NAME_CONSTRAINT)},
    {"dir-permit-longer", E(NAME_CONSTRAINT)},
    {"dir-exclude", E(NAME_CONSTRAINT)},
    {"dir-exclude-else", RINGSEND_OK},
    {"dir-exclude-begin", RINGSEND_OK},
    {"dir-exclude-longer", RINGSEND_OK},
    {"policy-", E(BAD_CHAIN)},
    {"policy-required-2", RINGSEND_OK},
    {"policy-required-met", RINGSEND_OK},
    {"policy-inhibit", RINGSEND_OK},
    {"policy-nothing", E(UNKNOWN_CA)},
    {"policy-root", RINGSEND_OK},
    {"policy-leaf-met", RINGSEND_OK},
    {"policy-any-above", RINGSEND_OK},
    {"policy-any-below", RINGSEND_OK},
    {"policy-any-both", RINGSEND_OK},
    {"policy-any-inhibited-1", RINGSEND_OK},
    {"policy-mapped", RINGSEND_OK},
    {"policy-mapped-away", E(BAD_CHAIN)},
    {"policy-mapping-inhibited", RINGSEND_OK}, /* below the certificate that says so */
    {"policy-twice", RINGSEND_OK},
    {"policy-empty", RINGSEND_OK},
    {"subject-none-leaf", RINGSEND_OK},
    {"subject-none-inter", E(BAD_CERTIFICATE)},
    {"subject-none-root", E(BAD_CERTIFICATE)},
    {"issuer-none-root", E(BAD_CERTIFICATE)},
    {"aki-", E(CRITICAL_EXTENSION)},
    {"ski-", E(CRITICAL_EXTENSION)},
    {"twice-leaf", E(BAD_CERTIFICATE)},
    {"twice-inter", E(UNKNOWN_CA)},
    {"twice-root", E(UNKNOWN_CA)},
    {"twice-ski", E(BAD_CERTIFICATE)},
    {"twice-apart", E(BAD_CERTIFICATE)},
    {"twice-none", RINGSEND_OK},
    {"path-length-not-ca", RINGSEND_OK},
    {"leaf-signs-certificates", RINGSEND_OK},
    {"names-empty", E(WRONG_HOST)},
    {"no-extensions", E(WRONG_HOST)},
    {"extended-usage-empty", E(USAGE)},
    {"usage-none", E(USAGE)},
    {"usage-zero", E(USAGE)},
    {"critical-is-1", E(CRITICAL_EXTENSION)},
    {"critical-is-false", RINGSEND_OK},
    {"ca-is-", RINGSEND_OK},
    {"path-length-negative", E(UNKNOWN_CA)},
    {"path-length-0", RINGSEND_OK},
    {"path-length-0-root", E(BAD_CHAIN)},
    {"version-", E(BAD_CERTIFICATE)},
    {"serial-", RINGSEND_OK},
    {"algorithms-differ", E(BAD_CERTIFICATE)},
    {"algorithm-null", RINGSEND_OK},
    {"basic-plain", RINGSEND_OK},
    {"unique-ids", RINGSEND_OK},
    {"name-", RINGSEND_OK},
    {"name-no-space", E(UNKNOWN_CA)},
    {"name-longer", E(UNKNOWN_CA)},
    {"name-shorter", E(UNKNOWN_CA)},
    {"name-nul", E(UNKNOWN_CA)},
    {"name-bytes", E(UNKNOWN_CA)},
    {"name-bytes-same", RINGSEND_OK},
    {"name-accent-case", E(UNKNOWN_CA)},
    {"name-broken-utf8-case", E(UNKNOWN_CA)},
    {"name-rdn-split", E(UNKNOWN_CA)},
    {"name-rdn-part", E(UNKNOWN_CA)},
    {"name-order", E(UNKNOWN_CA)},
    {"name-type", E(UNKNOWN_CA)},
};

/* Where the two verdicts differ, and why. */
static const struct difference {
    const char *name;
    bool is_stricter;
} differences[] = {
    /* RFC 5280 4.2.1.10: subtrees are at least one, none has a minimum, and none but authorities
     * have constraints. */
    {"nc-nothing", true},
    {"nc-nothing-plain", true},
    {"nc-permit-nothing", true},
    {"nc-exclude-nothing", true},
    {"nc-both-nothing", true},
    {"nc-permit-and-nothing", true},
    {"nc-root-nothing", true},
    {"nc-leaf", true},
    {"nc-leaf-plain", true},
    {"nc-leaf-nothing", true},
    {"nc-minimum-0", true},
    /* RFC 5280 4.2: no extension twice; OpenSSL looks at those that it knows. */
    {"twice-", true},
    {"version-4", true},
    /* Rules for issuers. */
    {"policy-twice", false},
    {"subject-none-leaf", false},
    {"path-length-not-ca", false},
    {"leaf-signs-certificates", false},
    {"basic-plain", false},
    /* Not texts of the type they say, which OpenSSL cannot read: the same bytes are the same. */
    {"name-bytes-same", false},
    {"name-broken-utf8", false},
};

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static enum ringsend_error expected(const char *name)
{
    const struct refusal *best = NULL;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const struct refusal *r = &refusals[i];
        if (begins_with(name, r->prefix) && (!best || strlen(r->prefix) > strlen(best->prefix)))
            best = r;
    }
    if (!best)
        fail_msg("%s is in no row", name);
    return best ? best->error : RINGSEND_OK;
}

static bool may_differ(const char *name, bool is_stricter)
{
    for (size_t i = 0; i < sizeof differences / sizeof differences[0]; i++) {
        const struct difference *d = &differences[i];
        bool is_prefix = d->name[strlen(d->name) - 1] == '-';
        if (d->is_stricter == is_stricter &&
            (is_prefix ? begins_with(name, d->name) : strcmp(name, d->name) == 0))
            return true;
    }
    return false;
}

enum { FILE_BYTES = 1 << 16, CERTS = 8 };

struct loaded {
    uint8_t der[FILE_BYTES];
    struct cert certs[CERTS];
    size_t count, malformed;
    bool leaf_is_bad;
};

static void load(struct loaded *l, const char *name, const char *suffix)
{
    static char text[FILE_BYTES];
    struct file_name path = certs_file(name, suffix);
    FILE *file = fopen(path.text, "r");
    assert_non_null(file);
    size_t bytes = fread(text, 1, sizeof text, file), used = 0, number = 0;
    fclose(file);
    l->count = l->malformed = 0;
    l->leaf_is_bad = false;
    struct pem pem = {text, text + bytes};
    struct pem_block block;
    while (pem_next(&pem, &block) == PEM_BLOCK) {
        uint8_t *out = l->der + used;
        assert_true(pem_decode(block.body, out, &bytes));
        used += bytes;
        assert_true(l->count < CERTS);
        bool good = cert_parse((struct der){out, out + bytes}, &l->certs[l->count]);
        l->leaf_is_bad |= number++ == 0 && !good;
        l->count += good;
        l->malformed += !good;
    }
}

static enum ringsend_error judge(const char *name, char *detail, size_t room)
{
    static struct loaded chain, anchors;
    struct host host;
    struct path_verdict verdict = {.error = E(BAD_CERTIFICATE)};
    load(&chain, name, ".chain");
    load(&anchors, name, ".pem");
    const struct trust trust = {.anchors = anchors.certs, .anchors_count = anchors.count};
    assert_true(host_parse(WWW, &host));
    if (!chain.leaf_is_bad)
        path_verify(&trust, &bearssl_crypto, chain.certs, chain.count, &host, INT64_C(1800000000),
                    &verdict);
    path_tell_malformed(&verdict, chain.malformed);
    if (verdict.error == E(UNKNOWN_CA))
        assert_int_equal(!strstr(verdict.detail, "is malformed"), chain.malformed == 0);
    snprintf(detail, room, "%s", verdict.detail);
    return verdict.error;
}

static void test_as_openssl(void **state)
{
    (void)state;
    char line[128], detail[300];
    int wrong = 0, count = 0;
    struct file_name path = certs_file("verdicts", "");
    FILE *file = fopen(path.text, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        char *space = strchr(line, ' ');
        assert_non_null(space);
        *space = 0;
        bool openssl_takes_it = strcmp(space + 1, "0\n") == 0;
        enum ringsend_error error = judge(line, detail, sizeof detail);
        bool is_stricter = openssl_takes_it && error, is_laxer = !openssl_takes_it && !error;
        print_message("  %-28s %-20s %s\n", line, ringsend_error_name(error), detail);
        if (error != expected(line)) {
            print_error("%s: %s instead of %s\n", line, ringsend_error_name(error),
                        ringsend_error_name(expected(line)));
            wrong++;
        }
        if ((is_stricter || is_laxer) && !may_differ(line, is_stricter)) {
            print_error("%s: OpenSSL says %s", line, space + 1);
            wrong++;
        }
        count++;
    }
    fclose(file);
    assert_true(count > 150);
    assert_int_equal(wrong, 0);
}

/* What cannot be judged is not said to be forbidden. */
static void test_sentences(void **state)
{
    (void)state;
    static const struct {
        const char *name, *words;
    } cases[] = {
        {"nc-registered", "registered ID"},
        {"nc-registered", "are not understood here"},
        {"dir-permit-else", "not allowed to vouch"},
        {"nc-permit-nothing", "malformed name constraints"},
        {"policy-required-plain", "has no policy"},
        {"subject-none-inter", "without a name"},
        {"twice-inter-1.2.3.4.5", "1 of the certificates that the server sent is malformed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char detail[300];
        judge(cases[i].name, detail, sizeof detail);
        if (!strstr(detail, cases[i].words))
            fail_msg("%s: %s", cases[i].name, detail);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_as_openssl),
                                       cmocka_unit_test(test_sentences)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
