/* What is read from files: PEM, base64, DER, trust, keys. And names, as texts. */
#include "pair.h"

#include "tls/bearssl/config.h"
#include "tls/x509/names.h"
#include "tls/x509/pem.h"
#include "tls/x509/store.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static struct pem pem_of(const char *text)
{
    return (struct pem){text, text + strlen(text)};
}

static void test_pem_blocks(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "-----BEGIN A-----\nQUJD\n-----END A-----\n",
        "-----BEGIN A-----\r\nQUJD\r\n-----END A-----\r\n",
        "-----BEGIN A-----\nQUJD\n-----END A-----",
        "# comment\n\n-----BEGIN A-----  \nQU\nJD  \n-----END A-----\t\r\nmore",
        "-----END B-----\n-----BEGIN A-----\n\nQUJD\n-----END A-----\n",
        "\xef\xbb\xbf-----BEGIN A-----\nQUJD\n-----END A-----\n",
        "text without an end-----BEGIN A-----\nQUJD\n-----END A-----\n",
        "  -----BEGIN A-----\n  QUJD\n  -----END A-----\n",
        "-----BEGIN A-----QUJD-----END A-----",
        "# -----BEGIN A----- begins it\n-----BEGIN A-----\nQUJD\n-----END A-----\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct pem pem = pem_of(texts[i]);
        struct pem_block block;
        uint8_t out[64];
        size_t bytes;
        assert_int_equal(pem_next(&pem, &block), PEM_BLOCK);
        assert_true(span_equal(block.label, SPAN("A")));
        assert_true(pem_decode(block.body, out, &bytes));
        assert_int_equal(bytes, 3);
        assert_memory_equal(out, "ABC", 3);
        assert_int_equal(pem_next(&pem, &block), PEM_NONE);
    }
}

static void test_pem_broken(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "-----BEGIN A-----\nQUJD\n",
        "-----BEGIN A-----\nQUJD\n-----END B-----\n",
        "-----BEGIN A-----\nQUJD\n-----BEGIN B-----\n",
        "-----BEGIN A-----",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct pem pem = pem_of(texts[i]);
        struct pem_block block;
        assert_int_equal(pem_next(&pem, &block), PEM_BROKEN);
    }
    /* What follows a broken one, and what is joined to another one, is whole. */
    static const char *const pairs[] = {
        "-----BEGIN A-----\nQUJD\n-----BEGIN B-----\nQUJD\n-----END B-----\n",
        "-----BEGIN A-----\nQUJD-----BEGIN B-----\nQUJD\n-----END B-----\n",
        "-----BEGIN A-----\nQUJD\n-----END X-----\n-----BEGIN B-----\nQUJD\n-----END B-----\n",
        "-----BEGIN A-----\nQUJD\n-----END A----------BEGIN B-----\nQUJD\n-----END B-----\n",
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct pem pem = pem_of(pairs[i]);
        struct pem_block block;
        assert_int_equal(pem_next(&pem, &block), i == 3 ? PEM_BLOCK : PEM_BROKEN);
        assert_true(span_equal(block.label, SPAN("A")));
        assert_int_equal(pem_next(&pem, &block), PEM_BLOCK);
        assert_true(span_equal(block.label, SPAN("B")));
        assert_int_equal(pem_next(&pem, &block), PEM_NONE);
    }
    struct pem_block block;
    struct pem pem = pem_of("");
    assert_int_equal(pem_next(&pem, &block), PEM_NONE);
    pem = pem_of("-----BEGIN A----\n-----BEGIN-----\n");
    assert_int_equal(pem_next(&pem, &block), PEM_NONE);
}

