/* Takes certificates apart: RFC 5280 4.1, algorithms of RFC 4055, RFC 5480 and RFC 5758.
 *
 * Own code rather than BearSSL's two X.509 engines, because neither keeps what verification needs
 * here (alternative names, extended usages, constraints, the signed bytes), and both are
 * interpreted and take 70 us a certificate where this takes 1.
 *
 * Form only: a wrong form makes the certificate unusable, an unknown algorithm does not, for it may
 * stand in a part of the chain that nobody needs. */
#include "tls/x509/cert.h"

#include "base/check.h"
#include "tls/x509/dn.h"

#define OID_RSA "\x2a\x86\x48\x86\xf7\x0d\x01\x01"
#define OID_ECDSA_SHA2 "\x2a\x86\x48\xce\x3d\x04\x03"
#define OID_EXTENSION "\x55\x1d"

enum { EXTENSIONS_MAX = 64 }; /* nobody has so many */

enum key_curve cert_curve(struct der oid)
{
    if (der_equal(oid, DER_LITERAL("\x2a\x86\x48\xce\x3d\x03\x01\x07")))
        return CURVE_P256;
    if (der_equal(oid, DER_LITERAL("\x2b\x81\x04\x00\x22")))
        return CURVE_P384;
    if (der_equal(oid, DER_LITERAL("\x2b\x81\x04\x00\x23")))
        return CURVE_P521;
    return CURVE_NONE;
}

static size_t point_bytes(enum key_curve curve)
{
    switch (curve) {
    case CURVE_P256:
        return 65;
    case CURVE_P384:
        return 97;
    case CURVE_P521:
        return 133;
    case CURVE_NONE:
        break;
    }
    return 0;
}

static bool read_rsa_key(struct der bits, enum key_kind kind, struct public_key *key)
{
    struct der numbers, n, e;
    if (!der_take(&bits, DER_SEQUENCE, &numbers) || bits.at != bits.end ||
        !der_take_unsigned(&numbers, &n) || !der_take_unsigned(&numbers, &e) ||
        numbers.at != numbers.end)
        return false;
    /* Even moduli and exponents, 1 among the latter, are no RSA keys; moduli above 8192 and
     * exponents above 32 bits serve to burn the verifier's time. */
    if (der_bytes(n) < 64 || der_bytes(n) > 1024 || (n.end[-1] & 1) == 0 || der_bytes(e) > 4 ||
        (e.end[-1] & 1) == 0 || (der_bytes(e) == 1 && *e.at == 1))
        return true;
    key->kind = kind;
    key->n = n;
    key->e = e;
    return true;
}

/* Ed25519 and Ed448; their signatures have the same names. */
static bool is_edwards(struct der oid)
{
    return der_equal(oid, DER_LITERAL("\x2b\x65\x70")) ||
           der_equal(oid, DER_LITERAL("\x2b\x65\x71"));
}

bool cert_read_key(struct der whole, struct public_key *key)
{
    struct der info, algorithm, oid, bits, curve_oid;
    *key = (struct public_key){.whole = whole};
    if (!der_take(&whole, DER_SEQUENCE, &info) || whole.at != whole.end ||
        !der_take(&info, DER_SEQUENCE, &algorithm) || !der_take_bits(&info, &bits) ||
        info.at != info.end || !der_take(&algorithm, DER_OID, &oid))
        return false;
    if (der_equal(oid, DER_LITERAL(OID_RSA "\x01")))
        return read_rsa_key(bits, KEY_RSA, key);
    if (der_equal(oid, DER_LITERAL(OID_RSA "\x0a")))
        return read_rsa_key(bits, KEY_RSA_PSS, key);
    if (is_edwards(oid) && der_bytes(bits) == (oid.end[-1] == 0x70 ? 32 : 57))
        key->kind = KEY_EDWARDS;
    if (!der_equal(oid, DER_LITERAL("\x2a\x86\x48\xce\x3d\x02\x01")))
        return true;
    /* Only named curves (RFC 5480 2.1.1), only uncompressed points. */
    if (!der_take(&algorithm, DER_OID, &curve_oid))
        return true;
    enum key_curve curve = cert_curve(curve_oid);
    if (!curve || der_bytes(bits) != point_bytes(curve) || *bits.at != 4)
        return true;
    key->kind = KEY_EC;
    key->curve = curve;
    key->point = bits;
    return true;
}

