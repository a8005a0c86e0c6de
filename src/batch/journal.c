/* The file, in native byte order, as it never leaves the machine that wrote it:
 *
 *   header     a page
 *   inputs     their fingerprints
 *   chunk 0    two bits for each of CHUNK_RECORDS records, then the places where to read on
 *   intent     JOURNAL_BLOCK_MAX entries, of which only the first ones ever get disk space
 *   chunk 1 ...
 *
 * All of it that is used is mapped. Disk space is taken before a page is mapped (posix_fallocate): a
 * store to a page that the disk has no room for would be a SIGBUS. Chunks stay where they are mapped,
 * as requests in flight hold addresses of their bits.
 *
 * Intent. A process may die between the write of a result line and the store of its bit. So a block's
 * records are listed first, with the bytes that each will add, and `intent_count` says that the list
 * holds; then the block is appended; then the done bits are set, and the count is zero again. A
 * resume finds a list and compares with the size of the file: so many lines of it were written. As
 * failed lines are written before their block, the same list says where to cut their file.
 *
 *      count == 0   the files have exactly the sizes in the header
 *      count  > 0   they have at least the sizes in the header, plus what of the list was written
 *
 * Every step of that may be the last one, and each may be done again: bits are only set, sizes are
 * stored before the count is cleared. A kill falls between two instructions, so it is only the
 * compiler that must keep the order of stores; with power loss only what was synced counts, hence the
 * syncs of output.c. */
#include "batch/journal.h"

#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
    PAGE_BYTES = 4096,
    VERSION = 1,
    CHUNK_RECORDS = 1 << 16,
    BITS_BYTES = CHUNK_RECORDS / 4,
    PLACES = CHUNK_RECORDS / JOURNAL_STRIDE,
    INPUTS_MAX = 1 << 20,
    CHUNKS_MAX = 1 << 24,
    LOCK_TRIES_MAX = 400, /* two seconds */
    /* Entries beyond those of records in hand: results of records that never came to a request. */
    ENTRIES_MORE = 1024 + 64
};

#define WORD_RECORDS 32
#define DONE_BITS 0xaaaaaaaaaaaaaaaaull

static const char magic[8] = {'r', 's', 'j', 'o', 'u', 'r', 'n', '\n'};

struct header {
    char magic[8]; /* written last */
    uint32_t version;
    uint32_t header_bytes; /* tells a build of another layout */
    uint32_t options_count;
    uint32_t has_failed;
    uint64_t inputs_count;
    struct source_range range;
    struct fingerprint_option options[FINGERPRINT_OPTIONS_MAX];

    int64_t pid;      /* of the run that has it, or had */
    uint64_t chunks;  /* that have their disk space */
    uint64_t records; /* every record with a bit set is below */
    uint64_t input_ended;
    struct journal_sizes sizes; /* of the files before the block of the intent, if there is one */
    uint64_t intent_count;
    int64_t written_s;
};
_Static_assert(sizeof(struct header) <= PAGE_BYTES, "the header has one page");

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

struct journal {
    int fd;
    bool writable;
    pid_t pid; /* ours */
    char *path;
    struct header *header; /* the first head_bytes of the file, up to the end of the intent */
    size_t head_bytes;
    struct journal_entry *intent;
    size_t intent_capacity; /* entries that are mapped */
    uint64_t chunks_at;     /* in the file: all but the first, which is part of the head */
    struct chunk **chunks;
    size_t chunks_count, chunks_capacity;
    struct fingerprint fingerprint; /* its inputs stand in the map */
};

