/* The floor: what a request costs when nothing but moving bytes is left to do.
 *
 * floor HOST PORT CONNECTIONS REQUESTS sends one fixed POST over and over on keep-alive connections
 * and counts response bytes without looking at them: their number was learned from one response in
 * front. One ring with DEFER_TASKRUN, sockets as direct descriptors, a multishot receive each into
 * shared buffers, sends whose completions are skipped, and one io_uring_enter per turn that waits
 * for WANT completions but at most MIN_WAIT_US (Linux 6.12). Whatever ringsend does beyond this is
 * reading records, parsing responses, keeping time and writing results.
 *
 * Any error ends the program: a floor that recovers from something would not be one. */
#include <arpa/inet.h>
#include <errno.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    CONNECTIONS_MAX = 4096,
    BUFFERS = 256,
    BUFFER_BYTES = 4096,
    BUFFER_GROUP = 1,
    WANT = 20,
    MIN_WAIT_US = 100,
    FEATURE_MIN_WAIT = 1 << 15, /* IORING_FEAT_MIN_TIMEOUT, unknown to liburing 2.3 */
    OP_RECV = 1,                /* kinds, in the upper half of user_data */
    OP_SEND = 2,
};

/* The kernel's io_uring_getevents_arg since 6.12, when `pad` became the minimal wait. */
struct enter_arg {
    uint64_t signals;
    uint32_t signals_bytes, min_wait_us;
    uint64_t timeout;
};

struct floor {
    struct io_uring ring;
    struct io_uring_buf_ring *buffers;
    char *memory;
    bool min_wait;
    char request[512];
    size_t request_bytes;
    uint32_t response_bytes;
    uint32_t connections;
    uint64_t to_start, to_finish;       /* requests */
    uint32_t received[CONNECTIONS_MAX]; /* of the response under way */
    uint64_t enters;
};

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "floor: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    exit(1);
}

static uint64_t number(const char *text, uint64_t max)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || *end || end == text || value < 1 || value > max)
        fail("%s is not a number from 1 to %llu", text, (unsigned long long)max);
    return value;
}

static int connect_to(const struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof *address) < 0)
        fail("connect: %m");
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) < 0)
        fail("TCP_NODELAY: %m");
    return fd;
}

/* One request by plain calls: the size of a response whose head has a Content-Length. */
static uint32_t learn_response_bytes(const struct floor *f, const struct sockaddr_in *address)
{
    char text[BUFFER_BYTES];
    size_t bytes = 0;
    int fd = connect_to(address);
    if (send(fd, f->request, f->request_bytes, MSG_NOSIGNAL) != (ssize_t)f->request_bytes)
        fail("send: %m");
    for (;;) {
        ssize_t n = recv(fd, text + bytes, sizeof text - 1 - bytes, 0);
        if (n <= 0)
            fail("no complete response to the first request");
        bytes += (size_t)n;
        text[bytes] = '\0';
        const char *head_end = strstr(text, "\r\n\r\n"),
                   *length = strcasestr(text, "content-length:");
        if (!head_end || !length || length > head_end)
            continue;
        size_t whole = (size_t)(head_end + 4 - text) + strtoull(length + 15, NULL, 10);
        if (bytes < whole)
            continue;
        if (strncmp(text, "HTTP/1.1 200", 12) != 0 || bytes > whole)
            fail("the first response is not a plain 200");
        close(fd);
        return (uint32_t)whole;
    }
}

static void make_ring(struct floor *f)
{
    struct io_uring_params params = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL |
                 IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
        .cq_entries = 4 * CONNECTIONS_MAX,
    };
    int n = io_uring_queue_init_params(2 * CONNECTIONS_MAX, &f->ring, &params);
    if (n < 0)
        fail("io_uring: %s", strerrordesc_np(-n));
    f->min_wait = params.features & FEATURE_MIN_WAIT;
    if (io_uring_register_ring_fd(&f->ring) != 1)
        fail("the ring's descriptor cannot be registered");
    size_t bytes = BUFFERS * (sizeof(struct io_uring_buf) + BUFFER_BYTES);
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        fail("mmap: %m");
    f->buffers = memory;
    f->memory = (char *)memory + BUFFERS * sizeof(struct io_uring_buf);
    struct io_uring_buf_reg group = {
        .ring_addr = (uint64_t)(uintptr_t)memory,
        .ring_entries = BUFFERS,
        .bgid = BUFFER_GROUP,
    };
    if ((n = io_uring_register_buf_ring(&f->ring, &group, 0)) < 0)
        fail("buffer ring: %s", strerrordesc_np(-n));
    io_uring_buf_ring_init(f->buffers);
    for (int i = 0; i < BUFFERS; i++)
        io_uring_buf_ring_add(f->buffers, f->memory + (size_t)i * BUFFER_BYTES, BUFFER_BYTES,
                              (unsigned short)i, io_uring_buf_ring_mask(BUFFERS), i);
    io_uring_buf_ring_advance(f->buffers, BUFFERS);
}

static void open_connections(struct floor *f, const struct sockaddr_in *address)
{
    int fds[CONNECTIONS_MAX] = {0};
    uint32_t count = f->connections;
    for (uint32_t i = 0; i < count; i++)
        fds[i] = connect_to(address);
    if (io_uring_register_files(&f->ring, fds, count) < 0)
        fail("the sockets cannot be registered");
    for (uint32_t i = 0; i < count; i++)
        close(fds[i]); /* the ring's table holds them now */
}

static struct io_uring_sqe *take_sqe(struct floor *f, uint32_t slot, uint64_t kind)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&f->ring);
    if (!sqe)
        fail("submission queue is full");
    memset(sqe, 0, sizeof *sqe);
    sqe->fd = (int)slot;
    sqe->user_data = kind << 32 | slot;
    return sqe;
}

