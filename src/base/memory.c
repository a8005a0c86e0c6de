#include "base/memory.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

static bool count(struct memory *m, size_t bytes)
{
    if (m->max_bytes > 0 && (bytes > m->max_bytes || m->used_bytes > m->max_bytes - bytes))
        return false;
    m->used_bytes += bytes;
    return true;
}

static void *counted(struct memory *m, void *data, size_t bytes)
{
    if (!data)
        m->used_bytes -= bytes;
    return data;
}

void *memory_take(struct memory *m, size_t bytes)
{
    if (!m)
        return malloc(bytes);
    if (!count(m, bytes))
        return NULL;
    void *data =
        m->allocator.allocate ? m->allocator.allocate(m->allocator.context, bytes) : malloc(bytes);
    return counted(m, data, bytes);
}

void *memory_take_zeroed(struct memory *m, size_t bytes)
{
    if (!m)
        return calloc(1, bytes);
    if (m->allocator.allocate) {
        void *data = memory_take(m, bytes);
        return data ? memset(data, 0, bytes) : NULL;
    }
    return count(m, bytes) ? counted(m, calloc(1, bytes), bytes) : NULL;
}

void memory_give_back(struct memory *m, void *data, size_t bytes)
{
    if (!data)
        return;
    if (!m) {
        free(data);
        return;
    }
    CHECK(m->used_bytes >= bytes);
    m->used_bytes -= bytes;
    if (m->allocator.allocate)
        m->allocator.release(m->allocator.context, data, bytes);
    else
        free(data);
}
