/* The loop of the server. One turn: submit what was prepared and wait; take all completions,
 * which only take notes and give their buffers back; fire timers; run the conns that became
 * ready; rearm what ended. Nothing runs inside a completion.
 *
 * Accepting is one multishot operation that fills free slots by itself. The slot table is larger
 * than the limit of connections, so that connections beyond the limit can be seen, and refused or
 * kept waiting; when even the table is full the kernel drops the connection it has just accepted
 * (-ENFILE), and accepting rests until a slot is free. So many waiting conns that the table
 * could fill stop accepting before that: the rest waits in the kernel's backlog.
 *
 * Stopping: no more accepts, every connection breaks off, and the loop goes on until no slot is
 * used and the log is written. */
#include "serve/server.h"

#include "base/check.h"
#include "base/limits.h"
#include "base/time.h"
#include "http2/h2.h"
#include "serve/service.h"
#include "serve/state.h"
#include "serve/unix_listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    /* Slots beyond the limit: connections being refused, closing, or waiting. */
    SURPLUS_SLOTS = 2048,
    REAP_MAX = 256,
    TLS_SESSIONS_MAX = 1024,
};
_Static_assert(SERVER_CONNECTIONS_MAX + SURPLUS_SLOTS <= LIMIT_CONNECTIONS,
               "the highest limit must fit the slot table");
_Static_assert(TIMER_NEVER == RING_FOREVER, "no deadline is the same to timers and ring");

static const uint64_t ACCEPT_REST_NS = 10 * NS_PER_MS;
/* How soon a pause sees that the server is to stop. */
static const uint64_t PAUSE_SLICE_NS = 10 * NS_PER_MS;

/* The accept is an operation of no slot of the table. */
static struct ring_tag accept_tag(const struct server *p)
{
    return (struct ring_tag){p->conns_max, 0};
}

static int listen_at(const struct addrinfo *a)
{
    const int on = 1;
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    /* Accepted sockets inherit both. */
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    int error = -errno;
    close(fd);
    return error;
}