static void start_receiving(struct floor *f, uint32_t slot)
{
    struct io_uring_sqe *sqe = take_sqe(f, slot, OP_RECV);
    sqe->opcode = IORING_OP_RECV;
    sqe->ioprio = IORING_RECV_MULTISHOT;
    sqe->flags = IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT;
    sqe->buf_group = BUFFER_GROUP;
}

static void send_request(struct floor *f, uint32_t slot)
{
    struct io_uring_sqe *sqe = take_sqe(f, slot, OP_SEND);
    sqe->opcode = IORING_OP_SEND;
    sqe->flags = IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS;
    sqe->addr = (uint64_t)(uintptr_t)f->request;
    sqe->len = (uint32_t)f->request_bytes;
    sqe->msg_flags = MSG_WAITALL | MSG_NOSIGNAL;
    f->received[slot] = 0;
    f->to_start--;
}

/* liburing has the call with a minimal wait only from 2.8; here the submission queue's tail is
 * published and the kernel entered by hand. */
static void submit_and_wait(struct floor *f)
{
    struct io_uring_sq *sq = &f->ring.sq;
    uint32_t in_flight = (uint32_t)(f->to_finish - f->to_start);
    unsigned tail = *sq->ktail, head = __atomic_load_n(sq->khead, __ATOMIC_ACQUIRE);
    while (sq->sqe_head != sq->sqe_tail)
        sq->array[tail++ & sq->ring_mask] = sq->sqe_head++ & sq->ring_mask;
    __atomic_store_n(sq->ktail, tail, __ATOMIC_RELEASE);
    struct __kernel_timespec second = {.tv_sec = 1};
    struct enter_arg arg = {
        .signals_bytes = _NSIG / 8,
        .min_wait_us = f->min_wait ? MIN_WAIT_US : 0,
        .timeout = (uint64_t)(uintptr_t)&second,
    };
    unsigned want = !f->min_wait ? 1 : in_flight < WANT ? in_flight : WANT;
    long n = syscall(__NR_io_uring_enter, f->ring.enter_ring_fd, tail - head, want,
                     IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG | IORING_ENTER_REGISTERED_RING,
                     &arg, sizeof arg);
    if (n < 0 && errno != EINTR)
        fail("io_uring_enter: %m");
    f->enters++;
}

static void take_completion(struct floor *f, const struct io_uring_cqe *cqe)
{
    uint32_t slot = (uint32_t)cqe->user_data;
    if (cqe->user_data >> 32 != OP_RECV)
        fail("send: %s", cqe->res < 0 ? strerrordesc_np(-cqe->res) : "short");
    if (cqe->res <= 0 && cqe->res != -ENOBUFS)
        fail("receive: %s", cqe->res < 0 ? strerrordesc_np(-cqe->res) : "the server closed");
    if (cqe->flags & IORING_CQE_F_BUFFER) {
        unsigned short id = (unsigned short)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
        io_uring_buf_ring_add(f->buffers, f->memory + (size_t)id * BUFFER_BYTES, BUFFER_BYTES, id,
                              io_uring_buf_ring_mask(BUFFERS), 0);
        io_uring_buf_ring_advance(f->buffers, 1);
    }
    if (!(cqe->flags & IORING_CQE_F_MORE))
        start_receiving(f, slot);
    f->received[slot] += cqe->res > 0 ? (uint32_t)cqe->res : 0;
    if (f->received[slot] > f->response_bytes)
        fail("a response is longer than the first one");
    if (f->received[slot] < f->response_bytes)
        return;
    f->to_finish--;
    if (f->to_start)
        send_request(f, slot);
    else
        f->received[slot] = 0;
}

int main(int argc, char **argv)
{
    static struct floor f;
    if (argc != 5)
        fail("usage: floor IPV4_ADDRESS PORT CONNECTIONS REQUESTS");
    struct sockaddr_in address = {.sin_family = AF_INET};
    if (inet_pton(AF_INET, argv[1], &address.sin_addr) != 1)
        fail("%s is not an IPv4 address", argv[1]);
    address.sin_port = htons((uint16_t)number(argv[2], 65535));
    f.connections = (uint32_t)number(argv[3], CONNECTIONS_MAX);
    uint64_t requests = number(argv[4], 1u << 30);
    f.to_start = f.to_finish = requests;
    static const char body[] = "{\"order\":123456,\"pieces\":12345}";
    f.request_bytes = (size_t)snprintf(f.request, sizeof f.request,
                                       "POST /orders HTTP/1.1\r\nHost: %s:%s\r\n"
                                       "Content-Type: application/json\r\n"
                                       "Content-Length: %zu\r\n\r\n%s",
                                       argv[1], argv[2], sizeof body - 1, body);
    f.response_bytes = learn_response_bytes(&f, &address);
    make_ring(&f);
    open_connections(&f, &address);
    for (uint32_t i = 0; i < f.connections && f.to_start; i++) {
        start_receiving(&f, i);
        send_request(&f, i);
    }
    while (f.to_finish) {
        submit_and_wait(&f);
        struct io_uring_cqe *cqe;
        unsigned head, count = 0;
        io_uring_for_each_cqe(&f.ring, head, cqe)
        {
            take_completion(&f, cqe);
            count++;
        }
        io_uring_cq_advance(&f.ring, count);
    }
    printf("%llu requests, %.3f io_uring_enter calls each\n", (unsigned long long)requests,
           (double)f.enters / (double)requests);
    io_uring_queue_exit(&f.ring);
    return 0;
}
