/* Reads what --cert and --key name, each file once: it may be a FIFO. Certificates beside a block
 * that is cut off or damaged are kept; whether they are the right ones is seen when the key does
 * not fit the first of them, or by the server. */
#include "tls/x509/own.h"

#include "base/span.h"
#include "tls/x509/foreign.h"
#include "tls/x509/pem.h"

#include <stdlib.h>
#include <string.h>

static struct ringsend_bytes text_of(const struct tls_file *file)
{
    return (struct ringsend_bytes){(const char *)file->content.data, file->content.bytes};
}

/* ---- Certificates ---- */

static bool is_certificate(struct ringsend_bytes label)
{
    return span_equal(label, SPAN("CERTIFICATE")) || span_equal(label, SPAN("X509 CERTIFICATE"));
}

static bool fail_chain(const char *path, const struct tls_file *file, size_t broken,
                       struct message message)
{
    if (broken > 0)
        return message_fail(
            message, "certificate file %s is cut off inside a block, or damaged there", path);
    if (foreign_explain(path, file, FOREIGN_CHAIN, message))
        return false;
    return message_fail(
        message, "%s holds no certificate: it must be PEM text with BEGIN CERTIFICATE lines", path);
}

static bool read_chain(struct own *own, const char *path, const struct tls_file *file,
                       struct message message)
{
    struct ringsend_bytes text = text_of(file);
    struct pem pem = {text.data, text.data + text.bytes};
    struct pem_block block;
    size_t room = pem_decoded_bytes_max(text), used = 0, broken = 0;
    own->chain_der = (struct bytes){malloc(room), room};
    if (!own->chain_der.data)
        return message_fail(message, TLS_NO_MEMORY);
    for (enum pem_next next; (next = pem_next(&pem, &block)) != PEM_NONE;) {
        uint8_t *data = own->chain_der.data + used;
        size_t bytes;
        if (!is_certificate(block.label))
            continue;
        if (next == PEM_BROKEN || !pem_decode(block.body, data, &bytes)) {
            broken++;
            continue;
        }
        if (own->count == OWN_CERTS_MAX || used + bytes > OWN_CHAIN_BYTES_MAX)
            return message_fail(message,
                                "the chain in %s has more than %d certificates or %d bytes", path,
                                OWN_CERTS_MAX, OWN_CHAIN_BYTES_MAX);
        own->chain[own->count++] = (struct der){data, data + bytes};
        used += bytes;
    }
    if (own->count == 0)
        return fail_chain(path, file, broken, message);
    if (broken > 0)
        message_note(message, "%zu of %zu certificates in %s %s passed over: cut off or damaged",
                     broken, broken + own->count, path, broken == 1 ? "was" : "were");
    return true;
}

/* ---- The key ---- */

static bool is_key(struct ringsend_bytes label)
{
    return span_equal(label, SPAN("PRIVATE KEY")) || span_equal(label, SPAN("RSA PRIVATE KEY")) ||
           span_equal(label, SPAN("EC PRIVATE KEY")) ||
           span_equal(label, SPAN("ENCRYPTED PRIVATE KEY"));
}

static bool fail_key(const char *path, const struct tls_file *file, bool is_ssh,
                     struct message message)
{
    if (is_ssh)
        return message_fail(message,
                            "the key in %s is OpenSSH's: convert a copy of it with ssh-keygen -p "
                            "-m PEM -N '' -f COPY",
                            path);
    if (foreign_explain(path, file, FOREIGN_KEY, message))
        return false;
    return message_fail(
        message, "%s holds no private key: it must be PEM text with a BEGIN PRIVATE KEY line",
        path);
}

/* A key that others can read is theirs as well. */
static void note_mode(const char *path, const struct tls_file *file, struct message message)
{
    char room[FILE_WORD_BYTES];
    if (file->is_regular && file->mode & 044)
        message_note(message, "others can read the key in %s (mode %04o): chmod 600 %s", path,
                     file->mode, tls_file_word(path, file, room));
}

static bool take_key(struct own *own, const char *path, const struct tls_file *file,
                     const struct pem_block *block, struct message message)
{
    char room[FILE_WORD_BYTES];
    if (block->encrypted || span_equal(block->label, SPAN("ENCRYPTED PRIVATE KEY")))
        return message_fail(message,
                            "the key in %s is encrypted: decrypt it with openssl pkey -in %s -out "
                            "PLAIN, readable by you alone",
                            path, tls_file_word(path, file, room));
    size_t bytes = pem_decoded_bytes_max(block->body);
    own->key_der = (struct bytes){malloc(bytes), bytes};
    if (!own->key_der.data)
        return message_fail(message, TLS_NO_MEMORY);
    if (!pem_decode(block->body, own->key_der.data, &own->key_der.bytes))
        return message_fail(message, "the key in %s is damaged: it is not base64", path);
    note_mode(path, file, message);
    return true;
}

static bool read_key(struct own *own, const char *path, const struct tls_file *file,
                     struct message message)
{
    struct ringsend_bytes text = text_of(file);
    struct pem pem = {text.data, text.data + text.bytes};
    struct pem_block block;
    bool is_ssh = false;
    for (enum pem_next next; (next = pem_next(&pem, &block)) != PEM_NONE;) {
        is_ssh |= span_equal(block.label, SPAN("OPENSSH PRIVATE KEY"));
        if (!is_key(block.label))
            continue; /* "EC PARAMETERS", certificates */
        if (next == PEM_BROKEN)
            return message_fail(message, "key file %s is cut off inside a block", path);
        return take_key(own, path, file, &block, message);
    }
    return fail_key(path, file, is_ssh, message);
}

/* ---- Both ---- */

bool own_read(struct own *own, const char *chain_file, const char *key_file, struct message message)
{
    struct tls_file chain, key = {.is_regular = false};
    const struct tls_file *of_key = &key;
    *own = (struct own){.count = 0};
    if (!key_file || strcmp(key_file, chain_file) == 0) {
        key_file = chain_file;
        of_key = &chain;
    }
    bool ok = tls_file_read(chain_file, "certificate file", &chain, message) &&
              read_chain(own, chain_file, &chain, message) &&
              (of_key == &chain || tls_file_read(key_file, "key file", &key, message)) &&
              read_key(own, key_file, of_key, message);
    tls_file_wipe(&chain);
    tls_file_wipe(&key);
    return ok;
}

void own_free(struct own *own)
{
    bytes_wipe(&own->chain_der);
    bytes_wipe(&own->key_der);
    *own = (struct own){.count = 0};
}
