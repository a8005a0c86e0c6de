/* A certificate (RFC 5280 section 4) taken apart: borrowed runs of its DER, and the extensions that
 * verification looks at. Nothing here judges it but for its form. */
#ifndef RINGSEND_TLS_CERT_H
#define RINGSEND_TLS_CERT_H

#include "tls/x509/der.h"
#include "tls/tls.h"

enum key_kind {
    KEY_UNKNOWN, /* or such as nobody should use */
    KEY_RSA,
    KEY_RSA_PSS, /* RSA that signs in no other way, RFC 4055 1.2 */
    KEY_EC,
    KEY_EDWARDS, /* Ed25519, Ed448: RFC 8410 */
};

/* TLS's numbers, RFC 8422 5.1.1. */
enum key_curve { CURVE_NONE = 0, CURVE_P256 = 23, CURVE_P384 = 24, CURVE_P521 = 25 };

struct public_key {
    enum key_kind kind;
    struct der whole; /* the SubjectPublicKeyInfo, with its header */
    struct der n, e;  /* RSA */
    enum key_curve curve;
    struct der point; /* EC, uncompressed */
};

enum cert_signature {
    CERT_SIGNATURE_UNKNOWN,
    CERT_SIGNATURE_WEAK, /* with MD5 or SHA-1 */
    CERT_SIGNATURE_RSA,  /* PKCS#1 v1.5 */
    CERT_SIGNATURE_RSA_PSS,
    CERT_SIGNATURE_ECDSA,
    CERT_SIGNATURE_EDWARDS,
};

enum cert_hash { CERT_HASH_NONE, CERT_HASH_SHA256, CERT_HASH_SHA384, CERT_HASH_SHA512 };

/* Bits of keyUsage, the first of the BIT STRING lowest. */
enum cert_usage { CERT_USAGE_DIGITAL_SIGNATURE = 1 << 0, CERT_USAGE_CERT_SIGN = 1 << 5 };

struct cert {
    struct der whole, signed_part;      /* signed_part is the tbsCertificate with its header */
    struct der issuer, subject;         /* whole Names, with their headers */
    uint64_t issuer_hash, subject_hash; /* dn_hash */
    bool self_issued;                   /* both are one name */
    int64_t not_before_s, not_after_s;
    enum cert_signature signature_kind;
    enum cert_hash hash; /* of the signature; none where its kind has one of its own */
    uint32_t salt_bytes; /* of RSA-PSS */
    struct der signature;
    struct public_key key;
    bool version_1; /* cannot say whether it is an authority */
    bool has_basic;
    bool is_ca;
    bool has_path_length;
    uint32_t path_length;
    bool has_usage;
    uint32_t usage; /* enum cert_usage */
    bool has_extended_usage;
    bool for_servers; /* the extended usages include serverAuth */
    bool has_names;
    struct der names; /* contents of subjectAltName */
    bool has_constraints;
    struct der constraints;           /* contents of nameConstraints */
    struct der key_id, issuer_key_id; /* empty: absent */
    struct der policies, mappings; /* contents of certificatePolicies, policyMappings; or empty */
    bool requires_policy, inhibits_mapping, inhibits_any;
    uint32_t policy_in, mapping_in, any_in; /* with those: so many certificates below */
    bool unknown_critical;
    bool critical_key_id; /* a key identifier is critical, which it must not be */
};

/* False when the form is wrong. The certificate points into `data`. */
bool cert_parse(struct der data, struct cert *cert);
/* The public key alone, of whatever else may be wrong. */
bool cert_parse_key(struct der data, struct public_key *key);
/* From a SubjectPublicKeyInfo, whole. False when malformed. */
bool cert_read_key(struct der whole, struct public_key *key);
/* Of the curve with this OID's contents. */
enum key_curve cert_curve(struct der oid);

/* Writes the subject's common name, or what comes nearest, for people: printable ASCII only. */
void cert_describe(struct der name, char *out, size_t room);

#endif