/* ---- Signature algorithm ---- */

static enum cert_hash sha2_of(uint8_t last_arc, uint8_t first)
{
    static const enum cert_hash hashes[] = {CERT_HASH_SHA256, CERT_HASH_SHA384, CERT_HASH_SHA512};
    return last_arc >= first && last_arc < first + 3 ? hashes[last_arc - first] : CERT_HASH_NONE;
}

/* An AlgorithmIdentifier of a hash; its parameters are absent or NULL. */
static enum cert_hash take_hash(struct der *d)
{
    struct der algorithm, oid;
    if (!der_take(d, DER_SEQUENCE, &algorithm) || !der_take(&algorithm, DER_OID, &oid) ||
        der_bytes(oid) != 9 || memcmp(oid.at, "\x60\x86\x48\x01\x65\x03\x04\x02", 8) != 0)
        return CERT_HASH_NONE;
    return sha2_of(oid.end[-1], 1);
}

/* RSASSA-PSS-params, RFC 4055 3.1. What they leave out stands for SHA-1; of the rest that mask and
 * digest hash alike, as all do that are in use. */
static void read_pss(struct der parameters, struct cert *cert)
{
    struct der part, mask, oid;
    cert->signature_kind = CERT_SIGNATURE_WEAK;
    if (!der_take(&parameters, DER_CONTEXT | DER_CONSTRUCTED | 0, &part))
        return;
    cert->signature_kind = CERT_SIGNATURE_UNKNOWN;
    cert->hash = take_hash(&part);
    if (cert->hash == CERT_HASH_NONE || part.at != part.end ||
        !der_take(&parameters, DER_CONTEXT | DER_CONSTRUCTED | 1, &part) ||
        !der_take(&part, DER_SEQUENCE, &mask) || part.at != part.end ||
        !der_take(&mask, DER_OID, &oid) || !der_equal(oid, DER_LITERAL(OID_RSA "\x08")) ||
        take_hash(&mask) != cert->hash || mask.at != mask.end)
        return;
    cert->salt_bytes = 20;
    if (der_take(&parameters, DER_CONTEXT | DER_CONSTRUCTED | 2, &part) &&
        (!der_take_small(&part, 1024, &cert->salt_bytes) || part.at != part.end))
        return;
    if (parameters.at == parameters.end)
        cert->signature_kind = CERT_SIGNATURE_RSA_PSS;
}

/* algorithm: contents of an AlgorithmIdentifier. */
static bool read_signature_kind(struct der algorithm, struct cert *cert)
{
    struct der oid, parameters;
    if (!der_take(&algorithm, DER_OID, &oid) || oid.at == oid.end)
        return false;
    uint8_t last = oid.end[-1];
    struct der stem = {oid.at, oid.end - 1};
    cert->signature_kind = CERT_SIGNATURE_UNKNOWN;
    if (der_equal(stem, DER_LITERAL(OID_RSA))) {
        if ((cert->hash = sha2_of(last, 11)))
            cert->signature_kind = CERT_SIGNATURE_RSA;
        else if (last == 10 && der_take(&algorithm, DER_SEQUENCE, &parameters))
            read_pss(parameters, cert);
        else if (last >= 2 && last <= 5) /* MD2, MD4, MD5, SHA-1 */
            cert->signature_kind = CERT_SIGNATURE_WEAK;
    } else if (der_equal(stem, DER_LITERAL(OID_ECDSA_SHA2))) {
        if ((cert->hash = sha2_of(last, 2)))
            cert->signature_kind = CERT_SIGNATURE_ECDSA;
    } else if (is_edwards(oid)) {
        cert->signature_kind = CERT_SIGNATURE_EDWARDS;
    } else if (der_equal(oid, DER_LITERAL("\x2a\x86\x48\xce\x3d\x04\x01"))) {
        cert->signature_kind = CERT_SIGNATURE_WEAK; /* ECDSA with SHA-1 */
    }
    return true;
}

/* ---- Times ---- */

static bool take_digits(struct der *d, unsigned count, unsigned min, unsigned max, unsigned *value)
{
    unsigned v = 0;
    for (unsigned i = 0; i < count; i++) {
        if (d->at == d->end || *d->at < '0' || *d->at > '9')
            return false;
        v = v * 10 + (*d->at++ - '0');
    }
    *value = v;
    return v >= min && v <= max;
}

