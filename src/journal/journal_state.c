#include "journal/journal_internal.h"

#include "base/check.h"

#include <errno.h>
#include <fcntl.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define WORD_RECORDS 32
#define DONE_BITS 0xaaaaaaaaaaaaaaaaull

/* ---- counts ---- */

/* How many records below `end` the range wants. */
static uint64_t wanted_below(const struct source_range *range, uint64_t end)
{
    if (range->limit > 0 && range->limit < UINT64_MAX - range->skip &&
        end > range->skip + range->limit)
        end = range->skip + range->limit;
    if (end <= range->skip)
        return 0;
    if (range->shards == 0)
        return end - range->skip;
    /* Below n there are so many with number mod shards == shard. */
    uint64_t to = (end + range->shards - 1 - range->shard) / range->shards;
    uint64_t from = (range->skip + range->shards - 1 - range->shard) / range->shards;
    return to - from;
}

/* How many records the inputs hold, if each of them takes as many bytes as those read so far; 0:
 * there is an input whose size is not known, or nothing was read. */
static uint64_t estimate_records(const struct journal *j)
{
    const struct fingerprint *f = &j->fingerprint;
    uint64_t all_bytes = 0, read_bytes = j->header->read_bytes;
    for (size_t i = 0; i < f->inputs_count; i++) {
        uint64_t bytes = f->inputs[i].bytes - f->inputs[i].start;
        if (f->inputs[i].bytes == 0)
            return 0;
        all_bytes += bytes;
        read_bytes += i < j->header->read_inputs ? bytes : 0;
    }
    if (read_bytes == 0 || read_bytes > all_bytes)
        return 0;
    return (uint64_t)((double)j->records * (double)all_bytes / (double)read_bytes + 0.5);
}

static void find_total(const struct journal *j, uint64_t wanted, struct journal_counts *counts)
{
    uint64_t records = counts->input_ended ? 0 : estimate_records(j);
    counts->total = counts->input_ended ? wanted : 0;
    if (records == 0)
        return;
    counts->total = wanted_below(&j->header->fixed.range, records);
    counts->total_is_estimate = true;
    if (counts->total < wanted)
        counts->total = wanted;
}

struct journal_counts journal_count(const struct journal *j)
{
    const struct header *h = j->header;
    struct journal_counts counts = {.input_ended = h->input_ended != 0, .written_s = h->written_s};
    for (size_t i = 0; i < j->chunks_count; i++) {
        const uint64_t *words = (const uint64_t *)(const void *)j->chunks[i]->bits;
        for (size_t k = 0; k < BITS_BYTES / sizeof *words; k++) {
            if (words[k] == 0)
                continue; /* as most are of a short run */
            uint64_t done = words[k] & DONE_BITS, sent = words[k] << 1 & DONE_BITS & ~done;
            counts.done += (uint64_t)__builtin_popcountll(done);
            counts.not_ok += (uint64_t)__builtin_popcountll(words[k] << 1 & done);
            counts.in_doubt += (uint64_t)__builtin_popcountll(sent);
        }
    }
    uint64_t wanted = wanted_below(&h->fixed.range, j->records);
    uint64_t known = counts.done + counts.in_doubt;
    counts.left = wanted > known ? wanted - known : 0; /* a run may go on while we count */
    find_total(j, wanted > known ? wanted : known, &counts);
    return counts;
}

/* ---- how far the input was read ---- */

/* No two pairs that differ in one half have the same. */
static uint64_t mark_check(uint64_t records, uint64_t digest)
{
    uint64_t mixed = records * 0x9e3779b97f4a7c15ull;
    return (mixed << 31 | mixed >> 33) * 0xc2b2ae3d27d4eb4full ^ digest;
}

void journal_find_mark(struct journal *j)
{
    j->records = 0;
    j->digest = journal_seed(j);
    for (unsigned i = 0; i < 2; i++) {
        const struct mark *mark = &j->header->marks[i];
        uint64_t records = __atomic_load_n(&mark->records, __ATOMIC_ACQUIRE);
        uint64_t digest = __atomic_load_n(&mark->digest, __ATOMIC_ACQUIRE);
        uint64_t check = __atomic_load_n(&mark->check, __ATOMIC_ACQUIRE);
        if (check != mark_check(records, digest) || records <= j->records)
            continue;
        j->records = records;
        j->digest = digest;
        j->next_mark = !i;
    }
}

void journal_read(struct journal *j, uint64_t number, uint64_t digest)
{
    if (number < j->records)
        return;
    struct mark *mark = &j->header->marks[j->next_mark];
    j->next_mark = !j->next_mark;
    j->records = number + 1;
    j->digest = digest;
    journal_store_u64(&mark->records, j->records);
    journal_store_u64(&mark->digest, digest);
    journal_store_u64(&mark->check, mark_check(j->records, digest));
}

void journal_read_up_to(struct journal *j, uint64_t inputs, uint64_t bytes)
{
    journal_store_u64(&j->header->read_inputs, inputs);
    journal_store_u64(&j->header->read_bytes, bytes);
}

uint64_t journal_records(const struct journal *j)
{
    return j->records;
}

uint64_t journal_digest(const struct journal *j)
{
    return j->digest;
}

uint64_t journal_seed(const struct journal *j)
{
    uint64_t seed;
    memcpy(&seed, j->header->fixed.salt, sizeof seed);
    return seed;
}

