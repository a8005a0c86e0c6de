/* A running digest of records, in their order: a change, a loss or an exchange of any of them gives
 * another one, and so does another start. It tells mistakes, not forgeries: who wants to deceive
 * his own run need not break a digest for that. */
#ifndef RINGSEND_RECORDS_DIGEST_H
#define RINGSEND_RECORDS_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct digest {
    uint64_t value; /* of all whole records so far */
    bool begun; /* `state` is that of the record under way; none of its bytes came yet otherwise */
    uint64_t state[11];
};

void digest_init(struct digest *d, uint64_t start);
/* More bytes of the record under way. */
void digest_add(struct digest *d, const void *data, size_t bytes);
/* The record is whole: these are its last bytes, or all. */
void digest_end(struct digest *d, const void *data, size_t bytes);
/* What came of it was no record. */
void digest_drop(struct digest *d);

#endif