/* Days since 1970-01-01 in the Gregorian calendar: years begin in March, so that the leap day comes
 * last. */
static int64_t days_of(unsigned year, unsigned month, unsigned day)
{
    int64_t y = (int64_t)year - (month <= 2);
    unsigned m = month <= 2 ? month + 9 : month - 3;
    return y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static unsigned days_in(unsigned year, unsigned month)
{
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (month == 2)
        return leap ? 29 : 28;
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/* RFC 5280 4.1.2.5: with seconds, in UTC, no fractions. Leap seconds are in no certificate. */
static bool take_time(struct der *d, int64_t *seconds)
{
    struct der t;
    uint8_t tag;
    unsigned year, month, day, hour, minute, second;
    if (!der_next(d, &tag, &t))
        return false;
    if (tag == DER_UTC_TIME) {
        if (!take_digits(&t, 2, 0, 99, &year))
            return false;
        year += year < 50 ? 2000 : 1900;
    } else if (tag != DER_GENERALIZED_TIME || !take_digits(&t, 4, 1, 9999, &year)) {
        return false;
    }
    if (!take_digits(&t, 2, 1, 12, &month) || !take_digits(&t, 2, 1, days_in(year, month), &day) ||
        !take_digits(&t, 2, 0, 23, &hour) || !take_digits(&t, 2, 0, 59, &minute) ||
        !take_digits(&t, 2, 0, 59, &second) || der_bytes(t) != 1 || *t.at != 'Z')
        return false;
    *seconds = ((days_of(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    return true;
}

/* ---- Extensions ---- */

static bool read_basic(struct der value, struct cert *cert)
{
    struct der constraints, flag;
    cert->has_basic = true;
    if (!der_take(&value, DER_SEQUENCE, &constraints) || value.at != value.end)
        return false;
    if (der_has(constraints, DER_BOOLEAN)) {
        if (!der_take(&constraints, DER_BOOLEAN, &flag) || der_bytes(flag) != 1)
            return false;
        cert->is_ca = *flag.at != 0;
    }
    if (der_has(constraints, DER_INTEGER)) {
        if (!der_take_small(&constraints, 0x7fffffff, &cert->path_length))
            return false;
        cert->has_path_length = true;
    }
    return constraints.at == constraints.end;
}

static bool read_usage(struct der value, struct cert *cert)
{
    struct der bits;
    cert->has_usage = true;
    if (!der_take(&value, DER_BIT_STRING, &bits) || value.at != value.end || der_bytes(bits) < 1 ||
        *bits.at > 7)
        return false;
    for (size_t i = 0; i < 8 && der_bytes(bits) > 1; i++)
        cert->usage |= (uint32_t)(bits.at[1] >> (7 - i) & 1) << i;
    return true;
}

static bool read_extended_usage(struct der value, struct cert *cert)
{
    struct der usages, oid;
    cert->has_extended_usage = true;
    if (!der_take(&value, DER_SEQUENCE, &usages) || value.at != value.end)
        return false;
    while (der_take(&usages, DER_OID, &oid)) {
        /* serverAuth. anyExtendedKeyUsage does not stand for it, as in other TLS clients. */
        if (der_equal(oid, DER_LITERAL("\x2b\x06\x01\x05\x05\x07\x03\x01")))
            cert->for_servers = true;
    }
    return usages.at == usages.end;
}

static bool read_names(struct der value, struct cert *cert)
{
    struct der names, name;
    uint8_t tag;
    cert->has_names = true;
    if (!der_take(&value, DER_SEQUENCE, &cert->names) || value.at != value.end)
        return false;
    for (names = cert->names; names.at < names.end;) {
        if (!der_next(&names, &tag, &name) || !(tag & DER_CONTEXT))
            return false;
    }
    return true;
}

static bool read_constraints(struct der value, struct cert *cert)
{
    cert->has_constraints = true;
    return der_take(&value, DER_SEQUENCE, &cert->constraints) && value.at == value.end;
}

static bool read_issuer_key_id(struct der value, struct cert *cert)
{
    struct der parts;
    if (!der_take(&value, DER_SEQUENCE, &parts) || value.at != value.end)
        return false;
    /* [0] is the key's, behind it may stand issuer name and serial number. */
    if (der_has(parts, DER_CONTEXT | 0))
        return der_take(&parts, DER_CONTEXT | 0, &cert->issuer_key_id);
    return true;
}

static bool read_key_id(struct der value, struct cert *cert)
{
    return der_take(&value, DER_OCTET_STRING, &cert->key_id) && value.at == value.end;
}

static bool read_list(struct der value, struct der *list)
{
    return der_take(&value, DER_SEQUENCE, list) && value.at == value.end;
}

/* The tag's number of certificates; more than a path can have are as many as it can. */
static bool take_count(struct der *fields, uint8_t tag, bool *given, uint32_t *count)
{
    struct der value;
    if (!der_has(*fields, tag))
        return true;
    if (!der_take(fields, tag, &value) || value.at == value.end || *value.at >= 0x80)
        return false;
    *given = true;
    *count = der_bytes(value) == 1 ? *value.at : UINT8_MAX;
    return true;
}

static bool read_policy_constraints(struct der value, struct cert *cert)
{
    struct der fields;
    return read_list(value, &fields) && fields.at < fields.end &&
           take_count(&fields, DER_CONTEXT | 0, &cert->requires_policy, &cert->policy_in) &&
           take_count(&fields, DER_CONTEXT | 1, &cert->inhibits_mapping, &cert->mapping_in) &&
           fields.at == fields.end;
}

static bool read_inhibit_any(struct der value, struct cert *cert)
{
    return take_count(&value, DER_INTEGER, &cert->inhibits_any, &cert->any_in) &&
           cert->inhibits_any && value.at == value.end;
}

/* Those met so far. A second one of a kind is a wrong form (RFC 5280 4.2), whatever the kind: two
 * readers would take different ones. */
struct seen {
    struct der oids[EXTENSIONS_MAX];
    size_t count;
};

static bool is_new(struct seen *seen, struct der oid)
{
    for (size_t i = 0; i < seen->count; i++) {
        if (der_equal(seen->oids[i], oid))
            return false;
    }
    if (seen->count == EXTENSIONS_MAX)
        return false;
    seen->oids[seen->count++] = oid;
    return true;
}

static bool read_extension(struct der extension, struct cert *cert, struct seen *seen)
{
    struct der oid, flag, value;
    bool critical = false;
    if (!der_take(&extension, DER_OID, &oid) || !is_new(seen, oid))
        return false;
    if (der_has(extension, DER_BOOLEAN)) {
        if (!der_take(&extension, DER_BOOLEAN, &flag) || der_bytes(flag) != 1)
            return false;
        critical = *flag.at != 0;
    }
    if (!der_take(&extension, DER_OCTET_STRING, &value) || extension.at != extension.end)
        return false;
    /* The last arc of id-ce (2.5.29). */
    bool is_known = der_bytes(oid) == 3 && memcmp(oid.at, OID_EXTENSION, 2) == 0;
    switch (is_known ? oid.at[2] : 0) {
    case 14:
        cert->critical_key_id |= critical;
        return read_key_id(value, cert);
    case 15:
        return read_usage(value, cert);
    case 17:
        return read_names(value, cert);
    case 19:
        return read_basic(value, cert);
    case 30:
        return read_constraints(value, cert);
    case 32:
        return read_list(value, &cert->policies);
    case 33:
        return read_list(value, &cert->mappings);
    case 35:
        cert->critical_key_id |= critical;
        return read_issuer_key_id(value, cert);
    case 36:
        return read_policy_constraints(value, cert);
    case 37:
        return read_extended_usage(value, cert);
    case 54:
        return read_inhibit_any(value, cert);
    }
    cert->unknown_critical |= critical;
    return true;
}

static bool read_extensions(struct der wrapped, struct cert *cert)
{
    struct der list, extension;
    struct seen seen = {.count = 0};
    if (!der_take(&wrapped, DER_SEQUENCE, &list) || wrapped.at != wrapped.end)
        return false;
    while (list.at < list.end) {
        if (!der_take(&list, DER_SEQUENCE, &extension) || !read_extension(extension, cert, &seen))
            return false;
    }
    return true;
}

/* ---- The certificate ---- */

struct fields {
    uint32_t version; /* 0: v1, 2: v3 */
    struct der algorithm, issuer, validity, subject, key_info;
    struct der rest; /* unique identifiers and extensions */
};

static bool take_fields(struct der signed_part, struct fields *f)
{
    struct der version, serial, t;
    f->version = 0;
    if (!der_take(&signed_part, DER_SEQUENCE, &t))
        return false;
    if (der_has(t, DER_CONTEXT | DER_CONSTRUCTED | 0)) {
        if (!der_take(&t, DER_CONTEXT | DER_CONSTRUCTED | 0, &version) ||
            !der_take_small(&version, 2, &f->version) || version.at != version.end)
            return false;
    }
    /* The serial number may have any sign: some were issued negative. */
    if (!der_take(&t, DER_INTEGER, &serial) || !der_take_whole(&t, DER_SEQUENCE, &f->algorithm) ||
        !der_take_whole(&t, DER_SEQUENCE, &f->issuer) ||
        !der_take(&t, DER_SEQUENCE, &f->validity) ||
        !der_take_whole(&t, DER_SEQUENCE, &f->subject) ||
        !der_take_whole(&t, DER_SEQUENCE, &f->key_info))
        return false;
    f->rest = t;
    return true;
}

bool cert_parse(struct der data, struct cert *cert)
{
    struct fields f;
    struct der parts, algorithm, inner, skipped, wrapped;
    *cert = (struct cert){.whole = data};
    if (!der_take(&data, DER_SEQUENCE, &parts) || data.at != data.end ||
        !der_take_whole(&parts, DER_SEQUENCE, &cert->signed_part) ||
        !der_take_whole(&parts, DER_SEQUENCE, &algorithm) ||
        !der_take_bits(&parts, &cert->signature) || parts.at != parts.end ||
        !take_fields(cert->signed_part, &f))
        return false;
    /* The algorithm stands twice, once within what is signed (RFC 5280 4.1.1.2). */
    if (!der_equal(algorithm, f.algorithm) || !der_take(&algorithm, DER_SEQUENCE, &inner) ||
        !read_signature_kind(inner, cert) || !cert_read_key(f.key_info, &cert->key))
        return false;
    cert->version_1 = f.version == 0;
    cert->issuer = f.issuer;
    cert->subject = f.subject;
    cert->issuer_hash = dn_hash(f.issuer);
    cert->subject_hash = dn_hash(f.subject);
    cert->self_issued = cert->issuer_hash == cert->subject_hash && dn_equal(f.issuer, f.subject);
    if (!take_time(&f.validity, &cert->not_before_s) ||
        !take_time(&f.validity, &cert->not_after_s) || f.validity.at != f.validity.end)
        return false;
    /* issuerUniqueID and subjectUniqueID, obsolete */
    for (uint8_t number = 1; number <= 2; number++) {
        if (der_has(f.rest, DER_CONTEXT | number) &&
            !der_take(&f.rest, DER_CONTEXT | number, &skipped))
            return false;
    }
    if (f.rest.at == f.rest.end)
        return true;
    return f.version == 2 && der_take(&f.rest, DER_CONTEXT | DER_CONSTRUCTED | 3, &wrapped) &&
           f.rest.at == f.rest.end && read_extensions(wrapped, cert);
}

bool cert_parse_key(struct der data, struct public_key *key)
{
    struct fields f;
    struct der parts, signed_part;
    return der_take(&data, DER_SEQUENCE, &parts) &&
           der_take_whole(&parts, DER_SEQUENCE, &signed_part) && take_fields(signed_part, &f) &&
           cert_read_key(f.key_info, key);
}

void cert_describe(struct der name, char *out, size_t room)
{
    struct der names, set, pair, oid, value, found = {0};
    uint8_t tag;
    CHECK(room > 0);
    if (!der_take(&name, DER_SEQUENCE, &names))
        names = (struct der){0};
    while (der_take(&names, DER_SET, &set)) {
        if (!der_take(&set, DER_SEQUENCE, &pair) || !der_take(&pair, DER_OID, &oid) ||
            !der_next(&pair, &tag, &value))
            break;
        bool is_common_name = der_equal(oid, DER_LITERAL("\x55\x04\x03"));
        /* Without a common name the last part, which is the most particular one. */
        found = value;
        if (is_common_name)
            break;
    }
    size_t bytes = der_bytes(found) < room - 1 ? der_bytes(found) : room - 1;
    for (size_t i = 0; i < bytes; i++)
        out[i] = found.at[i] >= 0x20 && found.at[i] < 0x7f ? (char)found.at[i] : '?';
    out[bytes] = 0;
    if (bytes == 0 && room > sizeof "(no name)")
        memcpy(out, "(no name)", sizeof "(no name)");
}
