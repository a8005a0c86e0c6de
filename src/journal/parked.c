/* The file, in native byte order: the header, an entry for each item, then their bytes, results and
 * what -w makes of them in turn. */
#include "journal/parked.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { VERSION = 1 };

static const char magic[8] = {'r', 's', 'p', 'a', 'r', 'k', 'd', '\n'};

struct header {
    char magic[8];
    uint32_t version, header_bytes;
    uint64_t run; /* whose results they are */
    uint64_t count, data_bytes;
    uint64_t check; /* of all that follows */
};

struct entry {
    uint64_t number, result_bytes, write_out_bytes, failed;
};

struct parked {
    char *memory; /* the whole file */
    struct parked_item *items;
    size_t count;
};

static uint64_t run_of(const struct fingerprint *f)
{
    uint64_t salt = XXH3_64bits(f->salt, sizeof f->salt);
    uint64_t options =
        XXH3_64bits_withSeed(f->options, f->options_count * sizeof *f->options, salt);
    return XXH3_64bits_withSeed(f->inputs, f->inputs_count * sizeof *f->inputs, options);
}

/* ---- reading ---- */

/* A file that is as long as its header says. */
static enum parked_error open_sound(const char *path, int *fd, struct header *h)
{
    struct stat about;
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (*fd < 0)
        return errno == ENOENT ? PARKED_NONE : errno == ELOOP ? PARKED_FOREIGN : PARKED_FAILED;
    if (fstat(*fd, &about) != 0)
        return PARKED_FAILED;
    if (!S_ISREG(about.st_mode) || pread(*fd, h, sizeof *h, 0) != (ssize_t)sizeof *h ||
        memcmp(h->magic, magic, sizeof magic) != 0 || h->version != VERSION ||
        h->header_bytes != sizeof *h)
        return PARKED_FOREIGN;
    uint64_t bytes = (uint64_t)about.st_size - sizeof *h;
    if (h->count > bytes / sizeof(struct entry) ||
        bytes - h->count * sizeof(struct entry) != h->data_bytes)
        return PARKED_DAMAGED;
    return PARKED_OK;
}

static bool read_all(int fd, char *to, size_t bytes, off_t at)
{
    while (bytes > 0) {
        ssize_t got = pread(fd, to, bytes, at);
        if (got <= 0)
            return false;
        to += got;
        at += got;
        bytes -= (size_t)got;
    }
    return true;
}

/* Makes items of the entries: false when they contradict each other. */
static bool take_items(struct parked *p, const struct header *h)
{
    const struct entry *entries = (const struct entry *)(const void *)p->memory;
    const char *at = p->memory + h->count * sizeof *entries;
    uint64_t left = h->data_bytes;
    for (size_t i = 0; i < h->count; i++) {
        const struct entry *e = &entries[i];
        if (e->result_bytes > left || e->write_out_bytes > left - e->result_bytes ||
            (i > 0 && e->number <= entries[i - 1].number))
            return false;
        p->items[i] = (struct parked_item){.number = e->number,
                                           .result = {at, e->result_bytes},
                                           .write_out = {at + e->result_bytes, e->write_out_bytes},
                                           .failed = e->failed != 0};
        at += e->result_bytes + e->write_out_bytes;
        left -= e->result_bytes + e->write_out_bytes;
    }
    p->count = h->count;
    return left == 0;
}

static enum parked_error read_items(struct parked *p, int fd, const struct header *h)
{
    size_t bytes = h->count * sizeof(struct entry) + h->data_bytes;
    p->memory = malloc(bytes + 1);
    p->items = calloc(h->count + 1, sizeof *p->items);
    if (!p->memory || !p->items) {
        errno = ENOMEM;
        return PARKED_FAILED;
    }
    errno = EIO; /* should it end early */
    if (!read_all(fd, p->memory, bytes, sizeof *h))
        return PARKED_FAILED;
    return XXH3_64bits(p->memory, bytes) == h->check && take_items(p, h) ? PARKED_OK
                                                                         : PARKED_DAMAGED;
}

enum parked_error parked_read(struct parked **parked, const char *path,
                              const struct fingerprint *of)
{
    int fd;
    struct header h;
    struct parked *p = NULL;
    enum parked_error error = open_sound(path, &fd, &h);
    if (error == PARKED_OK && h.run != run_of(of))
        error = PARKED_FOREIGN;
    if (error == PARKED_OK && !(p = calloc(1, sizeof *p))) {
        errno = ENOMEM;
        error = PARKED_FAILED;
    }
    if (error == PARKED_OK)
        error = read_items(p, fd, &h);
    int reason = errno;
    if (fd >= 0)
        close(fd);
    if (error == PARKED_OK)
        *parked = p;
    else
        parked_free(p);
    errno = reason;
    return error;
}

