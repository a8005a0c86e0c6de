/* The journal's file, and what its three files share.
 *
 *   journal.c         making, opening, taking up, closing
 *   journal_block.c   blocks of results, and the recovery of one
 *   journal_state.c   the records' states, counts, and places in the input
 *
 * The file, in native byte order, as it never leaves the machine that wrote it:
 *
 *   header     a page
 *   inputs     their fingerprints
 *   chunk 0    two bits for each of CHUNK_RECORDS records, then the places where to read on
 *   intents    two lists of at most JOURNAL_BLOCK_MAX entries, a page of the one and a page of the
 *              other in turns, as only the first pages ever get disk space
 *   chunk 1 ...
 *
 * All of it that is used is mapped. Disk space is taken before a page is mapped (posix_fallocate):
 * a store to a page that the disk has no room for would be a SIGBUS. Chunks stay where they are
 * mapped, as requests in flight hold addresses of their bits. How many there are is said by the
 * file's size alone: a count beside it could be on the disk before it is true.
 *
 * What a death leaves. A kill falls between two stores; they are all there in their order. After a
 * loss of power each page, and each sector of it, may be as it was at any moment since the last
 * sync that has ended: so whatever is believed carries a check over all that belongs together, or
 * is a bit that is true alone. */
#ifndef RINGSEND_JOURNAL_JOURNAL_INTERNAL_H
#define RINGSEND_JOURNAL_JOURNAL_INTERNAL_H

#include "journal/journal.h"

#include <sys/types.h>

enum {
    PAGE_BYTES = 4096,
    VERSION = 3,
    CHUNK_RECORDS = 1 << 16,
    BITS_BYTES = CHUNK_RECORDS / 4,
    PLACES = CHUNK_RECORDS / JOURNAL_STRIDE,
    INPUTS_MAX = 1 << 20,
    CHUNKS_MAX = 1 << 24,
    INTENTS = 2
};

/* How far the input was read. Two of them take turns, so that one is whole whatever becomes of a
 * store to the other; they share a cache line, which never is on the disk in part. */
struct mark {
    uint64_t records; /* 0: nothing was read */
    uint64_t digest;  /* of these */
    uint64_t check;
};

/* Written once, when the journal is made. */
struct fixed {
    uint32_t options_count;
    uint32_t has_failed;
    uint64_t inputs_count;
    struct source_range range;
    unsigned char salt[FINGERPRINT_DIGEST_BYTES];
    struct fingerprint_option options[FINGERPRINT_OPTIONS_MAX];
};

struct header {
    char magic[8]; /* the first that is written: a file without is none of ours, or all zeros */
    uint32_t version;
    uint32_t header_bytes; /* tells a build of another layout */
    struct fixed fixed;
    uint64_t check; /* of the above and the inputs */
    uint64_t ready; /* 1: all that belongs to a new journal is there */
    int64_t pid;    /* of the run that has it, or had */
    uint64_t input_ended;
    int64_t written_s;
    /* Where reading stood then, for an estimate: so many inputs, and bytes of the next one. */
    uint64_t read_inputs, read_bytes;
    _Alignas(64) struct mark marks[2];
};
_Static_assert(sizeof(struct header) <= PAGE_BYTES, "the header has one page");
_Static_assert(sizeof((struct header *)0)->marks <= 64, "the marks share a cache line");

/* A store of it may be cut short. */
struct place {
    struct source_position position;
    uint64_t check;
};

struct chunk {
    unsigned char bits[BITS_BYTES];
    struct place places[PLACES];
    char unused[PAGE_BYTES - PLACES * sizeof(struct place) % PAGE_BYTES];
};
_Static_assert(sizeof(struct chunk) % PAGE_BYTES == 0, "chunks are mapped one by one");

/* See journal_block.c. Intent n has the pages n % 2, and in them no byte of the other one. */
struct intent {
    uint64_t number; /* from 1 on */
    uint64_t count;
    struct journal_sizes sizes; /* of the files before the block */
    uint64_t check;             /* of the above and of the list */
    uint64_t written;           /* `number`: the block is whole; no older number is */
    uint64_t unused[2];
};
_Static_assert(PAGE_BYTES % sizeof(struct intent) == 0 &&
                   PAGE_BYTES % sizeof(struct journal_entry) == 0 &&
                   sizeof(struct intent) % sizeof(struct journal_entry) == 0,
               "no entry goes over the end of a page");

struct journal {
    int fd;
    bool writable, sync;
    pid_t pid; /* ours */
    char *path;
    char
        *place; /* null once it stands at its name; until then the file there is locked by old_fd */
    int old_fd;
    struct header *header; /* the first head_bytes of the file, up to the end of chunk 0 */
    size_t head_bytes;
    char *intents; /* null in one that is only looked at */
    size_t intents_bytes;
    size_t intent_capacity; /* entries of each that are mapped */
    uint64_t chunks_at;     /* in the file: all but the first, which is part of the head */
    struct chunk **chunks;
    size_t chunks_count, chunks_capacity;
    struct fingerprint fingerprint; /* its inputs stand in the map */

    uint64_t number;    /* of the newest intent */
    uint64_t recovered; /* entries of it that stand in the files, says journal_recover */
    uint64_t records, digest;
    unsigned next_mark; /* which of the two is written next */
};

static inline void journal_store_u64(uint64_t *to, uint64_t value)
{
    __atomic_signal_fence(__ATOMIC_RELEASE);
    *(volatile uint64_t *)to = value;
}

/* journal_map.c. The bytes of the shortest file with so many inputs. */
uint64_t journal_bytes_min(uint64_t inputs_count);
/* Map the header with the first chunk; then the intents, of which a file of so many bytes may have
 * fewer; then all other chunks that the file has room for. 0 or an errno. */
int journal_map_head(struct journal *j, uint64_t inputs_count);
int journal_map_intents(struct journal *j, uint64_t inputs_count, uint64_t file_bytes);
int journal_map_all_chunks(struct journal *j);
/* Maps what was added to the file. Likewise. */
int journal_map_chunks(struct journal *j, size_t count);
/* Makes room for so many entries. Likewise. */
int journal_widen(struct journal *j, size_t entries);
uint64_t journal_next_chunk_at(const struct journal *j);
/* All that is mapped goes to the disk with the next sync, also what one before has lost:
 * results/tail.c says why. */
void journal_dirty(struct journal *j);

/* journal_block.c */
void journal_begin_intents(struct journal *j);
/* Finds the newest of the intents; false: there is none, or one names records that there are not.
 */
bool journal_find_intents(struct journal *j);

/* journal_state.c */
void journal_set_done(const struct journal *j, uint64_t number, bool is_not_ok);
/* The newest of the marks; records stays 0 when there is none. */
void journal_find_mark(struct journal *j);

#endif
