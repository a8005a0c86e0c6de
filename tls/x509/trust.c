/* Trust anchors out of PEM files.
 *
 * Every certificate in them is an anchor, as with curl: authorities vouch for others, any other
 * certificate (a server's own) for itself alone. They are kept whole, because a path is checked up
 * to and including its anchor: its dates, its constraints, its usages. What cannot be used (form or
 * algorithm) is passed over and counted in a note; when nothing is left, that is an error, not an
 * empty trust. */
#include "tls/x509/trust.h"

#include "base/span.h"
#include "tls/x509/foreign.h"
#include "tls/x509/pem.h"
#include "tls/x509/store.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- Certificates out of texts ---- */

struct tally {
    size_t blocks; /* certificates of any kind seen, and of them: */
    size_t broken;
    size_t trusted; /* of OpenSSL's format */
    size_t unusable;
};

static bool is_certificate(struct ringsend_bytes label)
{
    return span_equal(label, SPAN("CERTIFICATE")) || span_equal(label, SPAN("X509 CERTIFICATE"));
}

/* OpenSSL's own format, with restrictions behind the certificate that would be lost here. */
static bool is_trusted(struct ringsend_bytes label)
{
    return span_equal(label, SPAN("TRUSTED CERTIFICATE"));
}

/* A directory names each certificate by a link as well, and has them all in one file beside. */
static bool is_known(const struct trust *t, const struct cert *cert)
{
    for (size_t i = 0; i < t->anchors_count; i++) {
        if (t->anchors[i].subject_hash == cert->subject_hash &&
            der_equal(t->anchors[i].whole, cert->whole))
            return true;
    }
    return false;
}

/* Room for one more. False: memory is out. */
static bool make_room(struct trust *t, size_t *anchors_max)
{
    if (t->anchors_count < *anchors_max)
        return true;
    size_t more = *anchors_max ? 2 * *anchors_max : 256;
    struct cert *anchors = realloc(t->anchors, more * sizeof *anchors);
    if (!anchors)
        return false;
    t->anchors = anchors;
    *anchors_max = more;
    return true;
}

/* Adds all of a text's to t->der, which has room for them. */
static bool add_blocks(struct trust *t, struct ringsend_bytes text, size_t *anchors_max,
                       struct tally *tally)
{
    if (text.bytes == 0)
        return true;
    struct pem pem = {text.data, text.data + text.bytes};
    struct pem_block block;
    for (enum pem_next next; (next = pem_next(&pem, &block)) != PEM_NONE;) {
        size_t bytes;
        uint8_t *out = t->der.data + t->der.bytes;
        bool trusted = is_trusted(block.label);
        if (!trusted && !is_certificate(block.label))
            continue;
        tally->blocks++;
        if (next == PEM_BROKEN || (!trusted && !pem_decode(block.body, out, &bytes))) {
            tally->broken++;
            continue;
        }
        if (trusted) {
            tally->trusted++;
            continue;
        }
        if (!make_room(t, anchors_max))
            return false;
        struct cert *anchor = &t->anchors[t->anchors_count];
        if (!cert_parse((struct der){out, out + bytes}, anchor) ||
            anchor->key.kind == KEY_UNKNOWN) {
            tally->unusable++;
            continue;
        }
        if (is_known(t, anchor))
            continue;
        t->anchors_count++;
        t->der.bytes += bytes;
    }
    return true;
}

/* ---- What is said of them ---- */

static void note_passed_over(const struct tally *tally, const char *source, struct message message)
{
    size_t passed = tally->broken + tally->trusted + tally->unusable;
    const struct {
        size_t count;
        const char *why;
    } reasons[] = {{tally->broken, "cut off or damaged"},
                   {tally->trusted, "in OpenSSL's own format, TRUSTED CERTIFICATE"},
                   {tally->unusable, "malformed or with a key of a kind that is not known"}};
    char text[160];
    size_t used = 0;
    if (passed == 0)
        return;
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i].count > 0)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%zu %s",
                                     used > 0 ? ", " : "", reasons[i].count, reasons[i].why);
    }
    message_note(message, "%zu of %zu certificates in %s %s passed over: %s", passed, tally->blocks,
                 source, passed == 1 ? "was" : "were", text);
}