void parked_free(struct parked *p)
{
    if (!p)
        return;
    free(p->items);
    free(p->memory);
    free(p);
}

const struct parked_item *parked_items(const struct parked *p, size_t *count)
{
    *count = p ? p->count : 0;
    return p ? p->items : NULL;
}

static int compare_numbers(const void *key, const void *item)
{
    uint64_t a = *(const uint64_t *)key, b = ((const struct parked_item *)item)->number;
    return a < b ? -1 : a > b;
}

const struct parked_item *parked_find(const struct parked *p, uint64_t number)
{
    if (!p)
        return NULL;
    return bsearch(&number, p->items, p->count, sizeof *p->items, compare_numbers);
}

void parked_count(const struct parked *p, const struct journal *journal,
                  struct journal_counts *counts)
{
    for (size_t i = 0; p && i < p->count; i++) {
        enum journal_state state = journal_state(journal, p->items[i].number);
        uint64_t *other = state == JOURNAL_SENT ? &counts->in_doubt : &counts->left;
        if (state == JOURNAL_DONE || *other == 0)
            continue;
        --*other;
        counts->done++;
        counts->not_ok += p->items[i].failed;
        counts->waiting++;
    }
}

/* ---- writing ---- */

static struct entry entry_of(const struct parked_item *item)
{
    return (struct entry){.number = item->number,
                          .result_bytes = item->result.bytes,
                          .write_out_bytes = item->write_out.bytes,
                          .failed = item->failed};
}

/* Each piece of what stands behind the header, in order, to `take`; false ends it. */
static bool for_each_piece(const struct parked_item *items, size_t count,
                           bool (*take)(void *to, const void *data, size_t bytes), void *to)
{
    bool good = true;
    for (size_t i = 0; i < count && good; i++) {
        struct entry entry = entry_of(&items[i]);
        good = take(to, &entry, sizeof entry);
    }
    for (size_t i = 0; i < count && good; i++)
        good = take(to, items[i].result.data, items[i].result.bytes) &&
               take(to, items[i].write_out.data, items[i].write_out.bytes);
    return good;
}

static bool digest(void *to, const void *data, size_t bytes)
{
    return bytes == 0 || XXH3_64bits_update(to, data, bytes) == XXH_OK;
}

static bool put(void *to, const void *data, size_t bytes)
{
    return bytes == 0 || fwrite(data, 1, bytes, to) == bytes;
}

static struct header header_of(const struct fingerprint *of, const struct parked_item *items,
                               size_t count)
{
    struct header h = {
        .version = VERSION, .header_bytes = sizeof h, .run = run_of(of), .count = count};
    XXH3_state_t state;
    memcpy(h.magic, magic, sizeof magic);
    for (size_t i = 0; i < count; i++)
        h.data_bytes += items[i].result.bytes + items[i].write_out.bytes;
    XXH3_64bits_reset(&state);
    for_each_piece(items, count, digest, &state);
    h.check = XXH3_64bits_digest(&state);
    return h;
}

/* The name in its directory is durable, too. */
static bool sync_directory(const char *path)
{
    char *copy = strdup(path);
    int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    bool good = fd >= 0 && fsync(fd) == 0;
    int reason = errno;
    if (fd >= 0)
        close(fd);
    free(copy);
    errno = reason;
    return good;
}

static bool write_new(FILE *out, const struct header *h, const struct parked_item *items,
                      size_t count, bool sync)
{
    return put(out, h, sizeof *h) && for_each_piece(items, count, put, out) && fflush(out) == 0 &&
           (!sync || fsync(fileno(out)) == 0);
}

int parked_write(const char *path, const struct fingerprint *of, const struct parked_item *items,
                 size_t count, bool sync)
{
    struct header h = header_of(of, items, count);
    char *name;
    if (asprintf(&name, "%s.XXXXXX", path) < 0)
        return ENOMEM;
    int fd = mkostemp(name, O_CLOEXEC);
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    bool good = out && write_new(out, &h, items, count, sync);
    int reason = errno;
    if (out ? fclose(out) != 0 && good : fd >= 0 && close(fd) != 0) {
        good = false;
        reason = errno;
    }
    if (good && (rename(name, path) != 0 || (sync && !sync_directory(path)))) {
        good = false;
        reason = errno;
    }
    if (!good && fd >= 0)
        unlink(name);
    free(name);
    return good ? 0 : reason;
}

bool parked_may_be_replaced(const char *path)
{
    int fd;
    struct header h;
    enum parked_error error = open_sound(path, &fd, &h);
    if (fd >= 0)
        close(fd);
    return error == PARKED_NONE || error == PARKED_OK || error == PARKED_DAMAGED;
}

bool parked_remove(const char *path)
{
    return parked_may_be_replaced(path) && (unlink(path) == 0 || errno == ENOENT);
}
