/* For tests of parsers: input that ends where memory ends, and every way to cut it.
 *
 * guard_put copies a piece so that its last byte is the last of a mapped page: reading one byte too
 * many is a crash, with or without a sanitizer. The piece before it is overwritten, so that a
 * pointer kept from an earlier feed reads rubbish.
 *
 * The ways of feeding n bytes are numbered: 0 whole, 1 .. n - 1 split in two there, n byte by
 * byte. */
#ifndef RINGSEND_TESTS_GUARD_H
#define RINGSEND_TESTS_GUARD_H

#include <assert.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct guard {
    char *base;
    size_t capacity; /* mapped bytes before the page that is not */
    size_t page;
    size_t filled; /* of the piece put last */
};

static inline void guard_open(struct guard *g, size_t capacity)
{
    g->page = (size_t)sysconf(_SC_PAGESIZE);
    g->capacity = (capacity + g->page) / g->page * g->page;
    g->filled = 0;
    g->base = mmap(NULL, g->capacity + g->page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                   -1, 0);
    assert(g->base != MAP_FAILED);
    int refused = mprotect(g->base + g->capacity, g->page, PROT_NONE);
    assert(refused == 0);
    (void)refused;
}

static inline const char *guard_put(struct guard *g, const char *data, size_t bytes)
{
    char *end = g->base + g->capacity;
    assert(bytes <= g->capacity);
    memset(end - g->filled, 0xee, g->filled);
    if (bytes > 0)
        memcpy(end - bytes, data, bytes);
    g->filled = bytes;
    return end - bytes;
}

static inline void guard_close(struct guard *g)
{
    munmap(g->base, g->capacity + g->page);
}

/* How many bytes come next, when `at` of `bytes` have been fed. */
static inline size_t guard_piece(size_t way, size_t bytes, size_t at)
{
    if (way == bytes)
        return 1;
    return at < way ? way - at : bytes - at;
}

/* The way to try after this one: each, or of a long input some, byte by byte always the last. */
static inline size_t guard_next_way(size_t way, size_t bytes)
{
    size_t step = bytes > 2048 ? bytes / 16 : 1;
    return way < bytes && way + step > bytes ? bytes : way + step;
}

#endif
