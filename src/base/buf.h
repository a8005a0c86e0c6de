/* Growable byte buffers out of a pool of size classes.
 *
 * A buffer is empty (data NULL) until its first byte, so that ten thousand idle connections cost
 * nothing; it grows by powers of two, and goes back to its class's free list, from where the next
 * one takes it: a running engine allocates only while its working set still grows. Free memory kept
 * per class is bounded (BUF_CLASS_KEPT_BYTES); what is above goes back to the C library.
 *
 * A pool belongs to one thread. */
#ifndef RINGSEND_BASE_BUF_H
#define RINGSEND_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BUF_CLASS_SHIFT_MIN = 9, /* smallest class: 512 bytes */
    BUF_CLASSES = 24,        /* largest: 512 << 23 = 4 GiB */
    BUF_CLASS_KEPT_BYTES = 1 << 20,
    BUF_STALE =
        0xdb, /* what memory that was given back is filled with in builds with slow_checks */
};

struct memory;

struct buf_pool {
    struct memory *memory; /* null: the C library's, uncounted */
    void *free_lists[BUF_CLASSES];
    size_t free_bytes[BUF_CLASSES];
    size_t used_bytes; /* capacity of all buffers out of the pool */
};

struct buf {
    char *data;
    size_t bytes;    /* filled */
    size_t capacity; /* 0 exactly when data is NULL */
};

void buf_pool_init(struct buf_pool *pool);
/* All buffers must have come back. */
void buf_pool_free(struct buf_pool *pool);

/* Gives all free memory back: for whoever will not need it soon. */
void buf_pool_trim(struct buf_pool *pool);

/* Makes room for `more` bytes behind the filled ones. False when memory is out; the buffer is then
 * as it was. */
bool buf_reserve(struct buf_pool *pool, struct buf *b, size_t more);
bool buf_append(struct buf_pool *pool, struct buf *b, const void *data, size_t bytes);
void buf_give_back(struct buf_pool *pool, struct buf *b); /* one that has memory */
/* Gives the memory back and leaves the buffer empty; harmless on an empty one, and no call, as most
 * of those that the end of a response goes through are. */
static inline void buf_release(struct buf_pool *pool, struct buf *b)
{
    if (b->data)
        buf_give_back(pool, b);
}

/* Hands a buffer over to another pool, perhaps another thread's: given there, then adopted here.
 * Both pools must have their memory from the same place. */
static inline void buf_pool_give(struct buf_pool *pool, const struct buf *b)
{
    pool->used_bytes -= b->capacity;
}

static inline void buf_pool_adopt(struct buf_pool *pool, const struct buf *b)
{
    pool->used_bytes += b->capacity;
}

#endif
