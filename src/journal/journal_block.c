/* A process may die between the write of a result line and the store of its bit. So a block's
 * records are listed first, with the bytes that each will add: that is its intent. Then the block
 * is appended; then the done bits are set, and the intent is marked as written. A resume finds the
 * newest intent:
 *
 *      written       the files have exactly the sizes that it adds up to
 *      not written   they have at least the sizes before it, plus what of the list was written
 *
 * As failed lines are written before their block, the same list says where to cut their file.
 *
 * Power. Two intents take turns, and each carries its number and a check over all of it. With
 * sync, these are the moments at which something is known to be on the disk:
 *
 *   intent n | SYNC journal | appends | SYNC files | done bits of n, written | intent n+1 | ...
 *
 * - Nothing of block n is appended before intent n is durable: an intent that is torn, or not
 *   there, belongs to a block of which nothing was written.
 * - Intent n+1 is stored only once block n is durable. So if n+1 is found, all of n is done that
 *   stands before the sizes in n+1, whatever became of its bits: they are set again.
 * - Intent n+2, which takes the place of n, comes after the sync of intent n+1, and with that sync
 *   the done bits of n went to the disk. A list is never given up before its bits are durable.
 * - A block's appends may be on the disk in any part, their sizes without their bytes as well: a
 *   line counts when its bytes give its check, and with the first that does not the files are cut.
 *
 * - A sync that failed ends the run, within block n: the files are durable up to the sizes in
 *   intent n, and what stands behind them, and all of the journal, is written once more before a
 *   recovery syncs it. Its reader may have seen what the disk never had.
 *
 * Each step of a recovery may be the last one, and all may be done again: bits are stored as
 * the list has them, and the intent that says so is replaced once they are durable. */
#include "journal/journal_internal.h"

#include "base/check.h"
#include "base/time.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Where the byte `at` of an intent and its list stands. */
static char *byte_of(const struct journal *j, uint64_t number, uint64_t at)
{
    return j->intents + (at / PAGE_BYTES * INTENTS + number % INTENTS) * PAGE_BYTES +
           at % PAGE_BYTES;
}

static struct intent *intent_of(const struct journal *j, uint64_t number)
{
    return (struct intent *)(void *)byte_of(j, number, 0);
}

static struct journal_entry *entry_of(const struct journal *j, const struct intent *i, uint64_t k)
{
    uint64_t at = sizeof *i + k * sizeof(struct journal_entry);
    return (struct journal_entry *)(void *)byte_of(j, i->number, at);
}

static uint64_t check_of(const struct journal *j, const struct intent *i)
{
    uint64_t check = XXH3_64bits_withSeed(i, offsetof(struct intent, check), VERSION);
    for (uint64_t k = 0; k < i->count; k++)
        check = XXH3_64bits_withSeed(entry_of(j, i, k), sizeof(struct journal_entry), check);
    return check;
}

uint64_t journal_check(struct ringsend_bytes result, struct ringsend_bytes failed)
{
    uint64_t check = XXH3_64bits(result.data, result.bytes);
    if (failed.bytes > 0)
        check = XXH3_64bits_withSeed(failed.data, failed.bytes, check);
    return check ? check : 1;
}

static int sync_journal(const struct journal *j)
{
    return j->sync && fdatasync(j->fd) != 0 ? errno : 0;
}

/* ---- writing ---- */

static struct intent *write_intent(struct journal *j, const struct journal_entry *entries,
                                   size_t count, struct journal_sizes sizes)
{
    struct intent *i = intent_of(j, j->number + 1);
    CHECK(count <= j->intent_capacity);
    i->number = j->number + 1;
    i->count = count;
    i->sizes = sizes;
    for (size_t k = 0; k < count; k++)
        *entry_of(j, i, k) = entries[k];
    journal_store_u64(&i->check, check_of(j, i));
    j->number++;
    return i;
}

