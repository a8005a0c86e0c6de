#include "base/buf.h"

#include "base/check.h"
#include "base/memory.h"

#include <string.h>

/* A block on a free list holds the link in its own first bytes. */
struct free_block {
    struct free_block *next;
};

static unsigned class_of(size_t bytes)
{
    unsigned class = 0;
    while (class < BUF_CLASSES && ((size_t)1 << (BUF_CLASS_SHIFT_MIN + class)) < bytes)
        class ++;
    return class;
}

static size_t class_bytes(unsigned class)
{
    return (size_t)1 << (BUF_CLASS_SHIFT_MIN + class);
}

void buf_pool_init(struct buf_pool *pool)
{
    memset(pool, 0, sizeof *pool);
}

static void *block_new(struct buf_pool *pool, unsigned class)
{
    return memory_take(pool->memory, class_bytes(class));
}

static void block_delete(struct buf_pool *pool, unsigned class, void *block)
{
    memory_give_back(pool->memory, block, class_bytes(class));
}

void buf_pool_trim(struct buf_pool *pool)
{
    for (unsigned class = 0; class < BUF_CLASSES; class ++) {
        struct free_block *block = pool->free_lists[class];
        while (block) {
            struct free_block *next = block->next;
            block_delete(pool, class, block);
            block = next;
        }
        pool->free_lists[class] = NULL;
        pool->free_bytes[class] = 0;
    }
}

void buf_pool_free(struct buf_pool *pool)
{
    CHECK(pool->used_bytes == 0);
    buf_pool_trim(pool);
    memset(pool, 0, sizeof *pool);
}

static char *block_take(struct buf_pool *pool, unsigned class)
{
    struct free_block *block = pool->free_lists[class];
    if (block) {
        pool->free_lists[class] = block->next;
        pool->free_bytes[class] -= class_bytes(class);
    } else if (!(block = block_new(pool, class))) {
        /* What lies free in other classes may be in the way. */
        buf_pool_trim(pool);
        if (!(block = block_new(pool, class)))
            return NULL;
    }
    pool->used_bytes += class_bytes(class);
    return (char *)block;
}

static void block_put(struct buf_pool *pool, unsigned class, char *data)
{
    CHECK(pool->used_bytes >= class_bytes(class));
    pool->used_bytes -= class_bytes(class);
#ifdef RINGSEND_SLOW_CHECKS
    memset(data, BUF_STALE, class_bytes(class)); /* whoever still reads it is to see that */
#endif
    if (pool->free_bytes[class] + class_bytes(class) > BUF_CLASS_KEPT_BYTES) {
        block_delete(pool, class, data);
        return;
    }
    struct free_block *block = (struct free_block *)(void *)data;
    block->next = pool->free_lists[class];
    pool->free_lists[class] = block;
    pool->free_bytes[class] += class_bytes(class);
}

bool buf_reserve(struct buf_pool *pool, struct buf *b, size_t more)
{
    if (b->capacity - b->bytes >= more)
        return true;
    if (more > class_bytes(BUF_CLASSES - 1) - b->bytes)
        return false;
    unsigned class = class_of(b->bytes + more);
    char *data = block_take(pool, class);
    if (!data)
        return false;
    if (b->data) {
        memcpy(data, b->data, b->bytes);
        block_put(pool, class_of(b->capacity), b->data);
    }
    b->data = data;
    b->capacity = class_bytes(class);
    return true;
}

bool buf_append(struct buf_pool *pool, struct buf *b, const void *data, size_t bytes)
{
    if (bytes == 0)
        return true;
    if (!buf_reserve(pool, b, bytes))
        return false;
    memcpy(b->data + b->bytes, data, bytes);
    b->bytes += bytes;
    return true;
}

void buf_give_back(struct buf_pool *pool, struct buf *b)
{
    CHECK(b->data);
    block_put(pool, class_of(b->capacity), b->data);
    *b = (struct buf){0};
}
