/* Names. Comparisons of DNS names are on bytes, ASCII letters without case; a name with a NUL or
 * any other strange byte in it therefore equals nothing.
 *
 * Constraints. A name of the certificate is matched against the subtrees of its own kind: any
 * excluded one that holds it refuses, and when there are permitted ones, one of them must hold it.
 * DNS names, IP addresses and directory names are understood. A constraint of any other kind
 * refuses certificates that have a name of that kind, as RFC 5280 requires of those who cannot
 * process it. */
#include "tls/x509/names.h"

#include "base/ascii.h"
#include "tls/x509/dn.h"

#include <arpa/inet.h>

enum general_name { /* GeneralName's numbers, RFC 5280 4.2.1.6 */
                    NAME_EMAIL = 1,
                    NAME_DNS = 2,
                    NAME_DIRECTORY = 4,
                    NAME_ADDRESS = 7,
};

static unsigned number_of(uint8_t tag)
{
    return tag & 0x1f;
}

/* ---- Hosts ---- */

bool host_parse(const char *text, struct host *host)
{
    size_t bytes = strlen(text);
    *host = (struct host){0};
    if (bytes > 0 && text[bytes - 1] == '.')
        bytes--;
    if (bytes == 0 || bytes > TLS_HOST_BYTES_MAX)
        return false;
    memcpy(host->name, text, bytes);
    host->name_bytes = bytes;
    if (inet_pton(AF_INET, host->name, host->address) == 1)
        host->address_bytes = 4;
    else if (inet_pton(AF_INET6, host->name, host->address) == 1)
        host->address_bytes = 16;
    return true;
}

static bool same_text(const uint8_t *a, const char *b, size_t bytes)
{
    return ascii_equal_nocase((const char *)a, b, bytes) && !memchr(a, 0, bytes);
}

/* RFC 6125 6.4: a wildcard is the whole left label and stands for exactly one; the rest has at
 * least two labels, so that nobody vouches for *.com. */
static bool dns_name_matches(struct der pattern, const struct host *host)
{
    size_t bytes = der_bytes(pattern);
    if (bytes > 2 && pattern.at[0] == '*' && pattern.at[1] == '.') {
        const char *dot = memchr(host->name, '.', host->name_bytes);
        if (!dot || dot == host->name)
            return false;
        size_t rest_bytes = host->name_bytes - (size_t)(dot - host->name);
        return rest_bytes == bytes - 1 && memchr(dot + 1, '.', rest_bytes - 1) &&
               same_text(pattern.at + 1, dot, rest_bytes);
    }
    return bytes == host->name_bytes && same_text(pattern.at, host->name, bytes);
}

bool host_matches(const struct host *host, const struct cert *cert)
{
    struct der names = cert->names, name;
    uint8_t tag;
    if (!cert->has_names)
        return false;
    while (der_next(&names, &tag, &name)) {
        if (host->address_bytes) {
            if (tag == (DER_CONTEXT | NAME_ADDRESS) && der_bytes(name) == host->address_bytes &&
                memcmp(name.at, host->address, host->address_bytes) == 0)
                return true;
        } else if (tag == (DER_CONTEXT | NAME_DNS) && dns_name_matches(name, host)) {
            return true;
        }
    }
    return false;
}

void host_list(const struct cert *cert, char *out, size_t room)
{
    struct der names = cert->names, name;
    uint8_t tag;
    size_t used = 0;
    out[0] = 0;
    while (cert->has_names && der_next(&names, &tag, &name)) {
        char text[TLS_HOST_BYTES_MAX + sizeof "DNS:"] = "DNS:";
        size_t bytes = der_bytes(name);
        if (tag == (DER_CONTEXT | NAME_DNS) && bytes <= TLS_HOST_BYTES_MAX) {
            for (size_t i = 0; i < bytes; i++)
                text[4 + i] = name.at[i] > 0x20 && name.at[i] < 0x7f ? (char)name.at[i] : '?';
            text[4 + bytes] = 0;
        } else if (tag == (DER_CONTEXT | NAME_ADDRESS) && (bytes == 4 || bytes == 16)) {
            memcpy(text, "IP:", 4);
            inet_ntop(bytes == 4 ? AF_INET : AF_INET6, name.at, text + 3, sizeof text - 3);
        } else {
            continue;
        }
        size_t separator = used > 0 ? 2 : 0, text_bytes = strlen(text);
        if (used + separator + text_bytes + sizeof ", ..." > room) {
            if (used > 0 && used + sizeof ", ..." <= room)
                memcpy(out + used, ", ...", sizeof ", ...");
            return;
        }
        memcpy(out + used, ", ", separator);
        memcpy(out + used + separator, text, text_bytes + 1);
        used += separator + text_bytes;
    }
}

/* ---- Constraints ---- */

/* Is `name` the base or below it? A base with a leading dot holds only what is below. */
static bool dns_within(struct der name, struct der base)
{
    size_t bytes = der_bytes(name), base_bytes = der_bytes(base);
    if (base_bytes == 0)
        return true;
    if (bytes < base_bytes)
        return false;
    const uint8_t *tail = name.end - base_bytes;
    return same_text(tail, (const char *)base.at, base_bytes) &&
           (bytes == base_bytes || *base.at == '.' || tail[-1] == '.');
}

/* Could a host that the name stands for be within the base? More than dns_within, for wildcards:
 * *.example.com also stands for secret.example.com. */
static bool dns_touches(struct der name, struct der base)
{
    if (dns_within(name, base))
        return true;
    if (der_bytes(name) < 2 || name.at[0] != '*' || name.at[1] != '.')
        return false;
    return dns_within(base, (struct der){name.at + 2, name.end});
}

