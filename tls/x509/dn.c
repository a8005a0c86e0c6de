/* A Name is a row of sets of attributes; an attribute is an OID and a value, nearly always a text
 * in one of seven string types. What one authority writes as a PrintableString another one repeats
 * as UTF8String, in other case or with other spaces, and means the same.
 *
 * As in OpenSSL, letters beyond ASCII have their case, and T61String is read as Latin-1. Texts that
 * are not what their type says, and values of other types, equal only the same bytes. Sets of more
 * than ATTRIBUTES_MAX, which nobody has, do too: comparing them takes the square of their number.
 */
#include "tls/x509/dn.h"

enum { ATTRIBUTES_MAX = 16 };

enum string_type {
    STRING_UTF8 = 0x0c,
    STRING_PRINTABLE = 0x13,
    STRING_T61 = 0x14,
    STRING_IA5 = 0x16,
    STRING_VISIBLE = 0x1a,
    STRING_UNIVERSAL = 0x1c,
    STRING_BMP = 0x1e,
};

struct attribute {
    struct der oid, value;
    uint8_t tag;
};

/* ---- Texts ---- */

/* What text_next gives besides characters. */
enum { TEXT_END = 0x110000, TEXT_BROKEN };

struct text {
    struct der rest;
    uint8_t tag;
    bool begun;      /* something but spaces was given */
    bool holds_next; /* `next` comes next: a space was given before it */
    uint32_t next;
};

static bool is_text(uint8_t tag)
{
    return tag == STRING_UTF8 || tag == STRING_PRINTABLE || tag == STRING_T61 ||
           tag == STRING_IA5 || tag == STRING_VISIBLE || tag == STRING_UNIVERSAL ||
           tag == STRING_BMP;
}

static uint32_t take_fixed(struct der *d, size_t bytes)
{
    uint32_t c = 0;
    if (der_bytes(*d) < bytes)
        return TEXT_BROKEN;
    for (size_t i = 0; i < bytes; i++)
        c = c << 8 | *d->at++;
    return c < TEXT_END ? c : TEXT_BROKEN;
}

/* RFC 3629: the shortest form, no surrogates. */
static uint32_t take_utf8(struct der *d)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    uint8_t first = *d->at++;
    size_t more = first < 0x80 ? 0 : first >> 5 == 6 ? 1 : first >> 4 == 14 ? 2 : 3;
    if ((first >= 0x80 && first < 0xc0) || first >= 0xf8 || der_bytes(*d) < more)
        return TEXT_BROKEN;
    uint32_t c = more == 0 ? first : first & (0x3f >> more);
    for (size_t i = 0; i < more; i++) {
        if (*d->at >> 6 != 2)
            return TEXT_BROKEN;
        c = c << 6 | (*d->at++ & 0x3f);
    }
    return c < least[more] || (c >= 0xd800 && c < 0xe000) || c >= TEXT_END ? TEXT_BROKEN : c;
}

static uint32_t take_character(struct text *t)
{
    if (t->rest.at == t->rest.end)
        return TEXT_END;
    if (t->tag == STRING_UTF8)
        return take_utf8(&t->rest);
    return take_fixed(&t->rest, t->tag == STRING_UNIVERSAL ? 4 : t->tag == STRING_BMP ? 2 : 1);
}

