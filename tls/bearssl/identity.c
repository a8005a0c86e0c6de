/* Reads a certificate chain and its private key, and checks that they belong together: a mistake
 * found here is one sentence, found in a handshake it is an alert from the other side.
 *
 * Keys are taken apart here and never reach BearSSL's key decoder, whose release 0.6 can write
 * beyond its buffer with large keys (mended upstream in b715b43). */
#include "tls/bearssl/identity.h"

static unsigned char *bare(const uint8_t *at)
{
    return (unsigned char *)(uintptr_t)at;
}

/* ---- Keys ---- */

/* RFC 8017 A.1.2, two primes. */
static bool parse_rsa(struct der key, struct identity *identity)
{
    struct der numbers, part[8]; /* n, e, d, p, q, dp, dq, iq */
    uint32_t version;
    if (!der_take(&key, DER_SEQUENCE, &numbers) || key.at != key.end ||
        !der_take_small(&numbers, 0, &version))
        return false;
    for (size_t i = 0; i < 8; i++) {
        if (!der_take_unsigned(&numbers, &part[i]))
            return false;
    }
    struct der n = part[0];
    /* BearSSL's bounds: moduli of 4096 bits, factors a little above half of that. */
    if (numbers.at != numbers.end || der_bytes(n) < 64 || der_bytes(n) > 512 ||
        der_bytes(part[3]) > 260 || der_bytes(part[4]) > 260)
        return false;
    uint32_t bits = (uint32_t)der_bytes(n) * 8;
    for (uint8_t top = *n.at; top < 0x80; top = (uint8_t)(top << 1))
        bits--;
    identity->key_type = BR_KEYTYPE_RSA;
    identity->key.rsa = (br_rsa_private_key){bits,
                                             bare(part[3].at),
                                             der_bytes(part[3]),
                                             bare(part[4].at),
                                             der_bytes(part[4]),
                                             bare(part[5].at),
                                             der_bytes(part[5]),
                                             bare(part[6].at),
                                             der_bytes(part[6]),
                                             bare(part[7].at),
                                             der_bytes(part[7])};
    return true;
}

/* RFC 5915; curve: as PKCS#8 told, or none. */
static bool parse_ec(struct der key, enum key_curve curve, struct identity *identity)
{
    struct der fields, number, parameters, oid;
    uint32_t version;
    if (!der_take(&key, DER_SEQUENCE, &fields) || key.at != key.end ||
        !der_take_small(&fields, 1, &version) || version != 1 ||
        !der_take(&fields, DER_OCTET_STRING, &number))
        return false;
    if (der_take(&fields, DER_CONTEXT | DER_CONSTRUCTED | 0, &parameters)) {
        if (!der_take(&parameters, DER_OID, &oid) || (curve && cert_curve(oid) != curve))
            return false;
        curve = cert_curve(oid);
    }
    if (!curve || der_bytes(number) == 0 || der_bytes(number) > 66)
        return false;
    identity->key_type = BR_KEYTYPE_EC;
    identity->key.ec = (br_ec_private_key){(int)curve, bare(number.at), der_bytes(number)};
    return true;
}

/* RFC 5958: version, algorithm, the key in an OCTET STRING. */
static bool parse_pkcs8(struct der fields, struct identity *identity)
{
    struct der algorithm, oid, key, curve;
    uint32_t version;
    if (!der_take_small(&fields, 1, &version) || !der_take(&fields, DER_SEQUENCE, &algorithm) ||
        !der_take(&algorithm, DER_OID, &oid) || !der_take(&fields, DER_OCTET_STRING, &key))
        return false;
    if (der_equal(oid, DER_LITERAL("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01")))
        return parse_rsa(key, identity);
    return der_equal(oid, DER_LITERAL("\x2a\x86\x48\xce\x3d\x02\x01")) &&
           der_take(&algorithm, DER_OID, &curve) && cert_curve(curve) &&
           parse_ec(key, cert_curve(curve), identity);
}