int journal_intend(struct journal *j, const struct journal_entry *entries, size_t count,
                   struct journal_sizes sizes)
{
    CHECK(count > 0 && count <= JOURNAL_BLOCK_MAX);
    CHECK(intent_of(j, j->number)->written == j->number);
    int error = count > j->intent_capacity ? journal_widen(j, count) : 0;
    if (error == 0)
        write_intent(j, entries, count, sizes);
    return error;
}

static void set_done(const struct journal *j, const struct intent *i, uint64_t count)
{
    for (uint64_t k = 0; k < count; k++) {
        uint64_t record = entry_of(j, i, k)->record;
        if (record != JOURNAL_NO_RECORD)
            journal_set_done(j, record, entry_of(j, i, k)->is_not_ok);
    }
}

static void end_block(struct journal *j, struct intent *i)
{
    j->header->written_s = clock_wall_s();
    j->header->pid = j->pid;
    journal_store_u64(&i->written, i->number);
}

void journal_written(struct journal *j)
{
    struct intent *i = intent_of(j, j->number);
    set_done(j, i, i->count);
    end_block(j, i);
}

void journal_begin_intents(struct journal *j)
{
    end_block(j, write_intent(j, NULL, 0, (struct journal_sizes){0}));
}

/* ---- taking one up: nothing in the file is believed ---- */

/* The sizes behind the block; false when they cannot be. */
static bool add_up(const struct journal *j, const struct intent *i, struct journal_sizes *sizes)
{
    *sizes = i->sizes;
    for (uint64_t k = 0; k < i->count; k++) {
        const struct journal_entry *e = entry_of(j, i, k);
        if (__builtin_add_overflow(sizes->results, (uint64_t)e->result_bytes, &sizes->results) ||
            __builtin_add_overflow(sizes->failed, e->failed_bytes, &sizes->failed))
            return false;
    }
    return sizes->results <= INT64_MAX && sizes->failed <= INT64_MAX;
}

/* The list names records that there is room for, and its sums do not overflow. */
static bool is_sound(const struct journal *j, const struct intent *i)
{
    struct journal_sizes sizes;
    for (uint64_t k = 0; k < i->count; k++) {
        uint64_t record = entry_of(j, i, k)->record;
        if (record != JOURNAL_NO_RECORD && record / CHUNK_RECORDS >= j->chunks_count)
            return false;
    }
    return add_up(j, i, &sizes);
}

/* An intent without room for its records is none: it never was durable, as the room was made first.
 */
static bool is_whole(const struct journal *j, const struct intent *i, unsigned slot)
{
    return i->number > 0 && i->number % INTENTS == slot && i->count <= j->intent_capacity &&
           i->check == check_of(j, i) && is_sound(j, i);
}

/* The one before the newest, if it is still there. */
static const struct intent *previous(const struct journal *j)
{
    const struct intent *i = intent_of(j, j->number - 1);
    return is_whole(j, i, (j->number - 1) % INTENTS) && i->number == j->number - 1 ? i : NULL;
}

bool journal_find_intents(struct journal *j)
{
    j->number = 0;
    for (unsigned slot = 0; slot < INTENTS; slot++) {
        const struct intent *i = intent_of(j, slot);
        if (is_whole(j, i, slot) && i->number > j->number)
            j->number = i->number;
    }
    return j->number > 0;
}

/* ---- recovery ---- */

/* Bytes of a file that are read in order, and in part. */
struct reader {
    int fd; /* -1: what is there is believed */
    char *data;
    size_t capacity;
};

