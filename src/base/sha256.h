/* SHA-256 (FIPS 180-4): for fingerprints that must not give away what they were made of, and for
 * bodies that are to be compared. Small rather than fast. */
#ifndef RINGSEND_BASE_SHA256_H
#define RINGSEND_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_BYTES = 32, SHA256_BLOCK_BYTES = 64 };

struct sha256 {
    uint32_t state[8];
    uint64_t bytes; /* taken in so far */
    unsigned char block[SHA256_BLOCK_BYTES];
};

void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *data, size_t bytes);
/* `s` is used up. */
void sha256_end(struct sha256 *s, unsigned char digest[SHA256_BYTES]);

#endif