static bool is_space(uint32_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The next character as it is compared. */
static uint32_t text_next(struct text *t)
{
    if (t->holds_next) {
        t->holds_next = false;
        return t->next;
    }
    bool space = false;
    uint32_t c;
    while (is_space(c = take_character(t)))
        space = true;
    if (c >= 'A' && c <= 'Z')
        c += 'a' - 'A';
    if (c >= TEXT_END || !space || !t->begun) {
        t->begun = true;
        return c;
    }
    t->holds_next = true;
    t->next = c;
    return ' ';
}

static bool text_equal(const struct attribute *a, const struct attribute *b)
{
    struct text one = {.rest = a->value, .tag = a->tag}, two = {.rest = b->value, .tag = b->tag};
    uint32_t c;
    do {
        c = text_next(&one);
        if (c != text_next(&two) || c == TEXT_BROKEN)
            return false;
    } while (c != TEXT_END);
    return true;
}

bool dn_is_text(uint8_t tag, struct der value)
{
    struct text t = {.rest = value, .tag = tag};
    uint32_t c;
    while ((c = take_character(&t)) < TEXT_END)
        ;
    return is_text(tag) && c == TEXT_END;
}

/* ---- Attributes and their sets ---- */

static bool take_attribute(struct der *set, struct attribute *a)
{
    struct der pair;
    return der_take(set, DER_SEQUENCE, &pair) && der_take(&pair, DER_OID, &a->oid) &&
           der_next(&pair, &a->tag, &a->value) && pair.at == pair.end;
}

static bool attribute_equal(const struct attribute *a, const struct attribute *b)
{
    if (!der_equal(a->oid, b->oid))
        return false;
    if (a->tag == b->tag && der_equal(a->value, b->value))
        return true;
    return is_text(a->tag) && is_text(b->tag) && text_equal(a, b);
}

/* ATTRIBUTES_MAX + 1: more, or not what a set is made of. */
static size_t count_attributes(struct der set)
{
    struct attribute a;
    size_t count = 0;
    while (set.at < set.end && count <= ATTRIBUTES_MAX)
        count = take_attribute(&set, &a) ? count + 1 : ATTRIBUTES_MAX + 1;
    return count;
}

/* Does b have all that a has? */
static bool set_covers(struct der a, struct der b)
{
    struct attribute one, two;
    while (take_attribute(&a, &one)) {
        struct der rest = b;
        bool found = false;
        while (!found && take_attribute(&rest, &two))
            found = attribute_equal(&one, &two);
        if (!found)
            return false;
    }
    return true;
}

static bool set_equal(struct der a, struct der b)
{
    if (der_equal(a, b))
        return true;
    size_t count = count_attributes(a);
    return count <= ATTRIBUTES_MAX && count == count_attributes(b) && set_covers(a, b) &&
           set_covers(b, a);
}

/* ---- Names ---- */

bool dn_within(struct der name, struct der base)
{
    struct der names, bases, one, two;
    if (!der_take(&name, DER_SEQUENCE, &names) || !der_take(&base, DER_SEQUENCE, &bases))
        return false;
    while (bases.at < bases.end) {
        if (!der_take(&bases, DER_SET, &two) || !der_take(&names, DER_SET, &one) ||
            !set_equal(one, two))
            return false;
    }
    return true;
}

bool dn_equal(struct der a, struct der b)
{
    return der_equal(a, b) || (dn_within(a, b) && dn_within(b, a));
}

bool dn_is_empty(struct der name)
{
    struct der names;
    return der_take(&name, DER_SEQUENCE, &names) && names.at == names.end;
}

/* FNV-1a over 64 bits. */
static uint64_t mix(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * UINT64_C(0x100000001b3);
}

static uint64_t hash_attribute(const struct attribute *a)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325), of_oid;
    for (const uint8_t *at = a->oid.at; at < a->oid.end; at++)
        hash = mix(hash, *at);
    if (!is_text(a->tag))
        return hash;
    struct text text = {.rest = a->value, .tag = a->tag};
    of_oid = hash;
    for (uint32_t c; (c = text_next(&text)) != TEXT_END;) {
        if (c == TEXT_BROKEN)
            return of_oid;
        hash = mix(hash, c);
    }
    return hash;
}

uint64_t dn_hash(struct der name)
{
    struct der names, set;
    struct attribute a;
    uint64_t hash = 0;
    if (!der_take(&name, DER_SEQUENCE, &names))
        return hash;
    while (der_take(&names, DER_SET, &set)) {
        uint64_t sum = 0; /* the order within a set does not count */
        while (take_attribute(&set, &a))
            sum += hash_attribute(&a);
        hash = mix(hash, sum);
    }
    return hash;
}
