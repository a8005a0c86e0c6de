/* Trust anchors out of a PEM file.
 *
 * Every certificate in the file is an anchor, as with curl: authorities vouch for others, any other
 * certificate (a server's own) for itself alone. They are kept whole, because a path is checked up
 * to and including its anchor: its dates, its constraints, its usages. What cannot be used (form or
 * algorithm) is passed over; when nothing is left, that is an error, not an empty trust. */
#include "tls/x509/trust.h"

#include "base/check.h"
#include "tls/x509/pem.h"

#include <stdlib.h>

#define SYSTEM_FILE "/etc/ssl/certs/ca-certificates.crt"

/* "TRUSTED CERTIFICATE" is OpenSSL's own format, with restrictions behind the certificate that
 * would be lost here: passed over. */
static bool is_certificate(struct ringsend_bytes label)
{
    return span_equal(label, SPAN("CERTIFICATE")) || span_equal(label, SPAN("X509 CERTIFICATE"));
}

struct tally {
    size_t blocks;  /* certificates of any kind seen */
    size_t trusted; /* of OpenSSL's format */
};

/* Decodes all blocks to t->der and counts the anchors' memory. */
static bool add_blocks(struct trust *t, struct ringsend_bytes text, struct tally *tally)
{
    struct pem pem = {text.data, text.data + text.bytes};
    struct pem_block block;
    size_t anchors_max = 0;
    for (enum pem_next next; (next = pem_next(&pem, &block)) != PEM_NONE;) {
        size_t bytes;
        uint8_t *out = t->der.data + t->der.bytes;
        tally->trusted += next == PEM_BLOCK && span_equal(block.label, SPAN("TRUSTED CERTIFICATE"));
        if (next == PEM_BROKEN || !is_certificate(block.label))
            continue;
        tally->blocks++;
        if (!pem_decode(block.body, out, &bytes))
            continue;
        if (t->anchors_count == anchors_max) {
            anchors_max = anchors_max ? 2 * anchors_max : 256;
            struct cert *anchors = realloc(t->anchors, anchors_max * sizeof *anchors);
            if (!anchors)
                return false;
            t->anchors = anchors;
        }
        struct cert *anchor = &t->anchors[t->anchors_count];
        if (!cert_parse((struct der){out, out + bytes}, anchor) || anchor->key.kind == KEY_UNKNOWN)
            continue;
        t->anchors_count++;
        t->der.bytes += bytes;
    }
    return true;
}

static bool load_text(struct trust *t, struct ringsend_bytes text, const char *file,
                      struct message message)
{
    struct tally tally = {0};
    t->der.data = malloc(pem_decoded_bytes_max(text));
    if (!t->der.data || !add_blocks(t, text, &tally))
        return message_fail(message, TLS_NO_MEMORY);
    if (t->anchors_count > 0)
        return true;
    if (tally.trusted > 0)
        return message_fail(message,
                            "CA file %s holds only \"TRUSTED CERTIFICATE\" blocks, OpenSSL's own "
                            "format: convert it with openssl x509 -in FILE -out PLAIN",
                            file);
    return message_fail(message,
                        tally.blocks ? "CA file %s: none of its certificates can be used"
                                     : "CA file %s holds no certificate: it must be PEM text with "
                                       "BEGIN CERTIFICATE lines",
                        file);
}

bool trust_load(struct trust *trust, const char *file, struct message message)
{
    struct bytes content;
    if (!file)
        file = getenv("SSL_CERT_FILE");
    if (!file || !*file)
        file = SYSTEM_FILE;
    *trust = (struct trust){0};
    if (!pem_file_read(file, "CA file", &content, message))
        return false;
    struct ringsend_bytes text = {(const char *)content.data, content.bytes};
    bool ok = load_text(trust, text, file, message);
    bytes_wipe(&content);
    if (!ok)
        trust_free(trust);
    return ok;
}

void trust_free(struct trust *trust)
{
    free(trust->der.data);
    free(trust->anchors);
    *trust = (struct trust){0};
}
