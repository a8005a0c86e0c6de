/* The ring of uring/ring.h, simulated: its table of operations over completions and shared receive
 * buffers. The wait that moves the clock is in sim_wait.c; what operations do on sockets is in
 * sim_socket.c, on files in sim_file.c.
 *
 * An operation is *used* from its preparation to the reaping of its last completion: all that time
 * it may be in flight for all its caller can know. It is *submitted* by the next wait, which hands
 * prepared ones over in order, and *finished* once its last completion is in the queue.
 *
 * Time stands still but in ring_submit_and_wait, which jumps from event to event until enough
 * completions are ready or the deadline has come. A wait without end while no event can come any
 * more is a failure: the engine has lost something.
 *
 * Checked of the caller, on top of sim_socket.c: no two operations with one name in flight; a close
 * alone on its slot; memory given to an operation alive and unchanged until its completion is
 * reaped; receive buffers returned once (they are poisoned meanwhile); nothing in flight at the
 * end. */
#include "tests/sim/world/sim_op.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define POISON(at, bytes) ASAN_POISON_MEMORY_REGION(at, bytes)
#define UNPOISON(at, bytes) ASAN_UNPOISON_MEMORY_REGION(at, bytes)
/* The interface has lost a const. */
#define FIRST_POISONED(at, bytes) __asan_region_is_poisoned((void *)(uintptr_t)(at), bytes)
#else
#define POISON(at, bytes) ((void)(at), (void)(bytes))
#define UNPOISON(at, bytes) ((void)(at), (void)(bytes))
#define FIRST_POISONED(at, bytes) ((void)(at), (void)(bytes), (void *)0)
#endif

enum { DESCRIPTOR_FIRST = 1000000 }; /* the number of slot 0's */

static const char *const kind_names[RING_KINDS] = {
    "connect", "send",   "receive", "cancel",  "close", "read", "append",
    "sync",    "accept", "wake-up", "install", "open",  "stat"};
enum { RINGS_MAX = 8 };
static struct sim_ring *all_rings[RINGS_MAX];
static uint32_t rings;

bool sim_ring_gone(void)
{
    return rings == 0;
}

bool sim_ring_has_news(uint32_t number)
{
    const struct sim_ring *r = all_rings[number];

    return r->queue_count > 0 || r->woken;
}

/* The latest ring is broken: it does nothing any more. */
static bool broken;

void sim_ring_break(void)
{
    broken = true;
}

bool sim_ring_broke(void)
{
    return broken;
}

/* ---- Life ---- */

/* What the kernel does at a broken ring's end. */
static void end_all(struct sim_ring *r)
{
    for (uint32_t i = 0; i < r->ops_mark; i++) {
        sim_text_free(&r->ops[i].copy);
        r->ops[i].used = false;
        r->ops[i].finished = true;
    }
    for (uint32_t i = 0; i < r->sockets_max; i++)
        if (r->sockets[i].step != SLOT_FREE)
            sim_socket_gone(&r->sockets[i]);
    r->buffers_free = r->buffers;
}

static void sim_ring_free(struct ring *ring)
{
    struct sim_ring *r = (struct sim_ring *)ring;
    if (!r)
        return;
    if (broken)
        end_all(r);
    for (uint32_t i = 0; i < r->ops_mark; i++)
        SIM_CHECK(!r->ops[i].used, "ring freed with a %s in flight in slot %u",
                  kind_names[r->ops[i].kind], r->ops[i].tag.slot);
    for (uint32_t i = 0; i < r->sockets_max; i++)
        SIM_CHECK(r->sockets[i].step == SLOT_FREE, "ring freed with slot %u open", i);
    SIM_CHECK(r->descriptors == 0, "ring freed with %u descriptors open", r->descriptors);
    SIM_CHECK(r->buffers_free == r->buffers, "ring freed with %u receive buffers not returned",
              r->buffers - r->buffers_free);
    UNPOISON(r->memory, (size_t)r->buffers * r->buffer_bytes);
    rings--;
    free(r->memory);
    free(r->buffer_out);
    free(r->queue);
    r->memory = NULL;
    /* As long as there are others, events may be due that belong to its sockets' lives. */
    for (uint32_t i = 0; rings == 0 && i < RINGS_MAX && all_rings[i]; i++) {
        free(all_rings[i]->sockets);
        free(all_rings[i]);
        all_rings[i] = NULL;
    }
}

