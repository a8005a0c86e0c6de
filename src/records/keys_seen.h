/* The idempotency keys that records brought, to find one that two different records share: a
 * platform that goes by keys does the first of them, and answers the other with its answer. The
 * same request with the same key is what keys are for. Keys that were made (record_make_key) are
 * two records' only where these have id and request in common: then, too, only one would be done,
 * and nobody has said that this was meant.
 *
 * Keys and requests are remembered as 64 bits each. With a bound, a key takes the place of another
 * one when there are more: then what is found is what stands near to each other. */
#ifndef RINGSEND_RECORDS_KEYS_SEEN_H
#define RINGSEND_RECORDS_KEYS_SEEN_H

#include "records/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct key_seen {
    uint64_t key, request; /* digests; 0, 0: none */
    uint64_t line;
    size_t input;
};

/* Zeroed, but for the bound. */
struct keys_seen {
    size_t bound; /* a power of two; 0: all are remembered */
    struct key_seen *slots;
    size_t capacity, count;
};

/* Of a record that was read well. False: another one had its key, which *error says, by the names
 * of the inputs. When memory is out, less is found. */
bool keys_seen_take(struct keys_seen *keys, const struct record *record, size_t input,
                    uint64_t line, struct ringsend_bytes key_header, char *const *names,
                    struct record_error *error);
void keys_seen_free(struct keys_seen *keys);

#endif