static void test_base64(void **state)
{
    (void)state;
    static const struct {
        const char *text, *plain; /* plain null: refused */
    } cases[] = {
        {"", ""},
        {"QQ==", "A"},
        {"QUI=", "AB"},
        {"QUJD", "ABC"},
        {"QUJDRA==", "ABCD"},
        {"Q U J\nD", "ABC"},
        {"Q", NULL},
        {"QQ", NULL},
        {"QQ=", NULL},
        {"QUI", NULL},
        {"====", NULL},
        {"QUJD=", NULL},
        {"QQ==QQ==", NULL},
        {"QUJ*", NULL},
        {"QU-D", NULL},
        {"QQ===", NULL},
        {"\x80\x80\x80\x80", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t out[64];
        size_t bytes;
        bool ok = pem_decode(span_of(cases[i].text), out, &bytes);
        if (ok != (cases[i].plain != NULL))
            fail_msg("\"%s\" is %s", cases[i].text, ok ? "accepted" : "refused");
        if (ok) {
            assert_int_equal(bytes, strlen(cases[i].plain));
            assert_memory_equal(out, cases[i].plain, bytes);
        }
    }
}

#define DER(text) DER_LITERAL(text)

static void test_der(void **state)
{
    (void)state;
    struct der value, d = DER("\x04\x02hi\x05\x00");
    uint8_t tag;
    uint32_t number;
    assert_false(der_take(&d, DER_INTEGER, &value));
    assert_true(der_take(&d, DER_OCTET_STRING, &value));
    assert_true(der_equal(value, DER("hi")));
    assert_true(der_next(&d, &tag, &value));
    assert_int_equal(tag, DER_NULL);
    assert_false(der_next(&d, &tag, &value));
    static const struct {
        const char *bytes;
        size_t count;
    } bad[] = {
        {"\x04", 1},               /* no length */
        {"\x04\x03hi", 4},         /* too short */
        {"\x04\x80hi\x00\x00", 6}, /* indefinite */
        {"\x04\x81\x02hi", 5},     /* not minimal */
        {"\x04\x82\x00\x02hi", 6},
        {"\x04\x84\x00\x00\x00\x02hi", 8},
        {"\x1f\x02hi", 4}, /* a long tag */
        {"\x04\x83\xff\xff\xff", 5},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const uint8_t *bytes = (const uint8_t *)bad[i].bytes;
        d = (struct der){bytes, bytes + bad[i].count};
        assert_false(der_next(&d, &tag, &value));
    }
    d = DER("\x02\x01\x05");
    assert_true(der_take_small(&d, 5, &number));
    assert_int_equal(number, 5);
    d = DER("\x02\x01\x06");
    assert_false(der_take_small(&d, 5, &number));
    d = DER("\x02\x01\x85"); /* negative */
    assert_false(der_take_unsigned(&d, &value));
    d = DER("\x02\x02\x00\x05"); /* padded */
    assert_false(der_take_unsigned(&d, &value));
    d = DER("\x02\x02\x00\x85");
    assert_true(der_take_unsigned(&d, &value));
    assert_int_equal(der_bytes(value), 1);
}

/* ---- Trust ---- */

static void test_trust_shapes(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        size_t anchors;
        const char *told; /* complaint, or with anchors a note */
    } cases[] = {
        {"root", 1, NULL},
        {"bundle-cut", 2, "1 of 3 certificates in"},
        {"bundle-joined", 2, NULL},
        {"bundle-cut-joined", 2, "1 cut off or damaged"},
        {"bundle-mixed", 3, "1 cut off or damaged, 1 in OpenSSL's own format, TRUSTED "},
        {"bundle-twice", 2, NULL},
        {"bundle-bom", 2, NULL},
        {"form-pkcs7", 0, "openssl pkcs7 -in "},
        {"root-crlf", 1, NULL},
        {"root-no-newline", 1, NULL},
        {"root-x509", 1, NULL},
        {"two-roots", 2, NULL},
        {"root-trusted", 0, "openssl x509"},
        {"root-ed25519", 1, NULL}, /* for OpenSSL's side */
        {"no-anchor", 0, "holds no certificate"},
        {"junk-anchor", 0, "none of its certificates"},
        {"cut-anchor", 0, "cut off"},
        {"empty", 0, "is empty"},
        {"does-not-exist", 0, "No such file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct file_name f = certs_file(cases[i].file, ".pem");
        char message[600] = "";
        struct tls_config *config =
            tls_config_new(&(struct tls_options){.ca_file = f.text}, message, sizeof message);
        if (cases[i].told ? !strstr(message, cases[i].told) || !strstr(message, f.text)
                          : message[0])
            fail_msg("%s: %s", cases[i].file, message);
        assert_int_equal(!config, cases[i].anchors == 0);
        if (config)
            assert_int_equal(tls_config_anchors(config), cases[i].anchors);
        tls_config_free(config);
    }
}

static void test_trust_environment(void **state)
{
    (void)state;
    struct file_name f = certs_file("two-roots", ".pem");
    assert_int_equal(unsetenv("SSL_CERT_DIR"), 0);
    assert_int_equal(setenv("SSL_CERT_FILE", f.text, 1), 0);
    struct tls_config *config = new_config(&(struct tls_options){0});
    assert_int_equal(tls_config_anchors(config), 2);
    assert_non_null(strstr(tls_config_anchors_source(config), f.text));
    tls_config_free(config);
    assert_int_equal(unsetenv("SSL_CERT_FILE"), 0);
}

/* Directories: each certificate counts once, by however many names and in however many files. */
static void test_trust_directories(void **state)
{
    (void)state;
    char both[1100], message[600];
    struct file_name f = certs_file("unrelated", ".pem"), d = certs_file("directory", "");
    snprintf(both, sizeof both, ":/does/not/exist:%s:%s", d.text, d.text);
    assert_int_equal(setenv("SSL_CERT_DIR", both, 1), 0);
    struct tls_config *config = new_config(&(struct tls_options){0});
    assert_int_equal(tls_config_anchors(config), 2);
    tls_config_free(config);
    assert_int_equal(setenv("SSL_CERT_FILE", f.text, 1), 0);
    config = new_config(&(struct tls_options){0});
    assert_int_equal(tls_config_anchors(config), 3);
    tls_config_free(config);
    assert_int_equal(unsetenv("SSL_CERT_FILE"), 0);
    assert_int_equal(setenv("SSL_CERT_DIR", "/does/not/exist", 1), 0);
    assert_null(tls_config_new(&(struct tls_options){0}, message, sizeof message));
    assert_non_null(strstr(message, "/does/not/exist"));
    assert_int_equal(unsetenv("SSL_CERT_DIR"), 0);
    assert_null(tls_config_new(&(struct tls_options){.ca_file = d.text}, message, sizeof message));
    assert_non_null(strstr(message, "SSL_CERT_DIR"));
}

/* Each place where a system keeps its store is found below another root, and files come first. */
static void test_stores(void **state)
{
    (void)state;
    static const char *const places[] = {"/etc/pki/tls/certs/",
                                         "/etc/ssl/certs/",
                                         "/etc/ssl/cert.pem",
                                         "/etc/ssl/ca-bundle.pem",
                                         "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
                                         "/etc/ssl/certs/ca-certificates.crt"};
    char root[] = "/tmp/ringsend-stores-XXXXXX", found[200], path[200];
    bool is_directory;
    assert_non_null(mkdtemp(root));
    assert_false(store_find(root, found, sizeof found, &is_directory));
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        snprintf(path, sizeof path, "%s%s", root, places[i]);
        size_t bytes = strlen(path);
        for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
            *slash = 0;
            (void)mkdir(path, 0700);
            *slash = '/';
        }
        bool names_directory = path[bytes - 1] == '/';
        if (names_directory) {
            path[bytes - 1] = 0;
        } else {
            FILE *file = fopen(path, "w");
            assert_non_null(file);
            assert_int_equal(fputs("x", file) < 0, 0);
            fclose(file);
        }
        assert_true(store_find(root, found, sizeof found, &is_directory));
        assert_string_equal(found, path);
        assert_int_equal(is_directory, names_directory);
    }
    for (size_t i = sizeof places / sizeof places[0]; i-- > 0;) {
        snprintf(path, sizeof path, "%s%s", root, places[i]);
        for (char *slash; strlen(path) > strlen(root); *slash = 0) {
            (void)remove(path); /* what is not empty yet stays */
            slash = strrchr(path, '/');
        }
    }
    assert_int_equal(rmdir(root), 0);
}