static bool fail_empty(const struct tally *tally, const char *source, struct message message)
{
    if (tally->trusted > 0)
        return message_fail(message,
                            "%s holds only \"TRUSTED CERTIFICATE\" blocks, OpenSSL's own format: "
                            "convert each with openssl x509 -in FILE -out PLAIN",
                            source);
    return message_fail(message,
                        tally->broken && tally->broken == tally->blocks
                            ? "%s holds no certificate that is whole: all are cut off or damaged"
                        : tally->blocks ? "%s: none of its certificates can be used"
                                        : "%s holds no certificate: it must be PEM text with "
                                          "BEGIN CERTIFICATE lines",
                        source);
}

/* ---- Where they come from ---- */

/* file or directories: null, or more of them. Where both are, $SSL_CERT_FILE and $SSL_CERT_DIR say
 * so, and both count, as with OpenSSL. */
static bool load(struct trust *t, const char *file, const char *directories, struct message message)
{
    struct tls_file one = {.is_regular = false};
    struct bytes many = {NULL, 0};
    struct tally tally = {0};
    size_t anchors_max = 0;
    bool ok = !file || tls_file_read(file, "CA file", &one, message);
    if (ok && directories && !tls_file_read_directories(directories, &many))
        ok = message_fail(message, TLS_NO_MEMORY);
    struct ringsend_bytes texts[] = {{(const char *)one.content.data, one.content.bytes},
                                     {(const char *)many.data, many.bytes}};
    if (ok) {
        t->der.data = malloc(pem_decoded_bytes_max(texts[0]) + pem_decoded_bytes_max(texts[1]));
        ok = t->der.data && add_blocks(t, texts[0], &anchors_max, &tally) &&
             add_blocks(t, texts[1], &anchors_max, &tally);
        if (!ok)
            message_fail(message, TLS_NO_MEMORY);
    }
    if (ok && t->anchors_count > 0)
        note_passed_over(&tally, t->source, message);
    else if (ok)
        ok = file && tally.blocks == 0 && foreign_explain(file, &one, FOREIGN_TRUST, message)
                 ? false
                 : fail_empty(&tally, t->source, message);
    tls_file_wipe(&one);
    bytes_wipe(&many);
    return ok;
}

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static bool load_system(struct trust *t, struct message message)
{
    bool is_directory;
    char path[128];
    if (!store_find("", path, sizeof path, &is_directory))
        return message_fail(message, "no file of authorities is found on this system");
    snprintf(t->source, sizeof t->source, "%s", path);
    return load(t, is_directory ? NULL : path, is_directory ? path : NULL, message);
}

bool trust_load(struct trust *trust, const char *file, struct message message)
{
    const char *by_file = environment("SSL_CERT_FILE"), *by_directory = environment("SSL_CERT_DIR");
    bool ok;
    *trust = (struct trust){.anchors_count = 0};
    if (file) {
        snprintf(trust->source, sizeof trust->source, "CA file %s", file);
        ok = load(trust, file, NULL, message);
    } else if (by_file || by_directory) {
        snprintf(trust->source, sizeof trust->source, "%s%s%s%s%s",
                 by_file ? "$SSL_CERT_FILE " : "", by_file ? by_file : "",
                 by_file && by_directory ? " and " : "", by_directory ? "$SSL_CERT_DIR " : "",
                 by_directory ? by_directory : "");
        ok = load(trust, by_file, by_directory, message);
    } else {
        ok = load_system(trust, message);
    }
    if (!ok)
        trust_free(trust);
    return ok;
}

void trust_free(struct trust *trust)
{
    free(trust->der.data);
    free(trust->anchors);
    *trust = (struct trust){.anchors_count = 0};
}
