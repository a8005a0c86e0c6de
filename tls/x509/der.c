/* DER elements: tag, length, value. Lengths go up to 2^24 - 1, more than any certificate has. What
 * BER would let through (indefinite or padded lengths, padded integers) is refused: two readers
 * that take the same bytes for different things are how certificates are forged. */
#include "tls/x509/der.h"

static bool take_length(struct der *d, size_t *length)
{
    if (d->at == d->end)
        return false;
    uint8_t first = *d->at++;
    if (first < 0x80) {
        *length = first;
    } else {
        size_t count = first & 0x7f, value = 0;
        if (count == 0 || count > 3 || der_bytes(*d) < count)
            return false;
        for (size_t i = 0; i < count; i++)
            value = value << 8 | *d->at++;
        /* Minimal: the long form only from 128 on, and no leading zero byte. */
        if (value < 0x80 || value >> (8 * (count - 1)) == 0)
            return false;
        *length = value;
    }
    return *length <= der_bytes(*d);
}

bool der_next(struct der *d, uint8_t *tag, struct der *value)
{
    struct der rest = *d;
    size_t length;
    /* Tags above 30 take more bytes; X.509 has none. */
    if (rest.at == rest.end || (*rest.at & 0x1f) == 0x1f)
        return false;
    uint8_t first = *rest.at++;
    if (!take_length(&rest, &length))
        return false;
    *tag = first;
    *value = (struct der){rest.at, rest.at + length};
    d->at = rest.at + length;
    return true;
}

bool der_take(struct der *d, uint8_t tag, struct der *value)
{
    uint8_t found;
    return der_has(*d, tag) && der_next(d, &found, value);
}

bool der_take_whole(struct der *d, uint8_t tag, struct der *whole)
{
    const uint8_t *start = d->at;
    struct der value;
    if (!der_take(d, tag, &value))
        return false;
    *whole = (struct der){start, d->at};
    return true;
}

bool der_take_unsigned(struct der *d, struct der *value)
{
    struct der rest = *d, number;
    if (!der_take(&rest, DER_INTEGER, &number) || number.at == number.end || *number.at >= 0x80)
        return false;
    if (*number.at == 0 && der_bytes(number) > 1) {
        number.at++;
        if (*number.at < 0x80)
            return false;
    }
    *d = rest;
    *value = number;
    return true;
}

bool der_take_small(struct der *d, uint32_t max, uint32_t *value)
{
    struct der rest = *d, number;
    if (!der_take_unsigned(&rest, &number) || der_bytes(number) > 4)
        return false;
    uint32_t v = 0;
    while (number.at < number.end)
        v = v << 8 | *number.at++;
    if (v > max)
        return false;
    *d = rest;
    *value = v;
    return true;
}

bool der_take_bits(struct der *d, struct der *value)
{
    struct der rest = *d, bits;
    if (!der_take(&rest, DER_BIT_STRING, &bits) || bits.at == bits.end || *bits.at != 0)
        return false;
    bits.at++;
    *d = rest;
    *value = bits;
    return true;
}