static uint64_t sim_ring_now_ns(const struct ring *ring)
{
    (void)ring;
    return sim.now_ns;
}

static int64_t sim_ring_wall_ms(const struct ring *ring)
{
    (void)ring;
    return 1700000000000 + (int64_t)((sim.now_ns - sim.began_ns) / SIM_MS);
}

static int sim_ring_fd(struct ring *ring)
{
    (void)ring;
    return -1;
}

static void sim_ring_wake(struct ring *ring)
{
    struct sim_ring *r = (struct sim_ring *)ring;
    r->woken = true;
}

/* ---- Operations ---- */

static struct sim_op *op_find(struct sim_ring *r, bool on_file, struct ring_tag tag,
                              enum ring_kind kind)
{
    for (uint32_t i = 0; i < r->ops_mark; i++) {
        struct sim_op *op = &r->ops[i];
        if (op->used && op->on_file == on_file && op->kind == kind && op->tag.slot == tag.slot &&
            op->tag.generation == (tag.generation & RING_GENERATION_MASK))
            return op;
    }
    return NULL;
}

static struct sim_op *op_prepare(struct sim_ring *r, bool on_file, struct ring_tag tag,
                                 enum ring_kind kind)
{
    struct sim_op *op;
    uint32_t i = 0;

    SIM_CHECK(!op_find(r, on_file, tag, kind), "a second %s in flight in slot %u", kind_names[kind],
              tag.slot);
    while (i < r->ops_mark && r->ops[i].used)
        i++;
    SIM_CHECK(i < SIM_OPS, "more than %d operations in flight", SIM_OPS);
    if (i == r->ops_mark)
        r->ops_mark++;
    op = &r->ops[i];
    *op = (struct sim_op){.used = true,
                          .on_file = on_file,
                          .serial = ++r->serial,
                          .tag = {tag.slot, tag.generation & RING_GENERATION_MASK},
                          .kind = kind};
    r->prepared[r->prepared_count++] = op;
    sim_trace("%s %u.%u: %s", on_file ? "file" : "slot", op->tag.slot, op->tag.generation,
              kind_names[kind]);
    return op;
}

static void sim_ring_connect(struct ring *ring, struct ring_tag tag, const struct sockaddr *address,
                             socklen_t address_bytes, enum ring_use use)
{
    struct sim_ring *r = (struct sim_ring *)ring;
    struct sim_op *op = op_prepare(r, false, tag, RING_CONNECT);

    SIM_CHECK(address_bytes <= sizeof op->address, "an address of %u bytes", address_bytes);
    memcpy(&op->address, address, address_bytes);
    op->address_at = address;
    op->address_bytes = address_bytes;
    sim_connect_prepared(r, op, use);
}

static void send_prepare(struct sim_ring *r, struct ring_tag tag, const struct msghdr *message,
                         const struct iovec *parts, size_t parts_count)
{
    struct sim_op *op = op_prepare(r, false, tag, RING_SEND);

    SIM_CHECK(parts_count > 0 && parts_count <= SIM_PARTS, "a send of %zu parts", parts_count);
    op->message = message;
    op->parts_count = parts_count;
    for (size_t i = 0; i < parts_count; i++) {
        op->parts[i] = parts[i];
        sim_text_add(&op->copy, parts[i].iov_base, parts[i].iov_len);
    }
    SIM_CHECK(op->copy.bytes > 0, "a send of no bytes in slot %u", tag.slot);
}