static uint64_t page_up(uint64_t bytes)
{
    return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

static uint64_t first_chunk_at(uint64_t inputs_count)
{
    return PAGE_BYTES + page_up(inputs_count * sizeof(struct fingerprint_input));
}

static uint64_t intent_at(uint64_t inputs_count)
{
    return first_chunk_at(inputs_count) + sizeof(struct chunk);
}

/* Of the second one. */
static uint64_t chunks_at(uint64_t inputs_count)
{
    return intent_at(inputs_count) + page_up(JOURNAL_BLOCK_MAX * sizeof(struct journal_entry));
}

/* ---- opening and closing ---- */

/* A lock of the open file: gone with the process, however it ends. */
static enum journal_error lock(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
        return JOURNAL_OK;
    return errno == EAGAIN || errno == EACCES ? JOURNAL_HELD : JOURNAL_FAILED;
}

/* A run that ends removes its journal; we may have opened it right before. */
static bool is_still_there(int fd, const char *path)
{
    struct stat ours, theirs;
    return fstat(fd, &ours) == 0 && stat(path, &theirs) == 0 && ours.st_dev == theirs.st_dev &&
           ours.st_ino == theirs.st_ino;
}

/* The kernel may let go of a dead process's file a moment after the process is gone: when an io_uring
 * operation on it was under way. */
static bool holder_is_dying(int fd)
{
    const struct timespec moment = {.tv_nsec = 5000000};
    struct header h;
    if (pread(fd, &h, sizeof h, 0) != (ssize_t)sizeof h ||
        memcmp(h.magic, magic, sizeof magic) != 0 || h.pid <= 0 || kill((pid_t)h.pid, 0) == 0 ||
        errno != ESRCH)
        return false;
    nanosleep(&moment, NULL);
    return true;
}

static enum journal_error open_locked(const char *path, int flags, int *fd)
{
    for (unsigned tries = 0;; tries++) {
        *fd = open(path, O_RDWR | O_CLOEXEC | flags, 0600);
        if (*fd < 0)
            return errno == ENOENT && !(flags & O_CREAT) ? JOURNAL_NONE : JOURNAL_FAILED;
        enum journal_error error = lock(*fd);
        if (error == JOURNAL_OK && ((flags & O_EXCL) || is_still_there(*fd, path)))
            return JOURNAL_OK;
        int reason = errno;
        bool again = error == JOURNAL_OK ||
                     (error == JOURNAL_HELD && tries < LOCK_TRIES_MAX && holder_is_dying(*fd));
        close(*fd);
        errno = reason;
        if (!again)
            return error;
    }
}

static struct journal *journal_new(const char *path, int fd)
{
    struct journal *j = calloc(1, sizeof *j);
    char *copy = strdup(path);
    if (!j || !copy) {
        free(j);
        free(copy);
        return NULL;
    }
    *j = (struct journal){.fd = fd, .path = copy, .writable = true, .pid = getpid()};
    return j;
}

void journal_close(struct journal *j)
{
    if (!j)
        return;
    for (size_t i = 1; i < j->chunks_count; i++)
        munmap(j->chunks[i], sizeof(struct chunk));
    if (j->header)
        munmap(j->header, j->head_bytes);
    close(j->fd);
    free(j->chunks);
    free(j->path);
    free(j);
}

void journal_remove(struct journal *j)
{
    unlink(j->path);
    journal_close(j);
}

static void *map(const struct journal *j, uint64_t at, uint64_t bytes)
{
    int access = j->writable ? PROT_READ | PROT_WRITE : PROT_READ;
    void *mapping = mmap(NULL, bytes, access, MAP_SHARED, j->fd, (off_t)at);
    return mapping == MAP_FAILED ? NULL : mapping;
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

/* The header, the first chunk and the intent. 0 or an errno. */
static int map_head(struct journal *j, uint64_t inputs_count, size_t intent_entries)
{
    uint64_t at = intent_at(inputs_count);
    j->head_bytes = at + page_up(intent_entries * sizeof(struct journal_entry));
    int error = j->writable ? posix_fallocate(j->fd, 0, (off_t)j->head_bytes) : 0;
    if (error)
        return error;
    j->header = map(j, 0, j->head_bytes);
    if (!j->header)
        return errno;
    j->intent = (struct journal_entry *)((char *)j->header + at);
    j->intent_capacity = (j->head_bytes - at) / sizeof(struct journal_entry);
    j->chunks_at = chunks_at(inputs_count);
    if (!room_for_chunks(j, 1))
        return ENOMEM;
    j->chunks[j->chunks_count++] =
        (struct chunk *)((char *)j->header + first_chunk_at(inputs_count));
    return 0;
}

/* Where the next chunk stands, which is not the first one. */
static uint64_t next_chunk_at(const struct journal *j)
{
    return j->chunks_at + (j->chunks_count - 1) * sizeof(struct chunk);
}

/* Maps `count` chunks behind those that are. 0 or an errno. */
static int map_chunks(struct journal *j, size_t count)
{
    if (count == 0)
        return 0;
    if (!room_for_chunks(j, count))
        return ENOMEM;
    struct chunk *mapping = map(j, next_chunk_at(j), count * sizeof *mapping);
    if (!mapping)
        return errno;
    for (size_t i = 0; i < count; i++)
        j->chunks[j->chunks_count++] = mapping + i;
    return 0;
}

static size_t entries_for(uint32_t records_max)
{
    size_t entries = (size_t)records_max + ENTRIES_MORE;
    return entries < JOURNAL_BLOCK_MAX ? entries : JOURNAL_BLOCK_MAX;
}

static void store_u64(uint64_t *to, uint64_t value)
{
    __atomic_signal_fence(__ATOMIC_RELEASE);
    *(volatile uint64_t *)to = value;
}

static uint64_t load_u64(const uint64_t *from)
{
    return __atomic_load_n(from, __ATOMIC_ACQUIRE);
}

static int64_t wall_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec;
}

static void write_header(struct journal *j, const struct fingerprint *f,
                         const struct source_range *range, bool has_failed)
{
    struct header *h = j->header;
    h->version = VERSION;
    h->header_bytes = sizeof *h;
    h->options_count = (uint32_t)f->options_count;
    h->has_failed = has_failed;
    h->inputs_count = f->inputs_count;
    h->chunks = 1;
    h->range = *range;
    memcpy(h->options, f->options, sizeof h->options);
    if (f->inputs_count > 0)
        memcpy((char *)h + PAGE_BYTES, f->inputs, f->inputs_count * sizeof *f->inputs);
    h->written_s = wall_s();
    h->pid = j->pid;
    __atomic_signal_fence(__ATOMIC_RELEASE);
    memcpy(h->magic, magic, sizeof magic);
}

static void read_fingerprint(struct journal *j)
{
    struct header *h = j->header;
    memcpy(j->fingerprint.options, h->options, sizeof h->options);
    for (size_t i = 0; i < FINGERPRINT_OPTIONS_MAX; i++)
        j->fingerprint.options[i].name[FINGERPRINT_NAME_BYTES - 1] = '\0';
    j->fingerprint.options_count = h->options_count;
    j->fingerprint.inputs = (struct fingerprint_input *)((char *)h + PAGE_BYTES);
    j->fingerprint.inputs_count = h->inputs_count;
}

static enum journal_error give_up(struct journal *j, int error)
{
    journal_close(j);
    errno = error;
    return JOURNAL_FAILED;
}

enum journal_error journal_create(struct journal **journal, const char *path,
                                  const struct fingerprint *f, const struct source_range *range,
                                  bool has_failed, uint32_t records_max, bool replace)
{
    int fd;
    enum journal_error error = open_locked(path, O_CREAT | O_EXCL, &fd);
    bool is_there = error == JOURNAL_FAILED && errno == EEXIST;
    if (is_there && replace)
        error = open_locked(path, O_CREAT, &fd);
    if (error != JOURNAL_OK)
        return error;
    struct journal *j = journal_new(path, fd);
    if (!j) {
        close(fd);
        errno = ENOMEM;
        return JOURNAL_FAILED;
    }
    int failed = is_there && ftruncate(fd, 0) != 0 ? errno : 0;
    if (!failed)
        failed = map_head(j, f->inputs_count, entries_for(records_max));
    if (!failed)
        write_header(j, f, range, has_failed);
    if (failed) {
        unlink(path);
        return give_up(j, failed);
    }
    read_fingerprint(j);
    *journal = j;
    return JOURNAL_OK;
}

/* ---- taking one up: nothing in the file is believed ---- */

static bool header_is_sound(const struct header *h, uint64_t file_bytes)
{
    if (h->inputs_count > INPUTS_MAX || h->chunks == 0 || h->chunks > CHUNKS_MAX ||
        h->options_count > FINGERPRINT_OPTIONS_MAX || h->intent_count > JOURNAL_BLOCK_MAX)
        return false;
    uint64_t end = h->chunks == 1
                       ? intent_at(h->inputs_count) + h->intent_count * sizeof(struct journal_entry)
                       : chunks_at(h->inputs_count) + (h->chunks - 1) * sizeof(struct chunk);
    return end <= file_bytes && h->records <= h->chunks * CHUNK_RECORDS;
}

/* The list names records that there are, and its sums do not overflow. */
static bool intent_is_sound(const struct journal *j)
{
    const struct header *h = j->header;
    struct journal_sizes sizes = h->sizes;
    for (uint64_t i = 0; i < h->intent_count; i++) {
        const struct journal_entry *e = &j->intent[i];
        if (e->record >= h->records ||
            __builtin_add_overflow(sizes.results, e->result_bytes, &sizes.results) ||
            __builtin_add_overflow(sizes.failed, e->failed_bytes, &sizes.failed))
            return false;
    }
    return sizes.results <= INT64_MAX && sizes.failed <= INT64_MAX;
}

static enum journal_error read_header(int fd, struct header *h)
{
    struct stat about;
    ssize_t bytes = pread(fd, h, sizeof *h, 0);
    if (bytes < 0 || fstat(fd, &about) != 0)
        return JOURNAL_FAILED;
    static const char nothing[sizeof magic];
    if (bytes == 0 ||
        ((size_t)bytes >= sizeof magic && memcmp(h->magic, nothing, sizeof magic) == 0))
        return JOURNAL_NONE; /* the run died while it made it */
    if ((size_t)bytes < sizeof *h || memcmp(h->magic, magic, sizeof magic) != 0 ||
        h->version != VERSION || h->header_bytes != sizeof *h)
        return JOURNAL_UNKNOWN;
    return header_is_sound(h, (uint64_t)about.st_size) ? JOURNAL_OK : JOURNAL_DAMAGED;
}

static enum journal_error take_up(struct journal **journal, const char *path, int fd, bool writable,
                                  size_t entries)
{
    struct header h;
    enum journal_error error = read_header(fd, &h);
    struct journal *j = error == JOURNAL_OK ? journal_new(path, fd) : NULL;
    if (!j) {
        int reason = error == JOURNAL_OK ? ENOMEM : errno;
        close(fd);
        errno = reason;
        return error == JOURNAL_OK ? JOURNAL_FAILED : error;
    }
    j->writable = writable;
    if (entries < h.intent_count)
        entries = h.intent_count;
    int failed = map_head(j, h.inputs_count, entries);
    if (!failed)
        failed = map_chunks(j, h.chunks - 1);
    if (failed)
        return give_up(j, failed);
    /* Who only looks does not need the list, which a run may be writing. */
    if (writable && !intent_is_sound(j)) {
        journal_close(j);
        return JOURNAL_DAMAGED;
    }
    read_fingerprint(j);
    *journal = j;
    return JOURNAL_OK;
}

enum journal_error journal_open(struct journal **journal, const char *path, uint32_t records_max)
{
    int fd;
    enum journal_error error = open_locked(path, 0, &fd);
    if (error != JOURNAL_OK)
        return error;
    return take_up(journal, path, fd, true, entries_for(records_max));
}

enum journal_error journal_look(struct journal **journal, const char *path, bool *held)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? JOURNAL_NONE : JOURNAL_FAILED;
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    *held = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    return take_up(journal, path, fd, false, 0);
}

