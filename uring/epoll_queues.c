/* The lowest part of the ring over epoll: the queue of completions, the receive buffers. */
#include "base/check.h"
#include "uring/epoll_ring.h"
#include "uring/kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { QUEUE_ROOM_FIRST = 64 };

bool epoll_grow(void **array, size_t *room, size_t count, size_t element_bytes)
{
    if (count < *room)
        return true;
    size_t more = *room > 0 ? 2 * *room : QUEUE_ROOM_FIRST;
    void *grown = realloc(*array, more * element_bytes);
    if (grown == NULL)
        return false;
    *array = grown;
    *room = more;
    return true;
}

void epoll_completion(struct epoll_ring *r, const struct ring_completion *completion)
{
    size_t end = r->completed_at + r->completed_count;
    if (epoll_grow((void **)&r->completions, &r->completions_room, end, sizeof(*r->completions)))
        r->completions[end] = *completion;
    else
        r->broken = -ENOMEM;
    r->completed_count += r->broken == 0;
}

void epoll_complete(struct epoll_ring *r, struct ring_tag tag, enum ring_kind kind, int32_t result)
{
    epoll_completion(r, &(struct ring_completion){.slot = tag.slot,
                                                  .generation = tag.generation,
                                                  .kind = kind,
                                                  .result = result,
                                                  .buffer = -1});
}

unsigned epoll_reap(struct ring *ring, struct ring_completion *completions, unsigned max)
{
    struct epoll_ring *r = (struct epoll_ring *)ring;
    size_t count = r->completed_count < max ? r->completed_count : max;
    if (count > 0)
        memcpy(completions, &r->completions[r->completed_at], count * sizeof(*completions));
    r->completed_count -= count;
    r->completed_at = r->completed_count > 0 ? r->completed_at + count : 0;
    r->ring.counters.completed += count;
    return (unsigned)count;
}

/* ---- Buffers -------------------------------------------------------------------------------- */

int epoll_buffers_make(struct epoll_ring *r)
{
    r->mapping_bytes = (size_t)r->buffers * r->buffer_bytes;
    r->buffers_free = malloc(r->buffers * sizeof(*r->buffers_free));
    void *mapping =
        mmap(NULL, r->mapping_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED || r->buffers_free == NULL)
        return -ENOBUFS;
    /* A huge page would make two megabytes resident at the first byte. */
    (void)madvise(mapping, r->mapping_bytes, MADV_NOHUGEPAGE);
    r->buffer_data = mapping;
    BUFFER_HIDE(r->buffer_data, r->mapping_bytes);
    for (uint32_t i = r->buffers; i-- > 0;)
        r->buffers_free[r->buffers_free_count++] = (int32_t)i;
    return 0;
}

void epoll_buffers_unmake(struct epoll_ring *r)
{
    free(r->buffers_free);
    if (r->buffer_data == NULL)
        return;
    BUFFER_SHOW(r->buffer_data, r->mapping_bytes);
    munmap(r->buffer_data, r->mapping_bytes);
}

int32_t epoll_buffer_take(struct epoll_ring *r)
{
    if (r->buffers_free_count == 0)
        return -1;
    int32_t buffer = r->buffers_free[--r->buffers_free_count];
    BUFFER_SHOW(r->buffer_data + (size_t)buffer * r->buffer_bytes, r->buffer_bytes);
    return buffer;
}

const char *epoll_buffer(const struct ring *ring, int32_t buffer)
{
    const struct epoll_ring *r = (const struct epoll_ring *)ring;
    CHECK(buffer >= 0 && (uint32_t)buffer < r->buffers);
    return r->buffer_data + (size_t)buffer * r->buffer_bytes;
}

void epoll_buffer_return(struct ring *ring, int32_t buffer)
{
    struct epoll_ring *r = (struct epoll_ring *)ring;
    CHECK(buffer >= 0 && (uint32_t)buffer < r->buffers && r->buffers_free_count < r->buffers);
    BUFFER_HIDE(r->buffer_data + (size_t)buffer * r->buffer_bytes, r->buffer_bytes);
    r->buffers_free[r->buffers_free_count++] = buffer;
}