static bool address_within(struct der address, struct der base)
{
    size_t bytes = der_bytes(address);
    if (der_bytes(base) != 2 * bytes)
        return false;
    for (size_t i = 0; i < bytes; i++) {
        if ((address.at[i] ^ base.at[i]) & base.at[bytes + i])
            return false;
    }
    return true;
}

static bool is_sound_base(unsigned number, struct der base)
{
    return number != NAME_ADDRESS || der_bytes(base) == 8 || der_bytes(base) == 32;
}

/* Takes a base with its tag. Behind it may stand minimum and maximum, which RFC 5280 does not
 * allow. */
static bool take_base(struct der *subtrees, uint8_t *tag, struct der *base)
{
    struct der subtree;
    return der_take(subtrees, DER_SEQUENCE, &subtree) && der_next(&subtree, tag, base) &&
           subtree.at == subtree.end && *tag & DER_CONTEXT && is_sound_base(number_of(*tag), *base);
}

/* subtrees: contents of GeneralSubtrees. */
static enum constraints_verdict check_subtrees(struct der subtrees, bool excluded, unsigned number,
                                               struct der name, uint32_t *budget)
{
    bool any = false, within = false;
    struct der base;
    uint8_t tag;
    while (subtrees.at < subtrees.end) {
        if (!take_base(&subtrees, &tag, &base))
            return CONSTRAINTS_BAD;
        size_t cost = 1 + der_bytes(base) / 8; /* it is compared byte by byte */
        if (*budget < cost)
            return CONSTRAINTS_ENDLESS;
        *budget -= (uint32_t)cost;
        if (number_of(tag) != number)
            continue;
        any = true;
        if (number == NAME_DNS)
            within |= excluded ? dns_touches(name, base) : dns_within(name, base);
        else if (number == NAME_ADDRESS)
            within |= address_within(name, base);
        else if (number == NAME_DIRECTORY)
            within |= dn_within(name, base);
        else
            return CONSTRAINTS_UNJUDGED;
    }
    return (excluded ? within : any && !within) ? CONSTRAINTS_REFUSE : CONSTRAINTS_ALLOW;
}

struct subtrees {
    struct der permitted, excluded;
};

/* One of the two at least, and none of them without subtrees. */
static bool take_subtrees(struct der constraints, struct subtrees *s)
{
    *s = (struct subtrees){0};
    if (constraints.at == constraints.end)
        return false;
    if (der_has(constraints, DER_CONTEXT | DER_CONSTRUCTED | 0) &&
        (!der_take(&constraints, DER_CONTEXT | DER_CONSTRUCTED | 0, &s->permitted) ||
         s->permitted.at == s->permitted.end))
        return false;
    if (der_has(constraints, DER_CONTEXT | DER_CONSTRUCTED | 1) &&
        (!der_take(&constraints, DER_CONTEXT | DER_CONSTRUCTED | 1, &s->excluded) ||
         s->excluded.at == s->excluded.end))
        return false;
    return constraints.at == constraints.end;
}

bool constraints_are_sound(struct der constraints)
{
    struct subtrees s;
    struct der base;
    uint8_t tag;
    if (!take_subtrees(constraints, &s))
        return false;
    while (s.permitted.at < s.permitted.end) {
        if (!take_base(&s.permitted, &tag, &base))
            return false;
    }
    while (s.excluded.at < s.excluded.end) {
        if (!take_base(&s.excluded, &tag, &base))
            return false;
    }
    return true;
}

static const char *kind_of(unsigned number)
{
    static const char *const kinds[] = {"\"other name\"",
                                        "e-mail address",
                                        NULL,
                                        "X.400 address",
                                        NULL,
                                        "EDI party name",
                                        "URI",
                                        NULL,
                                        "registered ID"};
    const char *kind = number < sizeof kinds / sizeof kinds[0] ? kinds[number] : NULL;
    return kind ? kind : "name of an unknown kind";
}

static enum constraints_verdict check_name(const struct subtrees *s, unsigned number,
                                           struct der name, uint32_t *budget, const char **kind)
{
    enum constraints_verdict verdict = check_subtrees(s->excluded, true, number, name, budget);
    if (verdict == CONSTRAINTS_ALLOW)
        verdict = check_subtrees(s->permitted, false, number, name, budget);
    if (verdict == CONSTRAINTS_UNJUDGED)
        *kind = kind_of(number);
    return verdict;
}

/* An e-mail address in the subject is subject to e-mail constraints (RFC 5280 4.2.1.10). */
static bool has_email(struct der subject)
{
    struct der names, set, pair, oid;
    if (!der_take(&subject, DER_SEQUENCE, &names))
        return false;
    while (der_take(&names, DER_SET, &set)) {
        while (der_take(&set, DER_SEQUENCE, &pair)) {
            if (der_take(&pair, DER_OID, &oid) &&
                der_equal(oid, DER_LITERAL("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01")))
                return true;
        }
    }
    return false;
}

enum constraints_verdict constraints_check(struct der constraints, const struct cert *cert,
                                           uint32_t *budget, const char **kind)
{
    struct subtrees s;
    struct der names = cert->names, name;
    uint8_t tag;
    enum constraints_verdict verdict = CONSTRAINTS_ALLOW;
    if (!take_subtrees(constraints, &s))
        return CONSTRAINTS_BAD;
    while (verdict == CONSTRAINTS_ALLOW && der_next(&names, &tag, &name))
        verdict = check_name(&s, number_of(tag), name, budget, kind);
    if (verdict == CONSTRAINTS_ALLOW && has_email(cert->subject))
        verdict = check_name(&s, NAME_EMAIL, (struct der){0}, budget, kind);
    if (verdict == CONSTRAINTS_ALLOW && !dn_is_empty(cert->subject))
        verdict = check_name(&s, NAME_DIRECTORY, cert->subject, budget, kind);
    return verdict;
}
