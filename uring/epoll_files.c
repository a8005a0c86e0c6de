/* Descriptors of the process, on the ring over epoll.
 *
 * What can be polled (pipes, terminals, sockets) is read and written when an event says that this
 * would not block. epoll refuses the others, files on disks above all: these are read, written,
 * synchronized, opened and looked at by worker threads (promise 7). So is what cannot be polled
 * for any other reason.
 *
 * A worker cannot be called back. A cancel lets an open go to its end alone, since a FIFO that
 * nobody writes to keeps it for ever; other operations have the caller's memory, and end. */
#include "base/check.h"
#include "uring/epoll_ring.h"
#include "uring/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { THREADS_MAX = 16 };

/* ---- What a worker does --------------------------------------------------------------------- */

static int64_t do_read(const struct epoll_file *f)
{
    const struct epoll_prepared *asked = &f->asked;
    return asked->offset < 0 ? read(asked->fd, asked->to, asked->bytes)
                             : pread(asked->fd, asked->to, asked->bytes, asked->offset);
}

static int64_t do_append(const struct epoll_file *f)
{
    return write(f->asked.fd, f->asked.from, f->asked.bytes);
}

static int64_t do_sync(const struct epoll_file *f)
{
    return f->asked.flags ? fsync(f->asked.fd) : fdatasync(f->asked.fd);
}

static int64_t do_open(const struct epoll_file *f)
{
    return open(f->path, f->asked.flags | O_CLOEXEC, 0600);
}

static int64_t do_stat(const struct epoll_file *f)
{
    return statx(f->asked.fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_NLINK | STATX_SIZE,
                 f->asked.to);
}

static void run(struct work *work)
{
    static int64_t (*const doers[RING_KINDS])(const struct epoll_file *) = {
        [RING_READ] = do_read, [RING_APPEND] = do_append, [RING_SYNC] = do_sync,
        [RING_OPEN] = do_open, [RING_STAT] = do_stat,
    };
    struct epoll_file *f = (struct epoll_file *)work;
    int64_t result;
    do
        result = doers[f->asked.kind](f);
    while (result < 0 && errno == EINTR);
    f->result = epoll_result(result, errno);
}

static void free_file(struct epoll_file *f)
{
    free(f->path);
    free(f);
}

static void drop(struct work *work)
{
    struct epoll_file *f = (struct epoll_file *)work;
    if (f->asked.kind == RING_OPEN && f->result >= 0)
        close(f->result);
    free_file(f);
}

static void wake(void *context)
{
    kernel_signal(((const struct epoll_ring *)context)->work_fd);
}

static void over(struct epoll_ring *r, struct epoll_file *f, int32_t result)
{
    list_remove(&f->node);
    epoll_complete(r, f->asked.tag, f->asked.kind, result);
    free_file(f);
}

void epoll_work_done(struct epoll_ring *r)
{
    struct work *work;
    while (r->workers && (work = workers_next(r->workers))) {
        struct epoll_file *f = (struct epoll_file *)work;
        if (f->is_dropped)
            drop(work);
        else
            over(r, f, f->result);
    }
}

/* Without a thread the loop is held up, and the operation done all the same. */
static void begin_work(struct epoll_ring *r, struct epoll_file *f)
{
    if (!r->workers)
        r->workers = workers_new(wake, r, THREADS_MAX);
    f->work = (struct work){.run = run, .drop = drop};
    if (r->workers && workers_start(r->workers, &f->work))
        return;
    run(&f->work);
    over(r, f, f->result);
}

/* ---- What can be polled --------------------------------------------------------------------- */

static bool poll_file(const struct epoll_ring *r, struct epoll_file *f)
{
    struct epoll_event event = {.events = f->asked.kind == RING_APPEND ? EPOLLOUT : EPOLLIN,
                                .data.u64 = (uint64_t)(uintptr_t)f | EPOLL_FILE};
    CHECK(((uintptr_t)f & EPOLL_ABOUT_MASK) == 0);
    f->is_polled = epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, f->asked.fd, &event) == 0;
    return f->is_polled;
}

static void poll_over(struct epoll_ring *r, struct epoll_file *f, int32_t result)
{
    CHECK(f->is_polled);
    (void)epoll_ctl(r->epoll_fd, EPOLL_CTL_DEL, f->asked.fd, NULL);
    over(r, f, result);
}

/* RWF_NOWAIT, as another process may have been faster, and as a write of more than there is room
 * for would block. Who does not know it, or has a filter that does not, is read when there is
 * something, and written to by no more than a pipe that polls writable takes at once (pipe(7)). */
