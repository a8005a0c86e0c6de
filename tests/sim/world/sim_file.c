/* File operations of the simulated ring, on descriptors of the process and on simulated files. See
 * sim_file.h.
 *
 * An operation that has to wait is tried again when the simulated other side moves, and every
 * millisecond on a pipe of the process. */
#include "tests/sim/world/sim_file.h"

#include "tests/sim/world/sim_op.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    FILES_MAX = 256,
    WAITS = INT32_MIN /* in place of a result: not yet */
};

static struct {
    struct sim_file files[FILES_MAX];
    int other_ends[FILES_MAX]; /* of pipes; -1: none */
    uint32_t count;
} made;

/* ---- Simulated files ---- */

struct sim_file *sim_file_new(const struct sim_file *file)
{
    int ends[2] = {-1, -1};
    struct sim_file *f = &made.files[made.count];

    SIM_CHECK(made.count < FILES_MAX, "more than %d simulated files", FILES_MAX);
    *f = *file;
    if (f->pipe)
        SIM_CHECK(pipe2(ends, O_CLOEXEC | (f->nonblocking ? O_NONBLOCK : 0)) == 0, "no pipe");
    else
        ends[f->sink] = memfd_create("sim", MFD_CLOEXEC);
    f->descriptor = ends[f->sink];
    SIM_CHECK(f->descriptor >= 0, "no descriptor");
    SIM_CHECK(!f->appends || fcntl(f->descriptor, F_SETFL, O_APPEND) == 0, "it cannot append");
    made.other_ends[made.count++] = ends[!f->sink];
    return f;
}

static void file_done(void *context, uint64_t serial, uint64_t ring_address);

void sim_file_go(struct sim_file *file)
{
    file->stops_at = 0;
    if (file->waiting)
        sim_at(sim.now_ns, file_done, file->waiting, file->waiting_serial, (uintptr_t)file->ring);
    file->waiting = NULL;
}

void sim_files_end(void)
{
    for (uint32_t i = 0; i < made.count; i++) {
        close(made.files[i].descriptor);
        if (made.other_ends[i] >= 0)
            close(made.other_ends[i]);
    }
    made.count = 0;
}

static struct sim_file *file_of(int descriptor)
{
    for (uint32_t i = 0; i < made.count; i++)
        if (made.files[i].descriptor == descriptor)
            return &made.files[i];
    return NULL;
}

/* How many of `bytes` at that position can move now. */
static uint64_t movable(const struct sim_file *f, uint64_t at, uint64_t bytes)
{
    uint64_t end = at + bytes;

    if (!f->sink && end > f->bytes)
        end = f->bytes;
    if (f->error && end > f->fails_at)
        end = f->fails_at;
    if (f->step_bytes > 0 && end > f->reached + f->step_bytes)
        end = f->reached + f->step_bytes;
    if (f->stops_at > 0 && end > f->stops_at)
        end = f->stops_at;
    return end > at ? end - at : 0;
}

static void check_taken(struct sim_file *f, uint64_t at, const char *data, size_t bytes)
{
    const struct sim_delivery *d = sim_latest_delivery(f->record);

    SIM_CHECK(d && d->streamed, "what is written for record %u is not to be streamed", f->record);
    f->delivery = f->delivery ? f->delivery : d->number;
    SIM_CHECK(sim_answer_is(d, at, data, bytes),
              "what is written for record %u is not what its server said", f->record);
}

static void fill(const struct sim_file *f, uint64_t at, char *data, size_t bytes)
{
    size_t before = at < f->begins_at ? (size_t)(f->begins_at - at) : 0;

    if (before > bytes)
        before = bytes;
    memset(data, '#', before);
    sim_fill_body(f->record, 0, at + before - f->begins_at, data + before, bytes - before);
}