void journal_input_ended(struct journal *j)
{
    journal_store_u64(&j->header->input_ended, 1);
}

/* ---- the states ---- */

static unsigned char *bits_of(const struct journal *j, uint64_t number)
{
    CHECK(number / CHUNK_RECORDS < j->chunks_count);
    return &j->chunks[number / CHUNK_RECORDS]->bits[number % CHUNK_RECORDS / 4];
}

static unsigned char sent_mask(uint64_t number)
{
    return (unsigned char)(1u << number % 4 * 2);
}

static unsigned char done_mask(uint64_t number)
{
    return (unsigned char)(2u << number % 4 * 2);
}

unsigned char *journal_sent(const struct journal *j, uint64_t number, unsigned char *mask)
{
    *mask = sent_mask(number);
    return bits_of(j, number);
}

void journal_set_sent(struct journal *j, uint64_t number, bool sent)
{
    unsigned char mask = sent_mask(number);
    if (sent)
        __atomic_fetch_or(bits_of(j, number), mask, __ATOMIC_RELAXED);
    else
        __atomic_fetch_and(bits_of(j, number), (unsigned char)~mask, __ATOMIC_RELAXED);
}

/* Both bits at once, while others may be setting sent bits beside them. */
void journal_set_done(const struct journal *j, uint64_t number, bool is_not_ok)
{
    unsigned char *bits = bits_of(j, number), before = __atomic_load_n(bits, __ATOMIC_RELAXED);
    unsigned char sent = sent_mask(number), done = done_mask(number), after;
    do
        after = (unsigned char)((before & ~sent) | done | (is_not_ok ? sent : 0));
    while (!__atomic_compare_exchange_n(bits, &before, after, true, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED));
}

enum journal_state journal_state(const struct journal *j, uint64_t number)
{
    if (number / CHUNK_RECORDS >= j->chunks_count)
        return JOURNAL_UNSENT;
    unsigned char bits = __atomic_load_n(bits_of(j, number), __ATOMIC_RELAXED);
    if (bits & done_mask(number))
        return JOURNAL_DONE;
    return bits & sent_mask(number) ? JOURNAL_SENT : JOURNAL_UNSENT;
}

int journal_reserve(struct journal *j, uint64_t number)
{
    uint64_t chunk = number / CHUNK_RECORDS;
    while (chunk >= j->chunks_count) {
        /* In growing steps, as a process may have only so many mappings. */
        size_t more = j->chunks_count / 16 + 1;
        if (j->chunks_count + more > CHUNKS_MAX)
            return EFBIG;
        int error = posix_fallocate(j->fd, (off_t)journal_next_chunk_at(j),
                                    (off_t)(more * sizeof(struct chunk)));
        if (error == 0)
            error = journal_map_chunks(j, more);
        if (error)
            return error;
    }
    return 0;
}

/* The states of the 32 records around it, while others may be setting sent bits in there. */
static uint64_t word_of(const struct journal *j, uint64_t number)
{
    const struct chunk *chunk = j->chunks[number / CHUNK_RECORDS];
    const uint64_t *words = (const uint64_t *)(const void *)chunk->bits;
    return __atomic_load_n(&words[number % CHUNK_RECORDS / WORD_RECORDS], __ATOMIC_RELAXED);
}

uint64_t journal_next_open(const struct journal *j, uint64_t number)
{
    const struct source_range *range = &j->header->fixed.range;
    uint64_t end = j->records;
    if (number < range->skip)
        number = range->skip;
    if (range->shards > 1) { /* whole words are never done */
        number += (range->shards + range->shard - number % range->shards) % range->shards;
        while (number < end && journal_state(j, number) == JOURNAL_DONE)
            number += range->shards;
        return number;
    }
    while (number < end && journal_state(j, number) == JOURNAL_DONE) {
        uint64_t word = word_of(j, number);
        bool whole = number % WORD_RECORDS == 0 && (word & DONE_BITS) == DONE_BITS;
        number += whole ? WORD_RECORDS : 1;
    }
    return number;
}

/* ---- places ---- */

static uint64_t place_check(const struct source_position *p)
{
    return XXH3_64bits_withSeed(p, sizeof *p, VERSION);
}

static struct place *place_of(const struct journal *j, uint64_t number)
{
    return &j->chunks[number / CHUNK_RECORDS]->places[number % CHUNK_RECORDS / JOURNAL_STRIDE];
}

/* One that a loss of power has damaged is in nobody's way. */
static bool is_sound(const struct place *place)
{
    return place->check != 0 && place->check == place_check(&place->position);
}

void journal_pass(struct journal *j, const struct source_position *position)
{
    if (position->number / CHUNK_RECORDS >= j->chunks_count)
        return;
    struct place *place = place_of(j, position->number);
    if (is_sound(place))
        return;
    place->position = *position;
    place->check = place_check(position);
}

bool journal_place(const struct journal *j, uint64_t number, struct source_position *position)
{
    uint64_t end = j->chunks_count * (uint64_t)CHUNK_RECORDS;
    if (number >= end)
        number = end > 0 ? end - 1 : 0;
    for (uint64_t stride = number / JOURNAL_STRIDE + 1; stride > 0 && end > 0; stride--) {
        const struct place *place = place_of(j, (stride - 1) * JOURNAL_STRIDE);
        if (!is_sound(place) || place->position.number > number)
            continue;
        *position = place->position;
        return true;
    }
    return false;
}