/* ---- what it knows ---- */

const char *journal_path(const struct journal *j)
{
    return j->path;
}

int journal_fd(const struct journal *j)
{
    return j->fd;
}

bool journal_has_failed(const struct journal *j)
{
    return j->header->has_failed != 0;
}

const struct fingerprint *journal_fingerprint(const struct journal *j)
{
    return &j->fingerprint;
}

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

struct journal_counts journal_count(const struct journal *j)
{
    const struct header *h = j->header;
    struct journal_counts counts = {
        .input_ended = h->input_ended != 0, .written_s = h->written_s, .sizes = h->sizes};
    for (size_t i = 0; i < j->chunks_count; i++) {
        const uint64_t *words = (const uint64_t *)(const void *)j->chunks[i]->bits;
        for (size_t k = 0; k < BITS_BYTES / sizeof *words; k++) {
            uint64_t done = words[k] & DONE_BITS, sent = words[k] << 1 & DONE_BITS & ~done;
            counts.done += (uint64_t)__builtin_popcountll(done);
            counts.in_doubt += (uint64_t)__builtin_popcountll(sent);
        }
    }
    uint64_t wanted = wanted_below(&h->range, load_u64(&h->records));
    uint64_t known = counts.done + counts.in_doubt;
    counts.left = wanted > known ? wanted - known : 0; /* a run may go on while we count */
    return counts;
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
        int error =
            posix_fallocate(j->fd, (off_t)next_chunk_at(j), (off_t)(more * sizeof(struct chunk)));
        if (error == 0)
            error = map_chunks(j, more);
        if (error)
            return error;
        store_u64(&j->header->chunks, j->chunks_count);
    }
    return 0;
}

