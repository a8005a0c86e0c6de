/* Files on the engine's ring. A file is idle, or has one operation in flight, or one finished whose
 * result was not taken. Its slot number in completions lies above all connections' slots: first
 * come those of file.h, then FILES_PER_EXCHANGE for each exchange: its conn's task is woken when an
 * operation ends. A slot is used again only after its last completion, but a cancel's completion
 * may trail; hence the generation. */
#include "engine/file.h"

#include "base/check.h"
#include "base/errors.h"
#include "base/limits.h"
#include "base/memory.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/exchange.h"
#include "engine/file_internal.h"
#include "engine/task.h"
#include "ringsend.h"
#include "uring/op.h"
#include "uring/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void enter(struct ringsend *e, struct file *f, int fd, struct task *owner, uint32_t slot)
{
    CHECK(!e->files[slot]);
    *f = (struct file){.engine = e,
                       .owner = owner,
                       .fd = fd,
                       .slot = LIMIT_CONNECTIONS + slot,
                       .generation = ++e->file_generation};
    e->files[slot] = f;
}

int file_open(struct ringsend *e, int fd, struct file **file)
{
    uint32_t slot = 0;
    while (slot < LIMIT_FILES && e->files[slot])
        slot++;
    if (slot == LIMIT_FILES)
        return -RINGSEND_E_FULL;
    *file = memory_take_zeroed(&e->memory, sizeof **file);
    if (!*file)
        return -RINGSEND_E_NO_MEMORY;
    enter(e, *file, fd, NULL, slot);
    return 0;
}

void file_enter(struct file *f, struct exchange *x, uint32_t which, int fd)
{
    CHECK(which < FILES_PER_EXCHANGE);
    enter(x->engine, f, fd, &x->conn->task, LIMIT_FILES + FILES_PER_EXCHANGE * x->slot + which);
}

bool file_is_entered(const struct file *f)
{
    return f->engine != NULL;
}

void file_leave(struct file *f)
{
    CHECK(file_is_quiet(f));
    if (f->engine)
        f->engine->files[f->slot - LIMIT_CONNECTIONS] = NULL;
    f->engine = NULL;
}

bool file_is_quiet(const struct file *f)
{
    return !op_in_flight(&f->op) && !op_in_flight(&f->cancel);
}

int file_descriptor(const struct file *f)
{
    return f->fd;
}

static struct ring_tag tag_of(const struct file *f)
{
    return (struct ring_tag){.slot = f->slot, .generation = f->generation};
}

static void start(struct file *f, enum ring_kind kind)
{
    CHECK(!file_busy(f) && !f->finished);
    f->kind = kind;
    f->op.state = OP_IDLE;
    op_start(&f->op);
}

int file_open_path(struct ringsend *e, const char *path, int flags, struct file **file)
{
    int error = file_open(e, -1, file);
    if (error)
        return error;
    (*file)->owns_fd = true;
    start(*file, RING_OPEN);
    ring_open(e->ring, tag_of(*file), path, flags);
    return 0;
}

void file_read(struct file *f, void *data, size_t bytes, int64_t offset)
{
    start(f, RING_READ);
    ring_read(f->engine->ring, tag_of(f), f->fd, data, bytes, offset);
}

void file_append(struct file *f, const void *data, size_t bytes)
{
    start(f, RING_APPEND);
    f->data = data;
    f->bytes = bytes;
    f->done = 0;
    ring_append(f->engine->ring, tag_of(f), f->fd, data, bytes);
}

void file_sync(struct file *f)
{
    start(f, RING_SYNC);
    ring_sync(f->engine->ring, tag_of(f), f->fd, false);
}

void file_sync_whole(struct file *f)
{
    start(f, RING_SYNC);
    ring_sync(f->engine->ring, tag_of(f), f->fd, true);
}

void file_stat(struct file *f, struct statx *about)
{
    start(f, RING_STAT);
    ring_stat(f->engine->ring, tag_of(f), f->fd, about);
}

static void start_cancel(struct file *f)
{
    f->cancel_again = false;
    f->cancel.state = OP_IDLE;
    op_start(&f->cancel);
    ring_cancel(f->engine->ring, tag_of(f), f->kind);
}

void file_cancel(struct file *f)
{
    if (!op_in_flight(&f->op) || f->op.cancelled)
        return;
    f->op.cancelled = true;
    f->cancel_again = op_in_flight(&f->cancel);
    if (!f->cancel_again)
        start_cancel(f);
}

bool file_busy(const struct file *f)
{
    return op_in_flight(&f->op);
}

int64_t file_take(struct file *f)
{
    CHECK(f->finished);
    f->finished = false;
    return f->result;
}

static void finish(struct file *f, int64_t result)
{
    f->result = result;
    f->finished = true;
    if (!f->owner)
        f->engine->woken = true;
}

/* The rest of a write that was cut short will not land on top of its beginning: see file.h. */
static bool can_go_on(const struct file *f)
{
    struct stat about;
    return !f->owner || fstat(f->fd, &about) != 0 || !S_ISREG(about.st_mode) ||
           (fcntl(f->fd, F_GETFL) & O_APPEND);
}

/* A write may take only a part: then the rest follows, unless an early end was asked for. */
static void append_completed(struct file *f, int32_t result)
{
    if (result > 0)
        f->done += (size_t)result;
    if (result <= 0 || f->done == f->bytes || f->op.cancelled || !can_go_on(f)) {
        finish(f, result < 0 ? result : (int64_t)f->done);
        return;
    }
    f->op.state = OP_IDLE;
    op_start(&f->op);
    ring_append(f->engine->ring, tag_of(f), f->fd, f->data + f->done, f->bytes - f->done);
}

void file_completed(struct ringsend *e, const struct ring_completion *completion)
{
    CHECK(completion->slot - LIMIT_CONNECTIONS <
          LIMIT_FILES + FILES_PER_EXCHANGE * e->exchanges_max);
    struct file *f = e->files[completion->slot - LIMIT_CONNECTIONS];
    CHECK(f && ring_tag_matches(f->generation, completion->generation));
    if (f->owner)
        task_wake(e, f->owner);
    if (completion->kind == RING_CANCEL) {
        op_complete(&f->cancel, completion->result);
        if (op_in_flight(&f->op) && f->cancel_again)
            start_cancel(f);
        return;
    }
    op_complete(&f->op, completion->result);
    if (f->kind == RING_APPEND) {
        append_completed(f, completion->result);
        return;
    }
    if (f->kind == RING_OPEN && completion->result >= 0) {
        f->fd = completion->result;
        finish(f, 0);
        return;
    }
    finish(f, completion->result);
}

void file_free(struct file *f)
{
    struct ringsend *e = f->engine;
    if (f->owns_fd && f->fd >= 0)
        close(f->fd);
    e->files[f->slot - LIMIT_CONNECTIONS] = NULL;
    memory_give_back(&e->memory, f, sizeof *f);
}
