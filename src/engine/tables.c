/* The engine's tables: all that ringsend_new takes from the allocator besides the engine itself, in
 * one list that taking and giving back share, and in one block. So it is large enough to be mapped
 * afresh: parts that are never touched stay unmapped, and nothing is zeroed that is so already. */
#include "base/limits.h"
#include "base/list.h"
#include "base/memory.h"
#include "base/timers.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/exchange.h"
#include "engine/file_internal.h"
#include "engine/host.h"
#include "engine/origin.h"
#include "engine/pool.h"
#include "engine/post.h"
#include "engine/request.h"
#include "engine/tcp_info.h"
#include "ringsend.h"

#include <string.h>

enum { TABLES = 17, TABLE_ALIGNMENT = 64 /* a cache line */ };

struct table {
    void *where; /* the pointer to it */
    size_t bytes;
};

static void list_tables(struct ringsend *e, struct table tables[TABLES])
{
    const struct ringsend_options *o = &e->options;
    size_t hash_size = (size_t)e->hash_mask + 1;
    const struct table all[TABLES] = {
        /* Twice: as many may have been reaped, their results still being read. */
        {&e->requests, 2 * (size_t)o->requests_max * sizeof *e->requests},
        {&e->conns, o->connections_max * sizeof *e->conns},
        {&e->exchanges, e->exchanges_max * sizeof *e->exchanges},
        {&e->origins, e->origins_max * sizeof *e->origins},
        {&e->pools, e->origins_max * sizeof *e->pools},
        {&e->hosts, e->hosts_max * sizeof *e->hosts},
        {&e->overrides, o->resolve_count * sizeof *e->overrides},
        {&e->diversions, o->connect_to_count * sizeof *e->diversions},
        {&e->origins_hash, hash_size * sizeof(struct origin *)},
        {&e->hosts_hash, hash_size * sizeof(struct host *)},
        {&e->rx_next, e->buffers * sizeof *e->rx_next},
        {&e->rx_bytes, e->buffers * sizeof *e->rx_bytes},
        {&e->timers.heap, e->timers.capacity * sizeof(struct timer *)},
        {&e->watch.conns, o->watch_max * sizeof(struct conn *)},
        {&e->watch.ended, 2 * (size_t)o->watch_max * sizeof *e->watch.ended},
        {&e->posts, posts_bytes(o->posts_max)},
        {&e->files,
         (LIMIT_FILES + FILES_PER_EXCHANGE * (size_t)e->exchanges_max) * sizeof *e->files},
    };
    memcpy(tables, all, sizeof all);
}

static size_t aligned(size_t bytes)
{
    return (bytes + TABLE_ALIGNMENT - 1) / TABLE_ALIGNMENT * TABLE_ALIGNMENT;
}

static size_t bytes_of(const struct table tables[TABLES])
{
    size_t bytes = 0;
    for (size_t i = 0; i < TABLES; i++)
        bytes += aligned(tables[i].bytes);
    return bytes;
}

bool tables_take(struct ringsend *e)
{
    const struct ringsend_options *o = &e->options;
    e->exchanges_max = HTTP1_ROOM * o->connections_max;
    e->origins_max = o->requests_max + o->connections_max + 64;
    e->hosts_max = e->origins_max + 3 +
                   LIMIT_LOOKUPS; /* two are proxies; one is found before its origin has a place */
    e->hosts_max += (uint32_t)o->connect_to_count;
    uint32_t hash_size = 64;
    while (hash_size < e->origins_max)
        hash_size *= 2;
    e->hash_mask = hash_size - 1;
    e->buffers = LIMIT_BUFFERS_MIN;
    while (e->buffers < 2 * o->connections_max && e->buffers < LIMIT_BUFFERS_MAX)
        e->buffers *= 2;
    e->timers.capacity =
        2 * o->requests_max + o->connections_max + e->exchanges_max + 2 * e->origins_max + 1;
    struct table tables[TABLES];
    list_tables(e, tables);
    char *data = memory_take_zeroed(&e->memory, bytes_of(tables));
    if (!data)
        return false;
    for (size_t i = 0; i < TABLES; i++) {
        if (tables[i].bytes > 0)
            memcpy(tables[i].where, &data, sizeof data);
        data += aligned(tables[i].bytes);
    }
    list_init(&e->exchanges_free);
    posts_init(e->posts, o->posts_max);
    return true;
}

void tables_give_back(struct ringsend *e)
{
    struct table tables[TABLES];
    list_tables(e, tables);
    memory_give_back(&e->memory, e->requests, bytes_of(tables)); /* the first one */
}
