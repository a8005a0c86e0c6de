/* What of the file is mapped where, and how it grows. Its layout stands in journal_internal.h. */
#include "journal/journal_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

static uint64_t page_up(uint64_t bytes)
{
    return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

static uint64_t first_chunk_at(uint64_t inputs_count)
{
    return PAGE_BYTES + page_up(inputs_count * sizeof(struct fingerprint_input));
}

static uint64_t intents_at(uint64_t inputs_count)
{
    return first_chunk_at(inputs_count) + sizeof(struct chunk);
}

/* Of all intents, with so many entries each. */
static uint64_t intents_bytes(size_t entries)
{
    return INTENTS * page_up(sizeof(struct intent) + entries * sizeof(struct journal_entry));
}

static size_t entries_of(uint64_t bytes)
{
    uint64_t pages = bytes / INTENTS / PAGE_BYTES;
    uint64_t entries =
        pages > 0 ? (pages * PAGE_BYTES - sizeof(struct intent)) / sizeof(struct journal_entry) : 0;
    return entries < JOURNAL_BLOCK_MAX ? entries : JOURNAL_BLOCK_MAX;
}

/* Of the second one. */
static uint64_t chunks_at(uint64_t inputs_count)
{
    return intents_at(inputs_count) + intents_bytes(JOURNAL_BLOCK_MAX);
}

uint64_t journal_bytes_min(uint64_t inputs_count)
{
    return intents_at(inputs_count) + intents_bytes(0);
}

/* ---- mapping ---- */

static void *map(const struct journal *j, uint64_t at, uint64_t bytes)
{
    int access = j->writable ? PROT_READ | PROT_WRITE : PROT_READ;
    void *mapping = mmap(NULL, bytes, access, MAP_SHARED, j->fd, (off_t)at);
    return mapping == MAP_FAILED ? NULL : mapping;
}

/* With its disk space. 0 or an errno. */
static int map_part(const struct journal *j, uint64_t at, uint64_t bytes, void **part)
{
    int error = j->writable ? posix_fallocate(j->fd, (off_t)at, (off_t)bytes) : 0;
    if (error)
        return error;
    *part = map(j, at, bytes);
    return *part ? 0 : ENOMEM;
}

static bool room_for_chunks(struct journal *j, size_t more)
{
    size_t wanted = j->chunks_count + more;
    if (wanted <= j->chunks_capacity)
        return true;
    size_t capacity = wanted + wanted / 2;
    struct chunk **chunks = reallocarray(j->chunks, capacity, sizeof(struct chunk *));
    if (!chunks)
        return false;
    j->chunks = chunks;
    j->chunks_capacity = capacity;
    return true;
}

/* The header and the first chunk. 0 or an errno. */
int journal_map_head(struct journal *j, uint64_t inputs_count)
{
    void *part;
    if (!room_for_chunks(j, 1))
        return ENOMEM;
    j->head_bytes = intents_at(inputs_count);
    int error = map_part(j, 0, j->head_bytes, &part);
    if (error)
        return error;
    j->header = part;
    j->chunks_at = chunks_at(inputs_count);
    j->chunks[j->chunks_count++] =
        (struct chunk *)(void *)((char *)j->header + first_chunk_at(inputs_count));
    return 0;
}

/* The intents, in place of what of them is mapped. */
static int map_intents(struct journal *j, uint64_t bytes)
{
    void *part;
    int error = map_part(j, j->head_bytes, bytes, &part);
    if (error)
        return error;
    if (j->intents)
        munmap(j->intents, j->intents_bytes);
    j->intents = part;
    j->intents_bytes = bytes;
    j->intent_capacity = entries_of(bytes);
    return 0;
}

int journal_widen(struct journal *j, size_t entries)
{
    size_t more =
        2 * j->intent_capacity < JOURNAL_BLOCK_MAX ? 2 * j->intent_capacity : JOURNAL_BLOCK_MAX;
    return map_intents(j, intents_bytes(entries > more ? entries : more));
}

/* Of the intents, that the file has room for. */
static uint64_t intents_bytes_in(uint64_t file_bytes, uint64_t inputs_count)
{
    uint64_t bytes = file_bytes - intents_at(inputs_count), most = intents_bytes(JOURNAL_BLOCK_MAX);
    return bytes < most ? bytes / (INTENTS * PAGE_BYTES) * (INTENTS * PAGE_BYTES) : most;
}

int journal_map_intents(struct journal *j, uint64_t inputs_count, uint64_t file_bytes)
{
    return map_intents(j, intents_bytes_in(file_bytes, inputs_count));
}

uint64_t journal_next_chunk_at(const struct journal *j)
{
    return j->chunks_at + (j->chunks_count - 1) * sizeof(struct chunk);
}

int journal_map_chunks(struct journal *j, size_t count)
{
    if (count == 0)
        return 0;
    if (!room_for_chunks(j, count))
        return ENOMEM;
    struct chunk *mapping = map(j, journal_next_chunk_at(j), count * sizeof *mapping);
    if (!mapping)
        return errno;
    for (size_t i = 0; i < count; i++)
        j->chunks[j->chunks_count++] = mapping + i;
    return 0;
}

/* Those that the file has room for. A copy of it may be a sparse one. */
int journal_map_all_chunks(struct journal *j)
{
    struct stat about;
    if (fstat(j->fd, &about) != 0)
        return errno;
    uint64_t bytes = (uint64_t)about.st_size;
    uint64_t count = bytes > j->chunks_at ? (bytes - j->chunks_at) / sizeof(struct chunk) : 0;
    if (count == 0)
        return 0;
    if (count > CHUNKS_MAX)
        return EFBIG;
    int error = j->writable ? posix_fallocate(j->fd, (off_t)j->chunks_at,
                                              (off_t)(count * sizeof(struct chunk)))
                            : 0;
    return error ? error : journal_map_chunks(j, count);
}

/* Each page is written to, with what it holds: an operation that no compiler takes for a read. */
static void dirty(void *part, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += PAGE_BYTES) {
        uint64_t *word = (uint64_t *)(void *)((char *)part + at);
        uint64_t value = __atomic_load_n(word, __ATOMIC_RELAXED);
        __atomic_compare_exchange_n(word, &value, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    }
}

void journal_dirty(struct journal *j)
{
    dirty(j->header, j->head_bytes);
    dirty(j->intents, j->intents_bytes);
    for (size_t i = 1; i < j->chunks_count; i++)
        dirty(j->chunks[i], sizeof(struct chunk));
}