static void sim_ring_send(struct ring *ring, struct ring_tag tag, const void *data, size_t bytes)
{
    struct sim_ring *r = (struct sim_ring *)ring;
    struct iovec part = {(void *)(uintptr_t)data, bytes};

    send_prepare(r, tag, NULL, &part, 1);
}

static void sim_ring_send_parts(struct ring *ring, struct ring_tag tag,
                                const struct msghdr *message)
{
    struct sim_ring *r = (struct sim_ring *)ring;
    send_prepare(r, tag, message, message->msg_iov, message->msg_iovlen);
}

static void sim_ring_recv(struct ring *ring, struct ring_tag tag)
{
    struct sim_ring *r = (struct sim_ring *)ring;
    sim_recv_prepared(r, op_prepare(r, false, tag, RING_RECV));
}

static void sim_ring_cancel(struct ring *ring, struct ring_tag tag, enum ring_kind kind)
{
    struct sim_ring *r = (struct sim_ring *)ring;
    bool on_file = kind == RING_READ || kind == RING_APPEND || kind == RING_SYNC ||
                   kind == RING_OPEN || kind == RING_STAT;
    struct sim_op *op = op_prepare(r, on_file, tag, RING_CANCEL);

    SIM_CHECK(on_file || kind == RING_CONNECT || kind == RING_SEND || kind == RING_RECV,
              "a %s cannot be cancelled", kind_names[kind]);
    op->victim = kind;
}

static void sim_ring_close(struct ring *ring, struct ring_tag tag)
{
    struct sim_ring *r = (struct sim_ring *)ring;
    for (uint32_t i = 0; i < r->ops_mark; i++)
        SIM_CHECK(!r->ops[i].used || r->ops[i].on_file || r->ops[i].tag.slot != tag.slot,
                  "close of slot %u while a %s is in flight", tag.slot, kind_names[r->ops[i].kind]);
    op_prepare(r, false, tag, RING_CLOSE);
}

static void sim_ring_install(struct ring *ring, struct ring_tag tag)
{
    struct sim_ring *r = (struct sim_ring *)ring;
    op_prepare(r, false, tag, RING_INSTALL);
}

static void install_submit(struct sim_ring *r, struct sim_op *op)
{
    bool opened = sim_socket_of(r, op)->step != SLOT_FREE;
    SIM_CHECK(opened, "a descriptor of slot %u, which is free", op->tag.slot);
    bool refused = sim_tortures("install");
    r->descriptors += !refused;
    sim_op_complete(r, op, refused ? -EMFILE : (int32_t)(DESCRIPTOR_FIRST + op->tag.slot), -1,
                    false);
}

static bool sim_ring_tcp_info(const struct ring *ring, int descriptor, struct ring_tcp *tcp)
{
    const struct sim_ring *r = (const struct sim_ring *)ring;
    uint32_t slot = (uint32_t)descriptor - DESCRIPTOR_FIRST;
    SIM_CHECK(slot < r->sockets_max && r->sockets[slot].step != SLOT_FREE,
              "TCP_INFO of descriptor %d, whose slot is free", descriptor);
    *tcp = (struct ring_tcp){.rtt_us = 1000, .retransmits = 1};
    return true;
}

static bool sim_ring_has_source(const struct ring *ring, const struct sockaddr *address,
                                socklen_t address_bytes)
{
    (void)ring;
    (void)address_bytes;
    return server_has_source(address);
}

static bool sim_ring_stamps_on(const struct ring *ring, int descriptor)
{
    (void)ring;
    return descriptor >= DESCRIPTOR_FIRST;
}

static bool sim_ring_sent_stamp(const struct ring *ring, int descriptor, uint64_t *stamp_ns)
{
    (void)ring;
    *stamp_ns = sim.now_ns;
    return descriptor >= DESCRIPTOR_FIRST && sim_chance(800);
}