void journal_read(struct journal *j, uint64_t number)
{
    if (number >= j->header->records)
        store_u64(&j->header->records, number + 1);
}

void journal_input_ended(struct journal *j)
{
    store_u64(&j->header->input_ended, 1);
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
    const struct source_range *range = &j->header->range;
    uint64_t end = j->header->records;
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

void journal_pass(struct journal *j, const struct source_position *position)
{
    if (position->number / CHUNK_RECORDS >= j->chunks_count)
        return;
    struct place *place = place_of(j, position->number);
    if (place->check != 0)
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
        if (place->check == 0 || place->check != place_check(&place->position) ||
            place->position.number > number)
            continue;
        *position = place->position;
        return true;
    }
    return false;
}

/* ---- blocks of results ---- */

void journal_intend(struct journal *j, const struct journal_entry *entries, size_t count,
                    struct journal_sizes sizes)
{
    struct header *h = j->header;
    CHECK(h->intent_count == 0 && count > 0 && count <= j->intent_capacity);
    memcpy(j->intent, entries, count * sizeof *entries);
    h->sizes = sizes;
    store_u64(&h->intent_count, count);
}

static void set_done(struct journal *j, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        uint64_t number = j->intent[i].record;
        __atomic_fetch_or(bits_of(j, number), done_mask(number), __ATOMIC_RELAXED);
    }
}