/* ---- Keys ---- */

static void test_identity_shapes(void **state)
{
    (void)state;
    static const struct {
        const char *chain, *key;
        const char *complaint;
    } cases[] = {
        {"client-cut.chain", "client.key", NULL},
        {"form-der.bin", "client.key", "openssl x509 -inform DER -in "},
        {"form-pkcs12.bin", NULL, "openssl pkcs12 -in "},
        {"form-pkcs7.bin", "client.key", "openssl pkcs7 -inform DER -in "},
        {"form-utf16.bin", "client.key", "iconv -f UTF-16"},
        {"form-java.bin", "client.key", "keytool -importkeystore"},
        {"form-key.bin", NULL, "private key in DER"},
        {"client.chain", "form-key.bin", "openssl pkey -inform DER -in "},
        {"client.chain", "form-encrypted-key.bin", "openssl pkey -inform DER -in "},
        {"client.chain", "form-pkcs12.bin", "-nocerts -nodes"},
        {"client.chain", "openssh.key", "ssh-keygen"},
        {"client.chain", "client.key", NULL},
        {"client.chain", "client-sec1.key", NULL},
        {"client.chain", "client-parameters.key", NULL},
        {"client-both.pem", NULL, NULL},
        {"client-rsa.chain", "rsa2048.key", NULL},
        {"client-rsa.chain", "rsa-pkcs1.key", NULL},
        {"good-rsa4096.chain", "rsa4096.key", NULL},
        {"good-p384.chain", "p384.key", NULL},
        {"good-p521.chain", "p521.key", NULL},
        {"client.chain", "encrypted.key", "openssl pkey"},
        {"client.chain", "encrypted-old.key", "openssl pkey"},
        {"client.chain", "leaf.key", "does not belong"},
        {"client.chain", "rsa2048.key", "does not belong"},
        {"client-rsa.chain", "client.key", "does not belong"},
        {"good-rsa4096.chain", "rsa2048.key", "does not belong"},
        {"ed25519-key.chain", "ed25519.key", "cannot be used"},
        {"client.chain", NULL, "holds no private key"},
        {"client.key", "client.key", "holds no certificate"},
        {"cut-anchor.pem", "client.key", "cut off"},
        {"client.chain", "no-such.key", "No such file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct file_name chain = certs_file(cases[i].chain, ""),
                         key = certs_file(cases[i].key ? cases[i].key : "", "");
        char message[600] = "";
        struct tls_config *config =
            tls_config_new(&(struct tls_options){.insecure = true,
                                                 .chain_file = chain.text,
                                                 .key_file = cases[i].key ? key.text : NULL},
                           message, sizeof message);
        if (!config != !!cases[i].complaint || (!config && !strstr(message, cases[i].complaint)))
            fail_msg("%s, %s: %s", cases[i].chain, cases[i].key ? cases[i].key : "-",
                     config ? "accepted" : message);
        tls_config_free(config);
    }
    char message[600];
    assert_null(tls_config_new(&(struct tls_options){.server = true}, message, sizeof message));
    assert_null(tls_config_new(&(struct tls_options){.insecure = true, .key_file = "x"}, message,
                               sizeof message));
}

/* What others can read, and what was passed over, is told of an identity that is taken. */
static void test_identity_notes(void **state)
{
    (void)state;
    static const struct {
        const char *chain, *key, *note;
    } cases[] = {
        {"client.chain", "client.key", ""},
        {"client.chain", "shared.key", "others can read the key in "},
        {"client-both.pem", NULL, "(mode 0644): chmod 600 "},
        {"client-both.pem", "client-both.pem", "(mode 0644): chmod 600 "},
        {"client-cut.chain", "client.key", "1 of 2 certificates in "},
        {"client-cut.chain", "shared.key", "cut off or damaged; others can read"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct file_name chain = certs_file(cases[i].chain, ""),
                         key = certs_file(cases[i].key ? cases[i].key : "", "");
        char message[600];
        struct tls_config *config =
            tls_config_new(&(struct tls_options){.insecure = true,
                                                 .chain_file = chain.text,
                                                 .key_file = cases[i].key ? key.text : NULL},
                           message, sizeof message);
        assert_non_null(config);
        if (cases[i].note[0] ? !strstr(message, cases[i].note) : message[0])
            fail_msg("%s, %s: %s", cases[i].chain, cases[i].key ? cases[i].key : "-", message);
        tls_config_free(config);
    }
}

/* A descriptor's name that gives the file's content once: a pipe's, or a socket's. */
static struct file_name once(const char *name, bool by_socket, int ends[2])
{
    struct file_name f = certs_file(name, ""), n;
    char content[8192];
    FILE *file = fopen(f.text, "r");
    assert_non_null(file);
    size_t bytes = fread(content, 1, sizeof content, file);
    fclose(file);
    assert_int_equal(by_socket ? socketpair(AF_UNIX, SOCK_STREAM, 0, ends) : pipe(ends), 0);
    assert_int_equal(write(ends[1], content, bytes), bytes);
    close(ends[1]);
    snprintf(n.text, sizeof n.text, "/dev/fd/%d", ends[0]);
    return n;
}

static void test_files_that_are_read_once(void **state)
{
    (void)state;
    for (int by_socket = 0; by_socket < 2; by_socket++) {
        int of_ca[2], of_chain[2], of_key[2], of_both[2];
        struct file_name ca = once("root.pem", by_socket, of_ca),
                         chain = once("client.chain", by_socket, of_chain),
                         key = once("client.key", by_socket, of_key),
                         both = once("client-both.pem", by_socket, of_both);
        char message[600];
        struct tls_config *config = tls_config_new(&(struct tls_options){.ca_file = ca.text,
                                                                         .chain_file = chain.text,
                                                                         .key_file = key.text},
                                                   message, sizeof message);
        if (!config)
            fail_msg("%s", message);
        assert_string_equal(message, "");
        tls_config_free(config);
        config = tls_config_new(
            &(struct tls_options){.insecure = true, .chain_file = both.text, .key_file = both.text},
            message, sizeof message);
        if (!config)
            fail_msg("%s", message);
        assert_string_equal(message, "");
        tls_config_free(config);
        close(of_ca[0]);
        close(of_chain[0]);
        close(of_key[0]);
        close(of_both[0]);
    }
}

static void test_words(void **state)
{
    (void)state;
    char room[FILE_WORD_BYTES];
    const struct tls_file regular = {.is_regular = true}, fifo = {.is_regular = false};
    assert_string_equal(tls_file_word("/a/b-c.pem", &regular, room), "/a/b-c.pem");
    assert_string_equal(tls_file_word("a b", &regular, room), "'a b'");
    assert_string_equal(tls_file_word("it's", &regular, room), "'it'\\''s'");
    assert_string_equal(tls_file_word("/dev/fd/63", &fifo, room), "FILE");
}

/* Every way to damage a key by one byte: never a crash, and never a key that is taken though it
 * does not fit. */
static void test_damaged_keys(void **state)
{
    (void)state;
    static const char *const names[] = {"client.key", "client-sec1.key", "rsa-pkcs1.key",
                                        "rsa2048.key"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct file_name f = certs_file(names[i], "");
        struct tls_file file;
        struct message none = {NULL, 0};
        struct pem_block block;
        assert_true(tls_file_read(f.text, "file", &file, none));
        const struct bytes content = file.content;
        struct pem pem = {(const char *)content.data, (const char *)content.data + content.bytes};
        assert_int_equal(pem_next(&pem, &block), PEM_BLOCK);
        size_t bytes;
        uint8_t *der = malloc(pem_decoded_bytes_max(block.body));
        assert_true(pem_decode(block.body, der, &bytes));
        struct identity identity = {0};
        assert_true(identity_parse_key((struct der){der, der + bytes}, &identity));
        for (size_t at = 0; at < bytes; at++) {
            assert_false(identity_parse_key((struct der){der, der + at}, &identity));
            for (unsigned bit = 0; bit < 8; bit++) {
                der[at] ^= (uint8_t)(1 << bit);
                identity_parse_key((struct der){der, der + bytes}, &identity);
                der[at] ^= (uint8_t)(1 << bit);
            }
        }
        free(der);
        tls_file_wipe(&file);
    }
}

/* ---- Names ---- */

static void test_hosts(void **state)
{
    (void)state;
    struct host host;
    char longest[300];
    assert_true(host_parse("www.example.com.", &host));
    assert_string_equal(host.name, "www.example.com");
    assert_int_equal(host.address_bytes, 0);
    assert_true(host_parse("10.1.2.3", &host));
    assert_int_equal(host.address_bytes, 4);
    assert_true(host_parse("fe80::1", &host));
    assert_int_equal(host.address_bytes, 16);
    assert_false(host_parse("", &host));
    assert_false(host_parse(".", &host));
    memset(longest, 'a', sizeof longest);
    longest[TLS_HOST_BYTES_MAX] = 0;
    assert_true(host_parse(longest, &host));
    longest[TLS_HOST_BYTES_MAX] = 'a';
    longest[TLS_HOST_BYTES_MAX + 1] = 0;
    assert_false(host_parse(longest, &host));
}

static bool matches(const char *host_text, struct der names)
{
    struct host host;
    struct cert cert = {.has_names = true, .names = names};
    assert_true(host_parse(host_text, &host));
    return host_matches(&host, &cert);
}

static void test_matching(void **state)
{
    (void)state;
    assert_true(matches("a.b.c", DER("\x82\x05"
                                     "a.b.c")));
    assert_true(matches("x.b.c", DER("\x82\x05"
                                     "*.b.c")));
    assert_true(matches("X.B.c", DER("\x82\x05"
                                     "*.b.C")));
    assert_false(matches("b.c", DER("\x82\x05"
                                    "*.b.c")));
    assert_false(matches("x.y.b.c", DER("\x82\x05"
                                        "*.b.c")));
    assert_false(matches("b.c", DER("\x82\x03"
                                    "*.c")));
    assert_false(matches("b", DER("\x82\x01"
                                  "*")));
    assert_false(matches("xx.b.c", DER("\x82\x06"
                                       "x*.b.c"))); /* part of a label */
    assert_false(matches("x.b.c", DER("\x82\x05"
                                      "x.*.c")));
    assert_false(matches("x.y.c", DER("\x82\x05"
                                      "*.*.c")));
    assert_false(matches("a.b", DER("\x82\x08"
                                    "a.b\0.evil"))); /* NUL inside */
    assert_false(matches("a.b", DER("\x82\x04"
                                    "a.b\0")));
    assert_false(matches("a.b", DER("\x81\x03"
                                    "a.b"))); /* an e-mail address */
    assert_false(matches("1.2.3.4", DER("\x82\x07"
                                        "1.2.3.4")));
    assert_false(matches("1.2.3.4", DER("\x82\x07"
                                        "*.2.3.4")));
    assert_true(matches("1.2.3.4", DER("\x87\x04\x01\x02\x03\x04")));
    assert_false(matches("1.2.3.4", DER("\x87\x05\x01\x02\x03\x04\x00")));
    assert_false(matches("::102:304", DER("\x87\x04\x01\x02\x03\x04")));
    assert_true(matches("a.b", DER("\x82\x01x\x87\x01z\x82\x03"
                                   "a.b")));
}

static bool allowed(struct der constraints, struct der names)
{
    struct cert cert = {.has_names = true, .names = names, .subject = DER("\x30\x00")};
    uint32_t budget = 100;
    const char *kind;
    return constraints_check(constraints, &cert, &budget, &kind) == CONSTRAINTS_ALLOW;
}

static void test_constraints(void **state)
{
    (void)state;
    struct der www = DER("\x82\x07"
                         "www.a.b"),
               wild = DER("\x82\x05"
                          "*.a.b");
    /* [0] permitted, [1] excluded { SEQUENCE { [2] dNSName } } */
    struct der permit_ab = DER("\xa0\x07\x30\x05\x82\x03"
                               "a.b"),
               permit_dot = DER("\xa0\x08\x30\x06\x82\x04"
                                ".a.b"),
               exclude_ab = DER("\xa1\x07\x30\x05\x82\x03"
                                "a.b"),
               exclude_all = DER("\xa1\x04\x30\x02\x82\x00"),
               exclude_x = DER("\xa1\x09\x30\x07\x82\x05"
                               "x.a.b"),
               permit_ip = DER("\xa0\x0c\x30\x0a\x87\x08\x0a\x00\x00\x00\xff\x00\x00\x00");
    assert_true(allowed(permit_ab, www));
    assert_true(allowed(permit_ab, wild));
    assert_true(allowed(permit_ab, DER("\x82\x03"
                                       "a.b")));
    assert_false(allowed(permit_ab, DER("\x82\x04"
                                        "xa.b")));
    assert_false(allowed(permit_ab, DER("\x82\x01"
                                        "b")));
    assert_true(allowed(permit_dot, www));
    assert_false(allowed(permit_dot, DER("\x82\x03"
                                         "a.b")));
    assert_false(allowed(exclude_ab, www));
    assert_true(allowed(exclude_ab, DER("\x82\x03"
                                        "c.d")));
    assert_false(allowed(exclude_all, www));
    assert_true(allowed(exclude_x, www));
    assert_false(allowed(exclude_x, wild)); /* stands for x.a.b too */
    assert_true(allowed(permit_ip, DER("\x87\x04\x0a\x01\x02\x03")));
    assert_false(allowed(permit_ip, DER("\x87\x04\x0b\x01\x02\x03")));
    assert_true(allowed(permit_ip, www)); /* of another kind */
    /* every name counts, not only the one asked for */
    assert_false(allowed(permit_ab, DER("\x82\x07"
                                        "www.a.b\x82\x03"
                                        "c.d")));
    /* what is not understood: */
    assert_false(allowed(DER(""), www));
    assert_false(allowed(DER("\xa2\x00"), www));
    assert_false(allowed(DER("\xa0\x07\x30\x05\x82\x03"
                             "a.b\x00"),
                         www));
    assert_false(allowed(DER("\xa0\x0a\x30\x08\x82\x03"
                             "a.b\x80\x01\x01"),
                         www)); /* minimum */
    assert_false(allowed(DER("\xa0\x05\x30\x03\x87\x01\x0a"), DER("\x87\x04\x0a\x01\x02\x03")));
    assert_false(allowed(DER("\xa0\x05\x30\x03\x86\x01"
                             "a"),
                         DER("\x86\x01"
                             "b"))); /* URI */
    assert_true(allowed(DER("\xa0\x05\x30\x03\x86\x01"
                            "a"),
                        www));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pem_blocks),
        cmocka_unit_test(test_pem_broken),
        cmocka_unit_test(test_base64),
        cmocka_unit_test(test_der),
        cmocka_unit_test(test_trust_shapes),
        cmocka_unit_test(test_trust_environment),
        cmocka_unit_test(test_identity_shapes),
        cmocka_unit_test(test_damaged_keys),
        cmocka_unit_test(test_trust_directories),
        cmocka_unit_test(test_stores),
        cmocka_unit_test(test_identity_notes),
        cmocka_unit_test(test_files_that_are_read_once),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_matching),
        cmocka_unit_test(test_constraints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