static void sim_ring_descriptor_close(struct ring *ring, int descriptor)
{
    struct sim_ring *r = (struct sim_ring *)ring;
    SIM_CHECK(descriptor >= DESCRIPTOR_FIRST && r->descriptors > 0, "close of descriptor %d",
              descriptor);
    r->descriptors--;
}

static void sim_ring_reset(struct ring *ring, struct ring_tag tag)
{
    (void)ring;
    sim_fail("a reset of slot %u: the engine has no business with it", tag.slot);
}

static void sim_ring_accept(struct ring *ring, struct ring_tag tag, int listen_fd)
{
    (void)ring;
    sim_fail("an accept on descriptor %d in slot %u: the engine has no business with it", listen_fd,
             tag.slot);
}

static struct sim_op *file_prepare(struct sim_ring *r, struct ring_tag tag, enum ring_kind kind,
                                   int fd)
{
    struct sim_op *op = op_prepare(r, true, tag, kind);

    SIM_CHECK(!op_find(r, true, tag, kind == RING_READ ? RING_APPEND : RING_READ),
              "two operations in flight on file %u", tag.slot);
    op->fd = fd;
    return op;
}

static void sim_ring_read(struct ring *ring, struct ring_tag tag, int fd, void *data, size_t bytes,
                          int64_t offset)
{
    struct sim_ring *r = (struct sim_ring *)ring;
    struct sim_op *op = file_prepare(r, tag, RING_READ, fd);

    op->data = data;
    op->bytes = bytes;
    op->offset = offset;
}

static void sim_ring_append(struct ring *ring, struct ring_tag tag, int fd, const void *data,
                            size_t bytes)
{
    struct sim_ring *r = (struct sim_ring *)ring;
    struct sim_op *op = file_prepare(r, tag, RING_APPEND, fd);

    op->data_out = data;
    op->bytes = bytes;
    sim_text_add(&op->copy, data, bytes);
}

static void sim_ring_sync(struct ring *ring, struct ring_tag tag, int fd, bool whole)
{
    struct sim_ring *r = (struct sim_ring *)ring;
    (void)whole;
    file_prepare(r, tag, RING_SYNC, fd);
}

static void sim_ring_open(struct ring *ring, struct ring_tag tag, const char *path, int flags)
{
    struct sim_ring *r = (struct sim_ring *)ring;
    struct sim_op *op = file_prepare(r, tag, RING_OPEN, -1);

    op->path = path;
    op->flags = flags;
}

static void sim_ring_stat(struct ring *ring, struct ring_tag tag, int fd, struct statx *about)
{
    struct sim_ring *r = (struct sim_ring *)ring;
    struct sim_op *op = file_prepare(r, tag, RING_STAT, fd);

    op->data = about;
    op->bytes = sizeof *about;
}

/* ---- Cancel ---- */

static void op_end(struct sim_ring *r, struct sim_op *op, bool too_late)
{
    if (op->on_file)
        sim_file_op_end(r, op, too_late);
    else
        sim_socket_op_end(r, op, too_late);
}

static void victim_ends(void *context, uint64_t serial, uint64_t ring_address)
{
    struct sim_op *op = context;

    if (op->serial == serial && !op->finished)
        op_end((struct sim_ring *)(uintptr_t)ring_address, op, false);
}

static void cancel_done(void *context, uint64_t serial, uint64_t ring_address)
{
    struct sim_op *op = context;

    if (op->serial == serial)
        sim_op_complete((struct sim_ring *)(uintptr_t)ring_address, op, 0, -1, false);
}