/* The three forms differ behind the version: PKCS#8 has a SEQUENCE, SEC1 an OCTET STRING, PKCS#1 an
 * INTEGER. */
bool identity_parse_key(struct der der, struct identity *identity)
{
    struct der rest = der, fields, version;
    if (!der_take(&rest, DER_SEQUENCE, &fields))
        return false;
    struct der inner = fields;
    if (!der_take(&inner, DER_INTEGER, &version))
        return false;
    if (der_has(inner, DER_SEQUENCE))
        return parse_pkcs8(fields, identity);
    if (der_has(inner, DER_OCTET_STRING))
        return parse_ec(der, CURVE_NONE, identity);
    return parse_rsa(der, identity);
}

/* ---- Does the key belong to the certificate? ---- */

/* By a signature. Computing the modulus would do, but fails for 4096 bits in BearSSL 0.6. */
static bool is_rsa_pair(const br_rsa_private_key *key, const br_rsa_public_key *public)
{
    static const uint8_t digest[br_sha256_SIZE] = {1};
    uint8_t signature[512], found[sizeof digest];
    size_t bytes = public->nlen;
    return (key->n_bitlen + 7) / 8 == bytes && bytes <= sizeof signature &&
           br_rsa_pkcs1_sign_get_default()(BR_HASH_OID_SHA256, digest, sizeof digest, key,
                                           signature) == 1 &&
           br_rsa_pkcs1_vrfy_get_default()(signature, bytes, BR_HASH_OID_SHA256, sizeof found,
                                           public, found) == 1 &&
           memcmp(found, digest, sizeof digest) == 0;
}

static bool is_pair(const struct identity *identity, const br_x509_pkey *public)
{
    if (identity->key_type != public->key_type)
        return false;
    if (identity->key_type == BR_KEYTYPE_RSA)
        return is_rsa_pair(&identity->key.rsa, &public->key.rsa);
    uint8_t point[BR_EC_KBUF_PUB_MAX_SIZE];
    br_ec_public_key computed;
    size_t bytes = br_ec_compute_pub(br_ec_get_default(), &computed, point, &identity->key.ec);
    return bytes > 0 && identity->key.ec.curve == public->key.ec.curve &&
           bytes == public->key.ec.qlen && memcmp(point, public->key.ec.q, bytes) == 0;
}

/* ---- Files ---- */

static bool check_pair(const struct identity *identity, const char *chain_file,
                       const char *key_file, struct message message)
{
    struct public_key key;
    if (!cert_parse_key(identity->own.chain[0], &key))
        return message_fail(message, "the first certificate in %s is malformed", chain_file);
    const br_x509_pkey public = bearssl_key(&key);
    if (!is_pair(identity, &public))
        return message_fail(message,
                            "the key in %s does not belong to the first certificate in %s: the "
                            "file must begin with the key's own certificate",
                            key_file, chain_file);
    return true;
}

static bool take(struct identity *identity, const char *chain_file, const char *key_file,
                 struct message message)
{
    const struct own *own = &identity->own;
    for (size_t i = 0; i < own->count; i++)
        identity->chain[i] =
            (br_x509_certificate){bare(own->chain[i].at), der_bytes(own->chain[i])};
    identity->count = own->count;
    if (!identity_parse_key((struct der){own->key_der.data, own->key_der.data + own->key_der.bytes},
                            identity))
        return message_fail(message,
                            "the key in %s cannot be used: it must be RSA of up to 4096 bits, or "
                            "EC on P-256, P-384 or P-521",
                            key_file);
    return check_pair(identity, chain_file, key_file, message);
}

bool identity_load(struct identity *identity, const char *chain_file, const char *key_file,
                   struct message message)
{
    *identity = (struct identity){0};
    if (own_read(&identity->own, chain_file, key_file, message) &&
        take(identity, chain_file, key_file ? key_file : chain_file, message))
        return true;
    identity_free(identity);
    return false;
}

void identity_free(struct identity *identity)
{
    own_free(&identity->own);
    *identity = (struct identity){0};
}