static int64_t transfer(const struct epoll_prepared *asked)
{
    bool writes = asked->kind == RING_APPEND;
    struct iovec part = {asked->to, asked->bytes};
    int64_t done = writes ? pwritev2(asked->fd, &part, 1, -1, RWF_NOWAIT)
                          : preadv2(asked->fd, &part, 1, asked->offset, RWF_NOWAIT);
    if (done >= 0 || (errno != EOPNOTSUPP && errno != EINVAL && errno != ENOSYS && errno != EPERM))
        return done;
    size_t bytes = asked->bytes < PIPE_BUF ? asked->bytes : PIPE_BUF;
    return writes ? write(asked->fd, asked->from, bytes) : read(asked->fd, asked->to, asked->bytes);
}

/* All that wait. The last completion says why there will be no more. */
static void accept_all(struct epoll_ring *r, struct epoll_file *f)
{
    for (;;) {
        int fd = accept4(f->asked.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED))
            return;
        int32_t slot = fd < 0 ? -errno : epoll_socket_take(r, fd);
        if (slot < 0) {
            poll_over(r, f, slot == -EMFILE ? -ENFILE : slot);
            return;
        }
        epoll_completion(r, &(struct ring_completion){.slot = f->asked.tag.slot,
                                                      .generation = f->asked.tag.generation,
                                                      .kind = RING_ACCEPT,
                                                      .result = slot,
                                                      .buffer = -1,
                                                      .more = true});
    }
}

void epoll_file_event(struct epoll_ring *r, struct epoll_file *f)
{
    if (f->asked.kind == RING_ACCEPT) {
        accept_all(r, f);
        return;
    }
    int64_t done = transfer(&f->asked);
    r->ring.counters.calls++;
    if (done >= 0 || (errno != EAGAIN && errno != EINTR))
        poll_over(r, f, epoll_result(done, errno));
}

/* ---- Beginning, ending early ---------------------------------------------------------------- */

/* An accept that blocks would hold up the loop; the flag is of the description, and stays. */
static void begin_accept(struct epoll_ring *r, struct epoll_file *f)
{
    int flags = fcntl(f->asked.fd, F_GETFL);
    if (flags < 0 || fcntl(f->asked.fd, F_SETFL, flags | O_NONBLOCK) < 0 || !poll_file(r, f))
        over(r, f, -errno);
}

void epoll_file_do(struct epoll_ring *r, const struct epoll_prepared *asked)
{
    struct epoll_file *f = calloc(1, sizeof(*f));
    char *path = asked->kind == RING_OPEN ? strdup(asked->from) : NULL;
    if (f == NULL || (asked->kind == RING_OPEN && path == NULL)) {
        free(f);
        free(path);
        epoll_complete(r, asked->tag, asked->kind, -ENOMEM);
        return;
    }
    f->asked = *asked;
    f->path = path;
    list_push_back(&r->files, &f->node);
    if (asked->kind == RING_ACCEPT) {
        begin_accept(r, f);
        return;
    }
    bool moves = asked->kind == RING_READ || asked->kind == RING_APPEND;
    if (!moves || !poll_file(r, f))
        begin_work(r, f);
}

int32_t epoll_file_cancel(struct epoll_ring *r, const struct epoll_prepared *asked)
{
    for (struct list *node = r->files.next; node != &r->files; node = node->next) {
        struct epoll_file *f = LIST_OWNER(node, struct epoll_file, node);
        if (f->asked.kind != asked->target || f->asked.tag.slot != asked->tag.slot ||
            f->asked.tag.generation != asked->tag.generation)
            continue;
        if (f->is_polled) {
            poll_over(r, f, -ECANCELED);
            return 0;
        }
        if (f->asked.kind != RING_OPEN)
            return -EALREADY;
        f->is_dropped = true;
        list_remove(&f->node);
        epoll_complete(r, f->asked.tag, RING_OPEN, -ECANCELED);
        return 0;
    }
    return -ENOENT;
}

/* Those of workers go by themselves. */
void epoll_files_free(struct epoll_ring *r)
{
    struct list all;
    list_init(&all);
    list_append_all(&all, &r->files);
    workers_free(r->workers);
    for (struct list *node; (node = list_pop_front(&all));) {
        struct epoll_file *f = LIST_OWNER(node, struct epoll_file, node);
        if (f->is_polled)
            free_file(f);
    }
}