/* Races that a kernel may show, all within the contract. */
static void cancel_submit(struct sim_ring *r, struct sim_op *op)
{
    struct sim_op *victim = op_find(r, op->on_file, op->tag, op->victim);
    uint64_t later_ns = sim.now_ns + sim_between(0, 2 * SIM_MS);

    if (!victim || !victim->submitted || victim->finished) {
        sim_op_complete(r, op, -ENOENT, -1, false);
        return;
    }
    victim->cancelled = true;
    switch (sim_chance(sim.faults.cancel_races) ? sim_below(5) : 5) {
    case 0: /* the cancel's completion first */
        sim_op_complete(r, op, 0, -1, false);
        sim_at(later_ns, victim_ends, victim, victim->serial, (uintptr_t)r);
        break;
    case 1: /* it runs just now, and is cut short a little later */
        sim_op_complete(r, op, -EALREADY, -1, false);
        sim_at(later_ns, victim_ends, victim, victim->serial, (uintptr_t)r);
        break;
    case 2: /* it was over before the cancel came */
        op_end(r, victim, true);
        sim_op_complete(r, op, -ENOENT, -1, false);
        break;
    case 3: /* the same, told the other way round */
        sim_op_complete(r, op, -EALREADY, -1, false);
        op_end(r, victim, true);
        break;
    case 4: /* the cancel's completion last, and late */
        op_end(r, victim, false);
        sim_at(later_ns, cancel_done, op, op->serial, (uintptr_t)r);
        break;
    default:
        op_end(r, victim, false);
        sim_op_complete(r, op, 0, -1, false);
    }
}

/* ---- Submit ---- */

void sim_op_submit(struct sim_ring *r, struct sim_op *op)
{
    op->submitted = true;
    r->ring.counters.submitted++;
    switch (op->kind) {
    case RING_CONNECT:
        sim_connect_submit(r, op);
        break;
    case RING_SEND:
        sim_send_submit(r, op);
        break;
    case RING_RECV:
        sim_recv_submit(r, op);
        break;
    case RING_CLOSE:
        sim_close_submit(r, op);
        break;
    case RING_CANCEL:
        cancel_submit(r, op);
        break;
    case RING_READ:
    case RING_APPEND:
    case RING_SYNC:
    case RING_OPEN:
    case RING_STAT:
        sim_file_submit(r, op);
        break;
    case RING_INSTALL:
        install_submit(r, op);
        break;
    case RING_ACCEPT:
    case RING_WAKE:
    case RING_KINDS:
        sim_fail("operation %d submitted", (int)op->kind);
    }
}

/* ---- Completions ---- */

void sim_queue_push(struct sim_ring *r, struct sim_op *op, struct ring_completion completion)
{
    if (r->queue_count == r->queue_capacity) {
        r->queue_capacity = 2 * r->queue_capacity + 64;
        r->queue = realloc(r->queue, r->queue_capacity * sizeof *r->queue);
        SIM_CHECK(r->queue, "out of memory");
    }
    r->queue[r->queue_count++] = (struct sim_completion){op, completion};
    r->ring.counters.completed++;
}

void sim_op_complete(struct sim_ring *r, struct sim_op *op, int32_t result, int32_t buffer,
                     bool more)
{
    SIM_CHECK(op->used && op->submitted && !op->finished, "the simulation completed a %s twice",
              kind_names[op->kind]);
    sim_trace("%s %u.%u: %s gives %d%s%s", op->on_file ? "file" : "slot", op->tag.slot,
              op->tag.generation, kind_names[op->kind], result, result < 0 ? " " : "",
              result < 0 ? strerrorname_np(-result)
              : more     ? ", more"
                         : "");
    op->finished = !more;
    sim_queue_push(r, op,
                   (struct ring_completion){.slot = op->tag.slot,
                                            .generation = op->tag.generation,
                                            .kind = op->kind,
                                            .result = result,
                                            .buffer = buffer,
                                            .more = more});
}

/* The caller cannot know that an operation is over before it has reaped it: until then its memory
 * is to be alive and as it was. */
