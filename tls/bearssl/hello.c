/* The ClientHello (RFC 5246 7.4.1.2), written here and not by BearSSL.
 *
 * BearSSL 0.6 writes it byte by byte in the interpreter of its handshake: 40 us, most of what a
 * resumed handshake costs, and enough for a hundred connections opened at once to hold up the loop.
 * What it says is always the same but for the random bytes, the session and the name. So config.c
 * lets the model write one, and throws it away: in a copy of the model BearSSL waits for the
 * ServerHello, having said something. What, it knows only by the fields of its context and by the
 * running hash of the handshake, and both are set here.
 *
 * One thing is said differently: of the curves X25519 comes first, which BearSSL computes in a
 * third of the time of P-256. The order is ours to choose (RFC 8422 5.1.1) and servers mostly
 * follow it. */
#include "tls/bearssl/hello.h"

#include "base/check.h"
#include "tls/protocols.h"

#include <string.h>

enum {
    RECORD_HANDSHAKE = 22,
    CLIENT_HELLO = 1,
    HASH_SHA256 = 4, /* RFC 5246 7.4.1.4.1 */
    HASH_SHA384 = 5,
    HASH_SHA512 = 6,
    SIGNATURE_RSA = 1,
    SIGNATURE_ECDSA = 3,
    EXTENSION_SERVER_NAME = 0, /* RFC 6066 3 */
    EXTENSION_GROUPS = 10,     /* RFC 8422 5.1 */
    EXTENSION_POINT_FORMATS = 11,
    EXTENSION_SIGNATURES = 13,
    EXTENSION_ALPN = 16,              /* RFC 7301 */
    EXTENSION_RENEGOTIATION = 0xff01, /* RFC 5746 */
};

static uint8_t *put8(uint8_t *at, unsigned value)
{
    *at = (uint8_t)value;
    return at + 1;
}

static uint8_t *put16(uint8_t *at, unsigned value)
{
    return put8(put8(at, value >> 8), value & 0xff);
}

static uint8_t *put(uint8_t *at, const void *data, size_t bytes)
{
    memcpy(at, data, bytes);
    return at + bytes;
}

/* How many bytes stand between here and `end`, in the two bytes before them. */
static void close16(uint8_t *here, const uint8_t *end)
{
    put16(here, (unsigned)(end - here - 2));
}

static uint8_t *put_server_name(uint8_t *at, const char *name)
{
    unsigned bytes = (unsigned)strlen(name);
    if (bytes == 0)
        return at;
    at = put16(at, EXTENSION_SERVER_NAME);
    at = put16(at, bytes + 5);
    at = put16(at, bytes + 3);
    at = put8(at, 0); /* host_name */
    at = put16(at, bytes);
    return put(at, name, bytes);
}

static uint8_t *put_signatures(uint8_t *at)
{
    static const uint8_t signatures[] = {HASH_SHA256, SIGNATURE_ECDSA, HASH_SHA384, SIGNATURE_ECDSA,
                                         HASH_SHA512, SIGNATURE_ECDSA, HASH_SHA256, SIGNATURE_RSA,
                                         HASH_SHA384, SIGNATURE_RSA,   HASH_SHA512, SIGNATURE_RSA};
    at = put16(at, EXTENSION_SIGNATURES);
    at = put16(at, sizeof signatures + 2);
    at = put16(at, sizeof signatures);
    return put(at, signatures, sizeof signatures);
}

static uint8_t *put_groups(uint8_t *at, uint32_t supported)
{
    static const uint8_t groups[] = {BR_EC_curve25519, BR_EC_secp256r1, BR_EC_secp384r1,
                                     BR_EC_secp521r1};
    at = put16(at, EXTENSION_GROUPS);
    uint8_t *extension = at, *list = at + 2;
    at += 4;
    for (size_t i = 0; i < sizeof groups; i++) {
        if (supported >> groups[i] & 1)
            at = put16(at, groups[i]);
    }
    close16(list, at);
    close16(extension, at);
    at = put16(at, EXTENSION_POINT_FORMATS);
    at = put16(at, 2);
    return put16(at, 0x0100); /* one: uncompressed */
}

static uint8_t *put_protocols(uint8_t *at, tls_protocols protocols)
{
    if (!protocols || !*protocols)
        return at;
    at = put16(at, EXTENSION_ALPN);
    uint8_t *extension = at, *list = at + 2;
    at = protocols_put(at + 4, protocols);
    close16(list, at);
    close16(extension, at);
    return at;
}

static uint8_t *put_extensions(uint8_t *at, const br_ssl_engine_context *engine,
                               tls_protocols protocols)
{
    uint8_t *all = at;
    at += 2;
    at = put16(at, EXTENSION_RENEGOTIATION);
    at = put16(at, 1);
    at = put8(at, 0);
    at = put_server_name(at, engine->server_name);
    at = put_signatures(at);
    at = put_groups(at, engine->iec->supported_curves);
    at = put_protocols(at, protocols);
    close16(all, at);
    return at;
}

/* BearSSL compares the server's choice with them. It only reads the list. */
static void set_protocols(br_ssl_engine_context *engine, tls_protocols protocols)
{
    size_t count = 0;
    while (protocols && protocols[count])
        count++;
    br_ssl_engine_set_protocol_names(engine, (const char **)(uintptr_t)protocols, count);
}

size_t hello_write(br_ssl_engine_context *engine, tls_protocols protocols,
                   uint8_t out[HELLO_BYTES_MAX])
{
    CHECK(engine->log_max_frag_len == 14);
    set_protocols(engine, protocols);
    uint8_t *at = put16(put8(out, RECORD_HANDSHAKE), BR_TLS12);
    uint8_t *record = at, *message = at + 2, *length = message + 2;
    at = put16(length + 2, BR_TLS12);
    at = put(at, engine->client_random, sizeof engine->client_random);
    at = put8(at, engine->session.session_id_len);
    at = put(at, engine->session.session_id, engine->session.session_id_len);
    at = put16(at, 2u * engine->suites_num);
    for (size_t i = 0; i < engine->suites_num; i++)
        at = put16(at, engine->suites_buf[i]);
    at = put16(at, 0x0100); /* compression: one, none */
    at = put_extensions(at, engine, protocols);
    put16(message, CLIENT_HELLO << 8);
    close16(length, at);
    close16(record, at);
    CHECK(at - out <= HELLO_BYTES_MAX);
    br_multihash_init(&engine->mhash);
    br_multihash_update(&engine->mhash, message, (size_t)(at - message));
    return (size_t)(at - out);
}
