/* The file as a whole: how it is made, opened, taken up and given up. Its layout stands in
 * journal_internal.h.
 *
 * What is under our name may be anything: a user's file, an input, a link to one. It is opened so
 * that no link is followed and no pipe waited for, and becomes ours by its magic alone; a file that
 * is empty or all zeros holds nothing, and is what a run leaves that dies in the moment it makes
 * it. A journal that is to be replaced is unlinked, never emptied, and what we unlink is what we
 * have open. */
#include "journal/journal_internal.h"

#include "base/check.h"
#include "base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
    LOCK_TRIES_MAX = 400, /* two seconds */
    /* No journal that was just made is longer. */
    NEW_BYTES_MAX = 1 << 30
};

static const char magic[8] = {'r', 's', 'j', 'o', 'u', 'r', 'n', '\n'};

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
    return fstat(fd, &ours) == 0 && lstat(path, &theirs) == 0 && ours.st_dev == theirs.st_dev &&
           ours.st_ino == theirs.st_ino;
}

/* The kernel may let go of a dead process's file a moment after the process is gone: when an
 * io_uring operation on it was under way. */
static bool holder_is_dying(int fd)
{
    const struct timespec moment = {.tv_nsec = 5 * NS_PER_MS};
    struct header h;
    if (pread(fd, &h, sizeof h, 0) != (ssize_t)sizeof h ||
        memcmp(h.magic, magic, sizeof magic) != 0 || h.version != VERSION || h.pid <= 0 ||
        kill((pid_t)h.pid, 0) == 0 || errno != ESRCH)
        return false;
    nanosleep(&moment, NULL);
    return true;
}

/* Of a file that is there, which is left as it is. */
static enum journal_error open_regular(const char *path, int flags, int *fd)
{
    struct stat about;
    *fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (*fd < 0 && errno == ENOENT)
        return JOURNAL_NONE;
    /* A link; a directory; a socket or a device without a driver. */
    if (*fd < 0)
        return errno == ELOOP || errno == EISDIR || errno == ENXIO || errno == ENODEV
                   ? JOURNAL_UNKNOWN
                   : JOURNAL_FAILED;
    if (fstat(*fd, &about) == 0 && S_ISREG(about.st_mode))
        return JOURNAL_OK;
    close(*fd);
    return JOURNAL_UNKNOWN;
}

static bool is_zeros(int fd, off_t bytes)
{
    char piece[PAGE_BYTES];
    static const char zeros[PAGE_BYTES];
    if (bytes > NEW_BYTES_MAX)
        return false;
    for (off_t at = 0; at < bytes;) {
        ssize_t got = pread(fd, piece, sizeof piece, at);
        if (got <= 0 || memcmp(piece, zeros, (size_t)got) != 0)
            return false;
        at += got;
    }
    return true;
}

static bool header_is_sound(const struct header *h, uint64_t file_bytes)
{
    return h->fixed.inputs_count <= INPUTS_MAX &&
           h->fixed.options_count <= FINGERPRINT_OPTIONS_MAX &&
           journal_bytes_min(h->fixed.inputs_count) <= file_bytes;
}

/* What is in the file. JOURNAL_OK: a journal that can be taken up. */
static enum journal_error read_header(int fd, struct header *h)
{
    struct stat about;
    memset(h, 0, sizeof *h);
    ssize_t bytes = pread(fd, h, sizeof *h, 0);
    if (bytes < 0 || fstat(fd, &about) != 0)
        return JOURNAL_FAILED;
    if (memcmp(h->magic, magic, sizeof magic) != 0)
        return is_zeros(fd, about.st_size) ? JOURNAL_NONE : JOURNAL_UNKNOWN;
    if (h->version == 0) /* it died between two stores */
        return JOURNAL_NONE;
    if (h->version != VERSION || h->header_bytes != sizeof *h)
        return JOURNAL_OTHER_VERSION;
    if (h->ready != 1)
        return h->ready == 0 ? JOURNAL_NONE : JOURNAL_DAMAGED;
    return header_is_sound(h, (uint64_t)about.st_size) ? JOURNAL_OK : JOURNAL_DAMAGED;
}

