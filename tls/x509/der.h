/* Strict reading of DER (X.690): definite minimal lengths, one-byte tags. A reader is a run of
 * bytes of which the front is taken off; it never looks behind its end. */
#ifndef RINGSEND_TLS_DER_H
#define RINGSEND_TLS_DER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct der {
    const uint8_t *at;
    const uint8_t *end;
};

enum {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_NULL = 0x05,
    DER_OID = 0x06,
    DER_UTC_TIME = 0x17,
    DER_GENERALIZED_TIME = 0x18,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
    DER_CONTEXT = 0x80, /* | number; of a primitive */
    DER_CONSTRUCTED = 0x20,
};

/* A literal of bytes, as of an OID. */
#define DER_LITERAL(text) \
    ((struct der){(const uint8_t *)(text), (const uint8_t *)(text) + sizeof(text) - 1})

static inline size_t der_bytes(struct der d)
{
    return (size_t)(d.end - d.at);
}

static inline bool der_equal(struct der a, struct der b)
{
    size_t bytes = der_bytes(a);
    return bytes == der_bytes(b) && (bytes == 0 || memcmp(a.at, b.at, bytes) == 0);
}

static inline bool der_has(struct der d, uint8_t tag)
{
    return d.at < d.end && *d.at == tag;
}

/* Takes the next element, whatever its tag. False, and nothing is taken, when there is none. */
bool der_next(struct der *d, uint8_t *tag, struct der *value);
/* The same when its tag is `tag`. */
bool der_take(struct der *d, uint8_t tag, struct der *value);
/* The same with the header still in front of the value. */
bool der_take_whole(struct der *d, uint8_t tag, struct der *whole);
/* A non-negative INTEGER without its sign byte; zero is one byte. */
bool der_take_unsigned(struct der *d, struct der *value);
/* An INTEGER of 0..max. */
bool der_take_small(struct der *d, uint32_t max, uint32_t *value);
/* A BIT STRING of whole bytes. */
bool der_take_bits(struct der *d, struct der *value);

#endif
