/* Where memory comes from: the C library or an allocator that was given, counted, under a cap. One
 * thread's.
 *
 * Every function takes a null `m` as well: the C library's, uncounted, on any thread. */
#ifndef RINGSEND_BASE_MEMORY_H
#define RINGSEND_BASE_MEMORY_H

#include "ringsend.h"

#include <stdbool.h>
#include <stddef.h>

struct memory {
    struct ringsend_allocator allocator; /* allocate is null exactly for the C library */
    size_t max_bytes;                    /* 0: no cap */
    size_t used_bytes;
};

/* Aligned as malloc's. Null: memory is out, or the cap is reached. */
void *memory_take(struct memory *m, size_t bytes);
/* The same, zeroed; from the C library pages never touched stay unmapped. */
void *memory_take_zeroed(struct memory *m, size_t bytes);
/* With the bytes it was taken with. Null is allowed. */
void memory_give_back(struct memory *m, void *data, size_t bytes);

#endif