static void read_address(struct server *p)
{
    struct sockaddr_storage address;
    socklen_t bytes = sizeof address;
    char host[INET6_ADDRSTRLEN] = "?", port[6] = "?";
    if (getsockname(p->listen_fd, (struct sockaddr *)&address, &bytes) == 0)
        getnameinfo((struct sockaddr *)&address, bytes, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(p->address, sizeof p->address, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

static int listen_at_host(struct server *p, char *error, size_t error_bytes)
{
    const struct server_options *o = &p->options;
    struct addrinfo *found, hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    int looked_up = getaddrinfo(o->host, o->port, &hints, &found);
    if (looked_up != 0) {
        snprintf(error, error_bytes, "cannot listen on %s: %s", o->host, gai_strerror(looked_up));
        return -EADDRNOTAVAIL;
    }
    for (const struct addrinfo *a = found; a; a = a->ai_next) {
        p->listen_fd = listen_at(a);
        if (p->listen_fd >= 0)
            break;
    }
    freeaddrinfo(found);
    if (p->listen_fd < 0) {
        snprintf(error, error_bytes, "cannot listen on %s port %s: %s", o->host, o->port,
                 strerror(-p->listen_fd));
        return p->listen_fd;
    }
    read_address(p);
    return 0;
}

static int server_listen(struct server *p, char *error, size_t error_bytes)
{
    const struct server_options *o = &p->options;
    if (!o->unix_socket)
        return listen_at_host(p, error, error_bytes);
    p->listen_fd =
        unix_listener_open(&p->unix_listener, o->unix_socket, o->unix_abstract, error, error_bytes);
    snprintf(p->address, sizeof p->address, "%s:%s", o->unix_abstract ? "abstract" : "unix",
             o->unix_socket);
    return p->listen_fd < 0 ? p->listen_fd : 0;
}

/* The slot table counts against the limit of descriptors, of which the ring may take all up to the
 * hard one. Where that is low, first the surplus shrinks, and then what the user left to us. */
static void size_slots(struct server *p)
{
    struct rlimit limit;
    uint32_t most = LIMIT_CONNECTIONS;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max < most)
        most = (uint32_t)limit.rlim_max;
    uint32_t *asked = &p->options.connections_max;
    if (*asked == 0) {
        uint32_t room = most > 2 * SURPLUS_SLOTS ? most - SURPLUS_SLOTS : most / 2 + 1;
        *asked = room < SERVER_CONNECTIONS ? room : SERVER_CONNECTIONS;
    }
    CHECK(*asked <= SERVER_CONNECTIONS_MAX);
    p->conns_max = *asked + SURPLUS_SLOTS;
    if (p->conns_max > most && *asked < most)
        p->conns_max = most;
    p->waiting_max = (p->conns_max - *asked) / 2;
}

/* Everything but the listening socket. */
static int server_equip(struct server *p, char *error, size_t error_bytes)
{
    const char *http2_fault = p->options.http2 ? h2_fault() : NULL;
    if (http2_fault) {
        snprintf(error, error_bytes, "no HTTP/2: %s", http2_fault);
        return -ELIBACC;
    }
    size_slots(p);
    const struct ring_options ring_options = {.backend = p->options.backend,
                                              .sockets_max = p->conns_max,
                                              .buffers = LIMIT_BUFFERS_MAX,
                                              .buffer_bytes = LIMIT_BUFFER_BYTES};
    int result = ring_new(&p->ring, &ring_options);
    if (result < 0) {
        p->ring = NULL;
        ring_explain(result, error, error_bytes);
        return result;
    }
    p->conns = calloc(p->conns_max, sizeof *p->conns);
    if (p->options.tls)
        p->tls = tls_local_new(p->options.tls, TLS_SESSIONS_MAX, NULL);
    if (!p->conns || (p->options.tls && !p->tls) || !timers_init(&p->timers, p->conns_max + 3) ||
        !service_init(p)) {
        snprintf(error, error_bytes, "out of memory");
        return -ENOMEM;
    }
    p->log = (struct request_log){.ring = p->ring, .pool = &p->buffers, .fd = p->options.log_fd};
    return 0;
}

int server_new(struct server **server, const struct server_options *options, char *error,
               size_t error_bytes)
{
    struct server *p = calloc(1, sizeof *p);
    if (!p) {
        snprintf(error, error_bytes, "out of memory");
        return -ENOMEM;
    }
    p->options = *options;
    p->listen_fd = -1;
    p->log.fd = -1;
    buf_pool_init(&p->buffers);
    list_init(&p->ready);
    list_init(&p->waiting);
    timer_init(&p->accept_timer);
    timer_init(&p->log_timer);
    timer_init(&p->pause_timer);
    int result = server_listen(p, error, error_bytes);
    if (result == 0)
        result = server_equip(p, error, error_bytes);
    if (result < 0) {
        server_free(p);
        return result;
    }
    *server = p;
    return 0;
}

void server_free(struct server *p)
{
    if (!p)
        return;
    CHECK(p->conns_used == 0 && !p->accepting && !request_log_busy(&p->log));
    if (p->listen_fd >= 0)
        close(p->listen_fd);
    unix_listener_close(&p->unix_listener);
    service_free(p);
    if (p->log.pool)
        request_log_free(&p->log);
    timers_free(&p->timers);
    free(p->conns);
    tls_local_free(p->tls);
    ring_free(p->ring);
    buf_pool_free(&p->buffers);
    free(p);
}

const char *server_address(const struct server *p)
{
    return p->address;
}

int server_log_error(const struct server *p)
{
    return p->log.error;
}

int server_refused(const struct server *p)
{
    return ring_features(p->ring).refused;
}

const struct server_report *server_report(const struct server *p)
{
    return &p->report;
}

void server_stop(struct server *p)
{
    atomic_store(&p->stop_asked, true);
    ring_wake(p->ring);
}

static void accept_complete(struct server *p, const struct ring_completion *completion)
{
    p->accepting = completion->more;
    if (completion->result >= 0) {
        uint32_t slot = (uint32_t)completion->result;
        CHECK(slot < p->conns_max);
        if (p->conns_high <= slot)
            p->conns_high = slot + 1;
        serve_conn_arrive(p, &p->conns[slot]);
    } else if (completion->result == -ENFILE && p->conns_used == p->conns_max) {
        p->report.refused++;
        request_log_add(&p->log, p->now_ns, 0, NULL, "refused", NULL);
        p->accept_blocked = true;
    } else if (completion->result != -ECANCELED && completion->result != -ECONNABORTED) {
        /* Out of memory or files, system-wide: asking again at once would spin. */
        p->accept_blocked = true;
        timer_set(&p->timers, &p->accept_timer, p->now_ns + ACCEPT_REST_NS);
    }
}

static void server_complete(struct server *p, const struct ring_completion *completion)
{
    const char *received = NULL;
    if (completion->buffer >= 0)
        received = ring_buffer(p->ring, completion->buffer);
    switch (completion->kind) {
    case RING_ACCEPT:
        accept_complete(p, completion);
        break;
    case RING_APPEND:
        request_log_appended(&p->log, completion->result);
        break;
    case RING_WAKE:
        break;
    case RING_CANCEL:
        if (completion->slot == p->conns_max) {
            p->accept_canceling = false;
            break;
        }
        /* fall through */
    case RING_CONNECT: /* a reset */
    case RING_SEND:
    case RING_RECV:
    case RING_CLOSE: {
        /* A connection's slot is free only after its last completion, so none can be stale. */
        struct serve_conn *v = &p->conns[completion->slot];
        CHECK(completion->slot < p->conns_max &&
              ring_tag_matches(v->generation, completion->generation));
        serve_conn_complete(p, v, completion, received);
        break;
    }
    case RING_READ:
    case RING_SYNC:
    case RING_INSTALL:
    case RING_OPEN:
    case RING_STAT:
    case RING_KINDS:
        UNREACHABLE("an operation the server never starts");
    }
    if (completion->buffer >= 0)
        ring_buffer_return(p->ring, completion->buffer);
}

static void server_expire(struct server *p)
{
    for (struct timer *timer; (timer = timers_expire(&p->timers, p->now_ns));) {
        if (timer == &p->log_timer)
            request_log_flush(&p->log);
        else if (timer == &p->accept_timer)
            p->accept_blocked = false;
        else if (timer == &p->pause_timer)
            p->pauses = true;
        else
            serve_conn_wake(p, LIST_OWNER(timer, struct serve_conn, timer));
    }
}

/* Decides about the waiting ones: a place, a refusal, or more patience. */
static void server_admit(struct server *p)
{
    while (p->waiting_count > 0) {
        struct serve_conn *v = LIST_OWNER(p->waiting.next, struct serve_conn, link);
        bool full = p->report.connections_open >= p->options.connections_max;
        if (full && !p->stopping && (p->options.over == SERVER_QUEUE || timer_is_set(&v->timer)))
            return;
        list_remove(&v->link);
        p->waiting_count--;
        if (p->stopping) {
            v->broken = true;
            serve_conn_wake(p, v);
        } else if (full) {
            serve_conn_refuse(p, v);
        } else {
            serve_conn_admit(p, v);
        }
    }
}

/* Arrivals come after all that the batch of completions brought, and raise the peak only with the
 * next batch: a client that closes a connection and then opens another must not be seen with both,
 * although the kernel may report the second event first. */
static void server_run_ready(struct server *p)
{
    /* A log that the disk cannot follow holds everything up; memory stays bounded. */
    if (request_log_is_full(&p->log) && request_log_busy(&p->log))
        return;
    if (p->report.connections_peak < p->report.connections_open)
        p->report.connections_peak = p->report.connections_open;
    do {
        struct list *node;
        while ((node = list_pop_front(&p->ready)))
            serve_conn_run(p, LIST_OWNER(node, struct serve_conn, link));
        server_admit(p);
    } while (!list_empty(&p->ready));
}

static void server_accept(struct server *p)
{
    bool wanted = !p->stopping && !p->accept_blocked && p->waiting_count <= p->waiting_max;
    if (p->accept_canceling || p->accepting == wanted)
        return;
    if (wanted) {
        ring_accept(p->ring, accept_tag(p), p->listen_fd);
        p->accepting = true;
    } else {
        ring_cancel(p->ring, accept_tag(p), RING_ACCEPT);
        p->accept_canceling = true;
    }
}

static void server_begin_stop(struct server *p)
{
    p->stopping = true;
    for (uint32_t slot = 0; slot < p->conns_high; slot++) {
        struct serve_conn *v = &p->conns[slot];
        if (v->step == CONN_FREE)
            continue;
        v->broken = true;
        serve_conn_wake(p, v);
    }
}

/* True when all is done. */
static bool server_ended(struct server *p)
{
    if (!p->stopping)
        return false;
    request_log_flush(&p->log);
    return p->conns_used == 0 && !p->accepting && !p->accept_canceling &&
           !request_log_busy(&p->log);
}

/* What a server does that collects garbage, loses its disk or is not scheduled: nothing at all. The
 * kernel goes on taking bytes and connections in. */
static void server_pause(struct server *p)
{
    uint64_t until_ns = p->now_ns + p->options.pause_ns;
    p->pauses = false;
    while (p->now_ns < until_ns && !atomic_load(&p->stop_asked)) {
        uint64_t left_ns = until_ns - p->now_ns;
        uint64_t slice_ns = left_ns < PAUSE_SLICE_NS ? left_ns : PAUSE_SLICE_NS;
        nanosleep(&(struct timespec){.tv_nsec = (long)slice_ns}, NULL);
        p->now_ns = ring_now_ns(p->ring);
    }
}

int server_run(struct server *p)
{
    struct ring_completion completions[REAP_MAX];
    p->now_ns = ring_now_ns(p->ring);
    server_accept(p);
    while (!server_ended(p)) {
        const struct ring_wait wait = {.want = 1, .deadline_ns = timers_next_ns(&p->timers)};
        int result = ring_submit_and_wait(p->ring, &wait);
        if (result < 0)
            return result;
        p->now_ns = ring_now_ns(p->ring);
        if (p->pauses)
            server_pause(p);
        for (unsigned count; (count = ring_reap(p->ring, completions, REAP_MAX)) > 0;) {
            for (unsigned i = 0; i < count; i++)
                server_complete(p, &completions[i]);
        }
        if (atomic_load(&p->stop_asked) && !p->stopping)
            server_begin_stop(p);
        server_expire(p);
        server_run_ready(p);
        server_accept(p);
        if (p->log.filling.bytes > 0 && !request_log_busy(&p->log) && !timer_is_set(&p->log_timer))
            timer_set(&p->timers, &p->log_timer, p->now_ns + REQUEST_LOG_FLUSH_NS);
    }
    return 0;
}
