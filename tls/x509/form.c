/* The form of a certificate: RFC 5280's types in DER, down to where values begin to mean something.
 * Servers that send what has not even this form are refused (tls/judge.c), whichever library speaks
 * to them. OpenSSL takes the certificates apart itself before anybody is asked, and refuses what it
 * cannot, so what d2i_X509 refuses has to be refused here: tests/tls/test_openssl.c looks at both.
 * The other way round is harmless: this judges behind d2i_X509, too.
 *
 * What cert.c refuses beyond this (a date that is none, an extension twice) makes a certificate
 * useless, and does no harm beside others. */
#include "tls/x509/form.h"

#include "tls/x509/dn.h"

enum {
    ENUMERATED = 0x0a,
    UTF8 = 0x0c,
    NUMERIC = 0x12,
    PRINTABLE = 0x13,
    T61 = 0x14,
    IA5 = 0x16,
    UNIVERSAL = 0x1c,
    BMP = 0x1e,
    EXPLICIT = DER_CONTEXT | DER_CONSTRUCTED,
};

static bool is_integer(struct der value)
{
    size_t bytes = der_bytes(value);
    /* Not padded: the first nine bits differ. */
    return bytes > 0 && !(bytes > 1 && ((value.at[0] == 0 && value.at[1] < 0x80) ||
                                        (value.at[0] == 0xff && value.at[1] >= 0x80)));
}

static bool is_bits(struct der value)
{
    return der_bytes(value) > 0 && *value.at <= 7;
}

/* Numbers of seven bits to the byte, none of them padded. */
static bool is_oid(struct der value)
{
    bool begins = true;
    for (const uint8_t *at = value.at; at < value.end; at++) {
        if (begins && *at == 0x80)
            return false;
        begins = *at < 0x80;
    }
    return begins && value.at < value.end;
}

/* Of whatever type it says to be. */
static bool is_any(uint8_t tag, struct der value)
{
    bool is_universal = tag < 0x40, has_parts = (tag & 0x1f) == 0x10 || (tag & 0x1f) == 0x11;
    if (tag == 0) /* BER's end of contents */
        return false;
    if (is_universal && ((tag & DER_CONSTRUCTED) != 0) != has_parts)
        return false;
    switch (tag) {
    case DER_BOOLEAN:
        return der_bytes(value) == 1;
    case DER_INTEGER:
    case ENUMERATED:
        return is_integer(value);
    case DER_BIT_STRING:
        return is_bits(value);
    case DER_NULL:
        return der_bytes(value) == 0;
    case DER_OID:
        return is_oid(value);
    case UNIVERSAL:
        return der_bytes(value) % 4 == 0;
    case BMP:
        return der_bytes(value) % 2 == 0;
    default:
        return true;
    }
}

static bool take_algorithm(struct der *d)
{
    struct der algorithm, oid, value;
    uint8_t tag;
    if (!der_take(d, DER_SEQUENCE, &algorithm) || !der_take(&algorithm, DER_OID, &oid) ||
        !is_oid(oid))
        return false;
    return algorithm.at == algorithm.end || (der_next(&algorithm, &tag, &value) &&
                                             is_any(tag, value) && algorithm.at == algorithm.end);
}

static bool is_name_value(uint8_t tag, struct der value)
{
    switch (tag) {
    case UTF8:
    case PRINTABLE:
    case T61:
    case IA5:
    case UNIVERSAL:
    case BMP:
        return is_any(tag, value) && dn_is_text(tag, value);
    case NUMERIC:
    case DER_BIT_STRING:
    case DER_SEQUENCE:
        return is_any(tag, value);
    default:
        return false;
    }
}

static bool take_name(struct der *d)
{
    struct der name, set, attribute, oid, value;
    uint8_t tag;
    if (!der_take(d, DER_SEQUENCE, &name))
        return false;
    while (name.at < name.end) {
        if (!der_take(&name, DER_SET, &set))
            return false;
        while (set.at < set.end) {
            if (!der_take(&set, DER_SEQUENCE, &attribute) || !der_take(&attribute, DER_OID, &oid) ||
                !is_oid(oid) || !der_next(&attribute, &tag, &value) || !is_name_value(tag, value) ||
                attribute.at != attribute.end)
                return false;
        }
    }
    return true;
}

static bool take_times(struct der *d)
{
    struct der times, value;
    uint8_t tag;
    if (!der_take(d, DER_SEQUENCE, &times))
        return false;
    for (int i = 0; i < 2; i++) {
        if (!der_next(&times, &tag, &value) || (tag != DER_UTC_TIME && tag != DER_GENERALIZED_TIME))
            return false;
    }
    return times.at == times.end;
}

static bool take_key(struct der *d)
{
    struct der key, bits;
    return der_take(d, DER_SEQUENCE, &key) && take_algorithm(&key) &&
           der_take(&key, DER_BIT_STRING, &bits) && is_bits(bits) && key.at == key.end;
}

static bool take_extensions(struct der *d)
{
    struct der wrapped, list, extension, value;
    if (!der_take(d, EXPLICIT | 3, &wrapped) || !der_take(&wrapped, DER_SEQUENCE, &list) ||
        wrapped.at != wrapped.end)
        return false;
    while (list.at < list.end) {
        if (!der_take(&list, DER_SEQUENCE, &extension) || !der_take(&extension, DER_OID, &value) ||
            !is_oid(value))
            return false;
        if (der_take(&extension, DER_BOOLEAN, &value) && der_bytes(value) != 1)
            return false;
        if (!der_take(&extension, DER_OCTET_STRING, &value) || extension.at != extension.end)
            return false;
    }
    return true;
}

static bool take_version(struct der *d)
{
    struct der wrapped, number;
    if (!der_has(*d, EXPLICIT | 0))
        return true;
    return der_take(d, EXPLICIT | 0, &wrapped) && der_take(&wrapped, DER_INTEGER, &number) &&
           is_integer(number) && wrapped.at == wrapped.end;
}

static bool is_signed_part(struct der t)
{
    struct der value;
    if (!take_version(&t) || !der_take(&t, DER_INTEGER, &value) || !is_integer(value) ||
        !take_algorithm(&t) || !take_name(&t) || !take_times(&t) || !take_name(&t) || !take_key(&t))
        return false;
    for (uint8_t number = 1; number <= 2; number++) { /* obsolete: unique identifiers */
        if (der_take(&t, DER_CONTEXT | number, &value) && !is_bits(value))
            return false;
    }
    return t.at == t.end || (take_extensions(&t) && t.at == t.end);
}

bool cert_has_form(struct der data)
{
    struct der parts, signed_part, bits;
    return der_take(&data, DER_SEQUENCE, &parts) && data.at == data.end &&
           der_take(&parts, DER_SEQUENCE, &signed_part) && take_algorithm(&parts) &&
           der_take(&parts, DER_BIT_STRING, &bits) && is_bits(bits) && parts.at == parts.end &&
           is_signed_part(signed_part);
}