static void op_check_memory(const struct sim_op *op)
{
    size_t at = 0;

    if (op->kind == RING_CONNECT) {
        SIM_CHECK(!FIRST_POISONED(op->address_at, op->address_bytes),
                  "the address of a connect was freed");
        SIM_CHECK(memcmp(op->address_at, &op->address, op->address_bytes) == 0,
                  "the address of a connect was changed");
    }
    if (op->message) {
        SIM_CHECK(!FIRST_POISONED(op->message, sizeof *op->message), "a message was freed");
        SIM_CHECK(
            op->message->msg_iovlen == op->parts_count &&
                memcmp(op->message->msg_iov, op->parts, op->parts_count * sizeof *op->parts) == 0,
            "the message of a send was changed");
    }
    for (size_t i = 0; i < op->parts_count; i++) {
        const struct iovec *part = &op->parts[i];
        SIM_CHECK(!FIRST_POISONED(part->iov_base, part->iov_len), "part %zu of a send was freed",
                  i);
        SIM_CHECK(part->iov_len == 0 ||
                      memcmp(part->iov_base, op->copy.data + at, part->iov_len) == 0,
                  "part %zu of a send was changed before its completion", i);
        at += part->iov_len;
    }
    if (op->data_out)
        SIM_CHECK(!FIRST_POISONED(op->data_out, op->bytes) &&
                      memcmp(op->data_out, op->copy.data, op->bytes) == 0,
                  "the data of an append were freed or changed");
    if (op->kind == RING_READ || op->kind == RING_STAT)
        SIM_CHECK(!FIRST_POISONED(op->data, op->bytes), "the buffer of a %s was freed",
                  kind_names[op->kind]);
}

static bool sim_ring_is_caught_up(const struct ring *ring)
{
    const struct sim_ring *r = (const struct sim_ring *)ring;
    sim_may_pause();
    return r->queue_count == 0 && !r->woken && sim_next_ns() > sim.now_ns;
}

static unsigned sim_ring_prepared(const struct ring *ring)
{
    const struct sim_ring *r = (const struct sim_ring *)ring;
    return r->prepared_count;
}

static unsigned sim_ring_reap(struct ring *ring, struct ring_completion *completions, unsigned max)
{
    struct sim_ring *r = (struct sim_ring *)ring;
    unsigned count = r->ready < max ? r->ready : max;

    for (unsigned i = 0; i < count; i++) {
        struct sim_op *op = r->queue[i].op;
        completions[i] = r->queue[i].completion;
        if (!op || completions[i].more)
            continue;
        op_check_memory(op);
        sim_text_free(&op->copy);
        op->used = false;
    }
    if (r->queue_count > count)
        memmove(r->queue, r->queue + count, (r->queue_count - count) * sizeof *r->queue);
    r->queue_count -= count;
    r->ready -= count;
    return count;
}

/* ---- Buffers ---- */

int32_t sim_buffer_take(struct sim_ring *r, const char *data, size_t bytes)
{
    for (uint32_t i = 0; r->buffers_free > 0 && i < r->buffers; i++) {
        if (r->buffer_out[i])
            continue;
        r->buffer_out[i] = true;
        r->buffers_free--;
        UNPOISON(r->memory + (size_t)i * r->buffer_bytes, bytes);
        memcpy(r->memory + (size_t)i * r->buffer_bytes, data, bytes);
        return (int32_t)i;
    }
    return -1;
}

static const char *sim_ring_buffer(const struct ring *ring, int32_t buffer)
{
    const struct sim_ring *r = (const struct sim_ring *)ring;
    SIM_CHECK(buffer >= 0 && (uint32_t)buffer < r->buffers && r->buffer_out[buffer],
              "receive buffer %d read while it is the kernel's", buffer);
    return r->memory + (size_t)buffer * r->buffer_bytes;
}

