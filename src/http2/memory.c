#include "http2/memory.h"

#include "base/check.h"

#include <stdint.h>
#include <string.h>

/* Stands ahead of each piece, for whoever gives it back does not say how large it is. */
struct piece {
    _Alignas(max_align_t) size_t bytes;
};

static void *take(size_t bytes, void *user)
{
    struct h2_memory *m = user;
    if (bytes > m->max_bytes || sizeof(struct piece) + bytes > m->max_bytes - m->used_bytes)
        return NULL;
    size_t all = sizeof(struct piece) + bytes;
    struct piece *piece = memory_take(m->memory, all);
    if (!piece)
        return NULL;
    piece->bytes = all;
    m->used_bytes += all;
    return piece + 1;
}

static void give_back(void *data, void *user)
{
    struct h2_memory *m = user;
    if (!data)
        return;
    struct piece *piece = (struct piece *)data - 1;
    CHECK(m->used_bytes >= piece->bytes);
    m->used_bytes -= piece->bytes;
    memory_give_back(m->memory, piece, piece->bytes);
}

static void *take_zeroed(size_t count, size_t each, void *user)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, each, &bytes))
        return NULL;
    void *data = take(bytes, user);
    return data ? memset(data, 0, bytes) : NULL;
}

static void *resize(void *data, size_t bytes, void *user)
{
    void *other = take(bytes, user);
    if (!other || !data)
        return other;
    size_t had = ((struct piece *)data - 1)->bytes - sizeof(struct piece);
    memcpy(other, data, had < bytes ? had : bytes);
    give_back(data, user);
    return other;
}

nghttp2_mem h2_memory_functions(struct h2_memory *m)
{
    return (nghttp2_mem){.mem_user_data = m,
                         .malloc = take,
                         .free = give_back,
                         .calloc = take_zeroed,
                         .realloc = resize};
}