/* Opens and locks what is there, whatever it is. */
static enum journal_error open_locked(const char *path, int *fd)
{
    for (unsigned tries = 0;; tries++) {
        enum journal_error error = open_regular(path, O_RDWR, fd);
        if (error != JOURNAL_OK)
            return error;
        error = lock(*fd);
        if (error == JOURNAL_OK && is_still_there(*fd, path))
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
    if (j->intents)
        munmap(j->intents, j->intents_bytes);
    if (j->header)
        munmap(j->header, j->head_bytes);
    close(j->fd);
    if (j->place)
        close(j->old_fd);
    free(j->chunks);
    free(j->place);
    free(j->path);
    free(j);
}

void journal_remove(struct journal *j)
{
    if (is_still_there(j->fd, j->path))
        unlink(j->path);
    journal_close(j);
}

/* ---- making one ---- */

static struct fingerprint_input *inputs_of(const struct journal *j)
{
    return (struct fingerprint_input *)((char *)j->header + PAGE_BYTES);
}

static uint64_t check_of(const struct journal *j)
{
    const struct header *h = j->header;
    uint64_t fixed = XXH3_64bits_withSeed(&h->fixed, sizeof h->fixed, VERSION);
    return XXH3_64bits_withSeed(inputs_of(j), h->fixed.inputs_count * sizeof *inputs_of(j), fixed);
}

static int make_durable(const struct journal *j)
{
    return j->sync && fdatasync(j->fd) != 0 ? errno : 0;
}

static void write_fixed(struct journal *j, const struct journal_plan *plan)
{
    struct header *h = j->header;
    const struct fingerprint *f = plan->fingerprint;
    h->fixed = (struct fixed){.options_count = (uint32_t)f->options_count,
                              .has_failed = plan->has_failed,
                              .inputs_count = f->inputs_count,
                              .range = *plan->range};
    memcpy(h->fixed.salt, f->salt, sizeof h->fixed.salt);
    memcpy(h->fixed.options, f->options, sizeof h->fixed.options);
    if (f->inputs_count > 0)
        memcpy(inputs_of(j), f->inputs, f->inputs_count * sizeof *f->inputs);
    h->check = check_of(j);
    h->pid = j->pid;
    journal_begin_intents(j);
}

/* It is ours, or zeros, from its first byte on; and it is none until it is ready. */
static int write_new(struct journal *j, const struct journal_plan *plan)
{
    struct header *h = j->header;
    memcpy(h->magic, magic, sizeof magic);
    h->header_bytes = sizeof *h;
    __atomic_signal_fence(__ATOMIC_RELEASE);
    *(volatile uint32_t *)&h->version = VERSION;
    int error = make_durable(j);
    if (error)
        return error;
    write_fixed(j, plan);
    error = make_durable(j);
    if (error)
        return error;
    journal_store_u64(&h->ready, 1);
    return make_durable(j);
}

static void read_fixed(struct journal *j)
{
    const struct fixed *fixed = &j->header->fixed;
    struct fingerprint *f = &j->fingerprint;
    memcpy(f->salt, fixed->salt, sizeof f->salt);
    memcpy(f->options, fixed->options, sizeof f->options);
    for (size_t i = 0; i < FINGERPRINT_OPTIONS_MAX; i++)
        f->options[i].name[FINGERPRINT_NAME_BYTES - 1] = '\0';
    f->options_count = fixed->options_count;
    f->inputs = inputs_of(j);
    f->inputs_count = fixed->inputs_count;
}

static enum journal_error fail(struct journal *j, enum journal_error error, int reason)
{
    journal_close(j);
    errno = reason;
    return error;
}

/* Nothing is told of a journal that is in the way but that it is. */
static enum journal_error look_at(const char *path)
{
    int fd;
    struct header h;
    enum journal_error error = open_regular(path, O_RDONLY, &fd);
    if (error != JOURNAL_OK)
        return error;
    error = read_header(fd, &h);
    close(fd);
    errno = EEXIST;
    return error == JOURNAL_UNKNOWN ? JOURNAL_UNKNOWN : JOURNAL_FAILED;
}

/* Of one that may be replaced: it is ours, whatever it holds. It stays locked. */
static enum journal_error open_old(const char *path, int *fd)
{
    struct header h;
    enum journal_error error = open_locked(path, fd);
    if (error != JOURNAL_OK)
        return error;
    error = read_header(*fd, &h);
    if (error != JOURNAL_UNKNOWN && error != JOURNAL_FAILED)
        return JOURNAL_OK;
    int reason = errno;
    close(*fd);
    errno = reason;
    return error;
}

/* Makes room for a new journal. */
static enum journal_error clear_away(const char *path)
{
    int fd;
    enum journal_error error = open_old(path, &fd);
    if (error != JOURNAL_OK)
        return error == JOURNAL_NONE ? JOURNAL_OK : error;
    error = unlink(path) == 0 ? JOURNAL_OK : JOURNAL_FAILED;
    int reason = errno;
    close(fd);
    errno = reason;
    return error;
}

static enum journal_error create_locked(const char *path, bool replace, int *fd)
{
    for (;;) {
        *fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (*fd < 0 && errno != EEXIST)
            return JOURNAL_FAILED;
        enum journal_error error = *fd >= 0  ? lock(*fd)
                                   : replace ? clear_away(path)
                                             : look_at(path);
        if (*fd >= 0 && error == JOURNAL_OK && is_still_there(*fd, path))
            return JOURNAL_OK;
        int reason = errno;
        if (*fd >= 0)
            close(*fd);
        errno = reason;
        if (error != JOURNAL_OK && error != JOURNAL_NONE)
            return error;
    }
}

/* Makes the file at `path`, and its disk space. */
static enum journal_error make(struct journal **journal, const char *path,
                               const struct journal_plan *plan, bool replace)
{
    int fd;
    enum journal_error error = create_locked(path, replace, &fd);
    if (error != JOURNAL_OK)
        return error;
    struct journal *j = journal_new(path, fd);
    if (!j) {
        unlink(path);
        close(fd);
        errno = ENOMEM;
        return JOURNAL_FAILED;
    }
    j->sync = plan->sync;
    int failed = journal_map_head(j, plan->fingerprint->inputs_count);
    if (!failed)
        failed = journal_widen(j, 0);
    if (!failed)
        failed = write_new(j, plan);
    if (failed) {
        journal_remove(j);
        errno = failed;
        return JOURNAL_FAILED;
    }
    read_fixed(j);
    journal_find_mark(j);
    *journal = j;
    return JOURNAL_OK;
}

/* Beside the old one, which stays until the new one takes its place. */
static enum journal_error make_beside(struct journal **journal, const char *path, int old_fd,
                                      const struct journal_plan *plan)
{
    char *place = strdup(path), *aside;
    if (asprintf(&aside, "%s.new", path) < 0)
        aside = NULL;
    errno = ENOMEM;
    enum journal_error error = place && aside ? make(journal, aside, plan, true) : JOURNAL_FAILED;
    int reason = errno;
    free(aside);
    if (error == JOURNAL_OK) {
        (*journal)->place = place;
        (*journal)->old_fd = old_fd;
        return JOURNAL_OK;
    }
    free(place);
    close(old_fd);
    errno = reason;
    return error;
}

enum journal_error journal_create(struct journal **journal, const char *path,
                                  const struct journal_plan *plan, bool replace)
{
    int old_fd;
    enum journal_error error = replace ? open_old(path, &old_fd) : JOURNAL_NONE;
    if (error == JOURNAL_OK)
        return make_beside(journal, path, old_fd, plan);
    return error == JOURNAL_NONE ? make(journal, path, plan, false) : error;
}

int journal_take_place(struct journal *j)
{
    if (!j->place)
        return 0;
    if (rename(j->path, j->place) != 0)
        return errno;
    free(j->path);
    j->path = j->place;
    j->place = NULL;
    close(j->old_fd);
    return 0;
}

/* ---- taking one up: nothing in the file is believed ---- */

static enum journal_error map_and_check(struct journal *j, const struct header *h)
{
    struct stat about;
    uint64_t inputs_count = h->fixed.inputs_count;
    if (fstat(j->fd, &about) != 0)
        return JOURNAL_FAILED;
    int failed = journal_map_head(j, inputs_count);
    if (!failed && j->writable)
        failed = journal_map_intents(j, inputs_count, (uint64_t)about.st_size);
    if (!failed)
        failed = journal_map_all_chunks(j);
    errno = failed;
    if (failed)
        return JOURNAL_FAILED;
    if (memcmp(&j->header->fixed, &h->fixed, sizeof h->fixed) != 0 ||
        j->header->check != check_of(j))
        return JOURNAL_DAMAGED;
    journal_find_mark(j);
    /* Who only looks does not need the lists, which a run may be writing. */
    return !j->writable || journal_find_intents(j) ? JOURNAL_OK : JOURNAL_DAMAGED;
}

static enum journal_error take_up(struct journal **journal, const char *path, int fd, bool writable)
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
    error = map_and_check(j, &h);
    if (error != JOURNAL_OK)
        return fail(j, error, errno);
    read_fixed(j);
    *journal = j;
    return JOURNAL_OK;
}

enum journal_error journal_open(struct journal **journal, const char *path, bool sync)
{
    int fd;
    enum journal_error error = open_locked(path, &fd);
    if (error == JOURNAL_OK)
        error = take_up(journal, path, fd, true);
    if (error == JOURNAL_OK)
        (*journal)->sync = sync;
    return error;
}

enum journal_error journal_look(struct journal **journal, const char *path, bool *held)
{
    int fd;
    enum journal_error error = open_regular(path, O_RDONLY, &fd);
    if (error != JOURNAL_OK)
        return error;
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    *held = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    return take_up(journal, path, fd, false);
}

/* ---- what it is ---- */

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
    return j->header->fixed.has_failed != 0;
}

const struct fingerprint *journal_fingerprint(const struct journal *j)
{
    return &j->fingerprint;
}