static int32_t simulated(struct sim_file *f, const struct sim_op *op)
{
    bool here = op->kind == RING_APPEND || op->offset < 0;
    uint64_t at = here ? f->at : (uint64_t)op->offset;
    uint64_t bytes = movable(f, at, op->bytes);

    SIM_CHECK(f->sink == (op->kind == RING_APPEND), "a simulated file is used the other way round");
    SIM_CHECK(here || !f->pipe, "a position in a pipe");
    SIM_CHECK(op->bytes > 0, "a file operation of no bytes");
    if (bytes == 0 && f->error && at >= f->fails_at)
        return -f->error;
    if (bytes == 0 && (f->sink || at < f->bytes))
        return f->nonblocking ? -EAGAIN : WAITS;
    /* With files it takes a full disk to write less, but the position is safe only when appending.
     */
    bool may_be_short = !f->sink || f->pipe || f->appends;
    if (bytes > 1 && may_be_short && sim_chance(sim.faults.file_short))
        bytes = sim_between(1, bytes - 1);
    if (f->sink)
        check_taken(f, at, op->data_out, bytes);
    else
        fill(f, at, op->data, bytes);
    if (here)
        f->at += bytes;
    f->moved += bytes;
    f->calls++;
    return (int32_t)bytes;
}

/* ---- Descriptors of the process ---- */

static int32_t real(const struct sim_op *op)
{
    struct pollfd ready = {op->fd, op->kind == RING_READ ? POLLIN : POLLOUT, 0};
    size_t bytes = op->bytes;
    ssize_t n = 0;

    if ((op->kind == RING_READ || op->kind == RING_APPEND) && poll(&ready, 1, 0) == 0)
        return WAITS; /* a pipe that has nothing, or no room, yet */
    if (bytes > 1 && sim_chance(sim.faults.file_short))
        bytes = sim_between(1, bytes - 1);
    if (op->kind == RING_READ)
        n = op->offset < 0 ? read(op->fd, op->data, bytes)
                           : pread(op->fd, op->data, bytes, op->offset);
    else if (op->kind == RING_APPEND)
        n = write(op->fd, op->data_out, bytes);
    else if (op->kind == RING_OPEN)
        n = open(op->path, op->flags | O_CLOEXEC);
    else if (op->kind == RING_STAT)
        n = statx(op->fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_SIZE, op->data);
    return n < 0 ? -errno : (int32_t)n;
}

/* ---- Operations ---- */

static int32_t perform(const struct sim_op *op)
{
    struct sim_file *f = file_of(op->fd);

    if (sim_chance(sim.faults.file_fails))
        return -EIO;
    return f ? simulated(f, op) : real(op);
}

static void file_done(void *context, uint64_t serial, uint64_t ring_address)
{
    struct sim_op *op = context;
    struct sim_file *f;
    int32_t result;

    if (op->serial != serial || op->finished)
        return;
    result = sim_tortures("file") ? -EIO : perform(op);
    if (result != WAITS) {
        sim_op_complete((struct sim_ring *)(uintptr_t)ring_address, op, result, -1, false);
        return;
    }
    f = file_of(op->fd);
    if (f &&
        (f->step_bytes == 0 || (f->stops_at > 0 && f->reached + f->step_bytes >= f->stops_at))) {
        f->waiting = op;
        f->waiting_serial = serial;
        f->ring = (struct sim_ring *)(uintptr_t)ring_address;
        return;
    }
    if (f)
        f->reached += f->step_bytes;
    sim_at(sim.now_ns + (f ? f->step_ns : SIM_MS), file_done, op, serial, ring_address);
}

void sim_file_submit(struct sim_ring *r, struct sim_op *op)
{
    uint64_t wait_ns = sim_chance(sim.faults.file_slow) ? sim_between(0, 100 * SIM_MS) : 0;

    sim_at(sim.now_ns + wait_ns, file_done, op, op->serial, (uintptr_t)r);
}

void sim_file_op_end(struct sim_ring *r, struct sim_op *op, bool too_late)
{
    int32_t result = too_late ? perform(op) : WAITS;

    /* What a worker of the kernel has begun ends by a signal. */
    if (result == WAITS)
        result = sim_chance(sim.faults.cancel_races) ? -EINTR : -ECANCELED;
    sim_op_complete(r, op, result, -1, false);
}