/* False, with errno 0 when there is less. */
static bool read_line(struct reader *r, uint64_t at, uint64_t bytes, struct ringsend_bytes *line)
{
    *line = (struct ringsend_bytes){r->data, bytes};
    if (bytes > r->capacity) {
        char *data = realloc(r->data, bytes);
        if (!data)
            return false;
        r->data = data;
        r->capacity = bytes;
        line->data = data;
    }
    errno = 0;
    for (uint64_t done = 0; done < bytes;) {
        ssize_t got = pread(r->fd, r->data + done, bytes - done, (off_t)(at + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        done += (uint64_t)got;
    }
    return true;
}

enum presence { ABSENT, PRESENT, IMPOSSIBLE, UNREADABLE };

/* Whether the entry's lines stand behind `at`, within the files' sizes, as they were to be written.
 */
static enum presence presence_of(const struct journal_entry *e, struct journal_sizes at,
                                 struct journal_sizes sizes, struct reader *results,
                                 struct reader *failed)
{
    struct ringsend_bytes line = {0}, failed_line = {0};
    if (e->result_bytes > sizes.results - at.results)
        return ABSENT;
    /* It was written first; but what was written first may be lost alone, with the power. */
    if (e->failed_bytes > sizes.failed - at.failed)
        return e->check == 0 && e->result_bytes > 0 ? IMPOSSIBLE : ABSENT;
    if (e->check == 0 || results->fd < 0)
        return PRESENT;
    if (!read_line(results, at.results, e->result_bytes, &line) ||
        (e->failed_bytes > 0 && !read_line(failed, at.failed, e->failed_bytes, &failed_line)))
        return errno ? UNREADABLE : ABSENT;
    return journal_check(line, failed_line) == e->check ? PRESENT : ABSENT;
}

/* How many of the entries are in the files, and the sizes behind the last of them. */
static enum journal_error find_written(struct journal *j, struct journal_sizes *sizes,
                                       struct reader *results, struct reader *failed)
{
    const struct intent *i = intent_of(j, j->number);
    struct journal_sizes at = i->sizes;
    enum presence presence = PRESENT;
    for (j->recovered = 0; j->recovered < i->count; j->recovered++) {
        const struct journal_entry *e = entry_of(j, i, j->recovered);
        presence = presence_of(e, at, *sizes, results, failed);
        if (presence != PRESENT)
            break;
        at.results += e->result_bytes;
        at.failed += e->failed_bytes;
    }
    if (presence == UNREADABLE)
        return JOURNAL_FAILED;
    if (presence == IMPOSSIBLE)
        return JOURNAL_TOO_SHORT;
    *sizes = at;
    return JOURNAL_OK;
}

enum journal_error journal_recover(struct journal *j, int results_fd, int failed_fd,
                                   struct journal_sizes *sizes)
{
    const struct intent *i = intent_of(j, j->number);
    struct journal_sizes least = i->sizes, most;
    CHECK(add_up(j, i, &most));
    if (i->written == i->number)
        least = most;
    if (sizes->results < least.results || sizes->failed < least.failed)
        return JOURNAL_TOO_SHORT;
    if (sizes->results > most.results || sizes->failed > most.failed)
        return JOURNAL_TOO_LONG;
    j->recovered = i->count;
    if (i->written == i->number)
        return JOURNAL_OK;
    struct reader results = {.fd = results_fd}, failed = {.fd = failed_fd};
    enum journal_error error = find_written(j, sizes, &results, &failed);
    int reason = errno;
    free(results.data);
    free(failed.data);
    errno = reason;
    return error;
}

struct journal_sizes journal_synced(const struct journal *j)
{
    const struct intent *i = intent_of(j, j->number);
    struct journal_sizes behind;
    return i->written == i->number && add_up(j, i, &behind) ? behind : i->sizes;
}

/* Of a block before that which begins at these sizes: what was not cut off of it. */
static uint64_t count_within(const struct journal *j, const struct intent *i,
                             struct journal_sizes sizes)
{
    struct journal_sizes at = i->sizes;
    for (uint64_t k = 0; k < i->count; k++) {
        at.results += entry_of(j, i, k)->result_bytes;
        at.failed += entry_of(j, i, k)->failed_bytes;
        if (at.results > sizes.results || at.failed > sizes.failed)
            return k;
    }
    return i->count;
}

int journal_settle(struct journal *j, struct journal_sizes sizes)
{
    const struct intent *before = previous(j), *newest = intent_of(j, j->number);
    if (before)
        set_done(j, before, count_within(j, before, newest->sizes));
    set_done(j, newest, j->recovered);
    if (j->sync)
        journal_dirty(j);
    int error = sync_journal(j);
    if (error)
        return error;
    end_block(j, write_intent(j, NULL, 0, sizes));
    return sync_journal(j);
}