void journal_settled(struct journal *j, struct journal_sizes sizes)
{
    struct header *h = j->header;
    __atomic_signal_fence(__ATOMIC_RELEASE);
    h->sizes = sizes;
    h->written_s = wall_s();
    h->pid = j->pid;
    store_u64(&h->intent_count, 0);
}

void journal_written(struct journal *j)
{
    struct header *h = j->header;
    struct journal_sizes sizes = h->sizes;
    set_done(j, h->intent_count);
    for (uint64_t i = 0; i < h->intent_count; i++) {
        sizes.results += j->intent[i].result_bytes;
        sizes.failed += j->intent[i].failed_bytes;
    }
    journal_settled(j, sizes);
}

enum journal_error journal_recover(struct journal *j, struct journal_sizes *sizes)
{
    const struct header *h = j->header;
    struct journal_sizes at = h->sizes, all = h->sizes;
    uint64_t done = 0;
    for (uint64_t i = 0; i < h->intent_count; i++) {
        const struct journal_entry *e = &j->intent[i];
        all.results += e->result_bytes;
        all.failed += e->failed_bytes;
        /* Of a line without bytes only its failed line tells. */
        bool written = e->result_bytes > 0 || all.failed <= sizes->failed;
        if (done == i && written && all.results <= sizes->results) {
            at = all;
            done++;
        }
    }
    if (sizes->results < at.results || sizes->failed < at.failed)
        return JOURNAL_TOO_SHORT;
    if (sizes->results > all.results || sizes->failed > all.failed)
        return JOURNAL_TOO_LONG;
    set_done(j, done);
    *sizes = at;
    return JOURNAL_OK;
}