static void sim_ring_buffer_return(struct ring *ring, int32_t buffer)
{
    struct sim_ring *r = (struct sim_ring *)ring;
    char *at = r->memory + (size_t)buffer * r->buffer_bytes;

    SIM_CHECK(buffer >= 0 && (uint32_t)buffer < r->buffers && r->buffer_out[buffer],
              "receive buffer %d returned twice", buffer);
    r->buffer_out[buffer] = false;
    r->buffers_free++;
    r->buffers_returned++;
    UNPOISON(at, r->buffer_bytes);
    memset(at, 0xdd, r->buffer_bytes);
    POISON(at, r->buffer_bytes);
}

/* ---- Making ---- */

static const struct ring_ops ops = {
    .free = sim_ring_free,
    .now_ns = sim_ring_now_ns,
    .wall_ms = sim_ring_wall_ms,
    .connect = sim_ring_connect,
    .send = sim_ring_send,
    .send_parts = sim_ring_send_parts,
    .recv = sim_ring_recv,
    .cancel = sim_ring_cancel,
    .reset = sim_ring_reset,
    .close = sim_ring_close,
    .accept = sim_ring_accept,
    .install = sim_ring_install,
    .tcp_info = sim_ring_tcp_info,
    .has_source = sim_ring_has_source,
    .stamps_on = sim_ring_stamps_on,
    .sent_stamp = sim_ring_sent_stamp,
    .descriptor_close = sim_ring_descriptor_close,
    .buffer = sim_ring_buffer,
    .buffer_return = sim_ring_buffer_return,
    .read = sim_ring_read,
    .append = sim_ring_append,
    .sync = sim_ring_sync,
    .open = sim_ring_open,
    .stat = sim_ring_stat,
    .prepared = sim_ring_prepared,
    .wake = sim_ring_wake,
    .fd = sim_ring_fd,
    .submit_and_wait = sim_ring_submit_and_wait,
    .is_caught_up = sim_ring_is_caught_up,
    .reap = sim_ring_reap,
};

int sim_ring_new(struct ring **ring, const struct ring_options *options)
{
    struct sim_ring *r;
    enum ring_min_wait min_wait = RING_MIN_WAIT_USED;

    if (sim.faults.without_min_wait)
        min_wait = RING_MIN_WAIT_LACKING;
    else if (!options->min_wait)
        min_wait = RING_MIN_WAIT_UNASKED;
    else if (sim.faults.sleeps_over && !sim.faults.deceived)
        min_wait = RING_MIN_WAIT_LATE;
    if (sim_tortures("ring_new"))
        return -ENOMEM;
    r = calloc(1, sizeof *r);
    SIM_CHECK(r, "out of memory");
    r->sockets_max = options->sockets_max;
    r->ring.ops = &ops;
    r->ring.features = (struct ring_features){.backend = RING_IO_URING,
                                              .defer_taskrun = true,
                                              .ring_fd = true,
                                              .min_wait = min_wait,
                                              .direct_sockopt = true,
                                              .install = true,
                                              .sq_entries = SIM_OPS,
                                              .cq_entries = 2 * r->sockets_max + SIM_OPS};
    r->buffers = options->buffers;
    r->buffer_bytes = options->buffer_bytes;
    if (sim.faults.buffers > 0 && sim.faults.buffers < r->buffers)
        r->buffers = sim.faults.buffers;
    r->buffers_free = r->buffers;
    r->sockets = calloc(r->sockets_max, sizeof *r->sockets);
    r->memory = malloc((size_t)r->buffers * r->buffer_bytes);
    r->buffer_out = calloc(r->buffers, sizeof *r->buffer_out);
    SIM_CHECK(r->sockets && r->memory && r->buffer_out, "out of memory");
    POISON(r->memory, (size_t)r->buffers * r->buffer_bytes);
    SIM_CHECK(rings < RINGS_MAX && !all_rings[rings], "rings are made in another order");
    all_rings[rings++] = r;
    broken = false;
    *ring = &r->ring;
    return 0;
}
