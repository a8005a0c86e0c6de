/* The checks of `ringsend doctor`. io_uring is not asked about but tried: a connection over
 * loopback, bytes both ways, through the same ring.h that the engine uses. The rest is read from
 * where the kernel tells it (/proc, limits), and judged by what that trial showed: a filter or a
 * sysctl is a fault only if it bites. */
#include "cli/checks.h"

#include "base/defaults.h"
#include "base/limits.h"
#include "base/time.h"
#include "cli/kernel_fault.h"
#include "tls/tls.h"
#include "uring/ring.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

enum {
    CONNECTIONS = DEFAULT_CONNECTIONS, /* what send opens unless told otherwise */
    BUFFERS = 128,
    MEMLOCK_ENOUGH_BYTES = 8 << 20,
    MEMLOCK_SHORT_BYTES = 1 << 20, /* below it large rings are refused (non-root, Linux 6.14 on) */
    RINGS_FEW = 4,
    DESCRIPTORS_MANY = 10000,
    PORTS_FEW = 10000,
};

static const uint64_t trial_ns = 5 * NS_PER_S;

__attribute__((format(printf, 2, 3))) static void say(struct finding *f, const char *format, ...)
{
    size_t used = strlen(f->text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(f->text + used, sizeof f->text - used, format, arguments);
    va_end(arguments);
}

__attribute__((format(printf, 3, 4))) static void cure(struct finding *f, enum finding_state state,
                                                       const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(f->cure, sizeof f->cure, format, arguments);
    va_end(arguments);
    f->state = state;
}

/* ---- io_uring: the trial ---- */

struct trial {
    struct ring *ring; /* null: refused */
    int error;         /* negated errno of what failed first */
    int listen_fd, peer_fd;
    int32_t buffer; /* that the receive has brought; -1 */
};

static const struct ring_tag trial_tag = {.slot = 0, .generation = 1};

/* Waits for a completion of this kind; returns its result. */
static int await(struct trial *t, enum ring_kind kind)
{
    struct ring_wait wait = {.want = 1, .deadline_ns = ring_now_ns(t->ring) + trial_ns};
    while (ring_now_ns(t->ring) < wait.deadline_ns) {
        struct ring_completion c;
        int ready = ring_submit_and_wait(t->ring, &wait);
        if (ready < 0)
            return ready;
        int found = INT32_MIN;
        while (ring_reap(t->ring, &c, 1) == 1) {
            if (c.buffer >= 0)
                ring_buffer_return(t->ring, c.buffer);
            if (c.kind == kind)
                found = c.result;
        }
        if (found != INT32_MIN)
            return found;
    }
    return -ETIME;
}

static int listen_on_loopback(struct trial *t, struct sockaddr_in *address)
{
    socklen_t bytes = sizeof *address;
    *address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    t->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (t->listen_fd < 0 || bind(t->listen_fd, (struct sockaddr *)address, bytes) != 0 ||
        listen(t->listen_fd, 1) != 0 ||
        getsockname(t->listen_fd, (struct sockaddr *)address, &bytes) != 0)
        return -errno;
    return 0;
}

/* A connection through the ring, a byte each way, an orderly end. */
static int exchange_bytes(struct trial *t)
{
    struct sockaddr_in address;
    int result = listen_on_loopback(t, &address);
    if (result < 0)
        return result;
    ring_connect(t->ring, trial_tag, (struct sockaddr *)&address, sizeof address, RING_FOR_MANY);
    if ((result = await(t, RING_CONNECT)) < 0)
        return result;
    char byte = '?';
    t->peer_fd = accept4(t->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    ring_send(t->ring, trial_tag, &byte, 1);
    if (t->peer_fd < 0 || await(t, RING_SEND) != 1)
        return t->peer_fd < 0 ? -errno : -EIO;
    if (read(t->peer_fd, &byte, 1) != 1 || write(t->peer_fd, "!", 1) != 1)
        return -EIO;
    ring_recv(t->ring, trial_tag);
    result = await(t, RING_RECV);
    if (result != 1)
        return result < 0 ? result : -EIO;
    shutdown(t->peer_fd, SHUT_WR);
    result = await(t, RING_RECV);
    ring_close(t->ring, trial_tag);
    int closed = await(t, RING_CLOSE);
    return result < 0 ? result : closed;
}

static const struct ring_options as_send = {.sockets_max = CONNECTIONS,
                                            .buffers = BUFFERS,
                                            .buffer_bytes = LIMIT_BUFFER_BYTES,
                                            .min_wait = true};

static struct trial try_ring(void)
{
    struct trial t = {.listen_fd = -1, .peer_fd = -1};
    t.error = ring_new(&t.ring, &as_send);
    if (t.error < 0)
        t.ring = NULL;
    else
        t.error = exchange_bytes(&t);
    if (t.listen_fd >= 0)
        close(t.listen_fd);
    if (t.peer_fd >= 0)
        close(t.peer_fd);
    return t;
}

/* ---- What the kernel tells of itself ---- */

/* The number behind `key` in a file of /proc, or -1. An empty key: the first number. */
static long proc_number(const char *path, const char *key)
{
    char line[256];
    long number = -1;
    FILE *file = fopen(path, "re");
    if (!file)
        return -1;
    while (number < 0 && fgets(line, sizeof line, file))
        if (strncmp(line, key, strlen(key)) == 0)
            number = strtol(line + strlen(key), NULL, 10);
    fclose(file);
    return number;
}

static void check_kernel(struct finding *f, const struct trial *t)
{
    struct utsname system = {0};
    long disabled = proc_number("/proc/sys/kernel/io_uring_disabled", "");
    long seccomp = proc_number("/proc/self/status", "Seccomp:");
    (void)uname(&system);
    say(f, "Linux %s; sysctl kernel.io_uring_disabled ", system.release);
    disabled < 0 ? say(f, "is not there") : say(f, "is %ld", disabled);
    say(f, "; %s", seccomp > 0 ? "a seccomp filter is on" : "no seccomp filter");
    const char *until = kernel_hangs_until(system.release, system.version);
    if (until)
        say(f, "; io_uring of this version may hang a process so that not even SIGKILL ends it");
    int refused = t->ring ? ring_features(t->ring).refused : 0;
    if (refused == -EPERM && disabled > 0)
        cure(f, FINDING_NOTE,
             "sysctl -w kernel.io_uring_disabled=0%s; a file in /etc/sysctl.d makes it last",
             disabled == 1 ? ", or join the group whose id is in kernel.io_uring_group" : "");
    else if (refused == -EPERM && seccomp > 0)
        cure(f, FINDING_NOTE, "the filter refuses io_uring: see `containers`");
    else if (until)
        cure(f, FINDING_NOTE,
             "update the kernel: %s has it mended (or a package of your distribution's, whatever "
             "its number); until then, --io epoll",
             until);
    else if (disabled > 0 || seccomp > 0)
        f->state = FINDING_NOTE;
}

static void say_min_wait(struct finding *f, enum ring_min_wait min_wait)
{
    switch (min_wait) {
    case RING_MIN_WAIT_USED:
        say(f, "; min-wait is used at full speed");
        break;
    case RING_MIN_WAIT_LATE:
        say(f, "; min-wait is not used, as it was seen to sleep over what comes late: more system "
               "calls at full speed");
        cure(f, FINDING_NOTE,
             "nothing goes wrong; kernels 6.12.64, 6.18.3 and 6.19 have this mended (if this is "
             "one, it was too busy to tell)");
        break;
    case RING_MIN_WAIT_UNPROVEN:
        say(f, "; min-wait is not used, as it could not be tried (a filter may refuse "
               "timerfd_create): more system calls at full speed");
        f->state = FINDING_NOTE;
        break;
    case RING_MIN_WAIT_LACKING:
    case RING_MIN_WAIT_UNASKED:
        break;
    }
}

static void check_ring(struct finding *f, const struct trial *t)
{
    if (t->error < 0) {
        say(f, "%s: %s", t->ring ? "a trial over loopback failed" : "refused",
            strerrordesc_np(-t->error));
        f->state = FINDING_FAULT;
        if (t->ring)
            cure(f, FINDING_FAULT, "look for a firewall on the loopback interface");
        else
            ring_explain(t->error, f->cure, sizeof f->cure);
        return;
    }
    struct ring_features features = ring_features(t->ring);
    if (features.refused != 0) {
        say(f, "refused: %s. epoll takes its place: a connection over loopback was made and used",
            strerrordesc_np(-features.refused));
        f->state = FINDING_NOTE;
        ring_explain(features.refused, f->cure, sizeof f->cure);
        return;
    }
    say(f, "works: a connection over loopback was made and used. Queues of %u and %u entries",
        features.sq_entries, features.cq_entries);
    const struct {
        bool here;
        const char *without;
    } rows[] = {
        {features.defer_taskrun, "deferred work (6.1): CPU time per request is a third higher"},
        {features.ring_fd, "registered ring descriptors (5.18)"},
        {features.direct_sockopt, "options on direct sockets (6.7): TCP_NODELAY is not set"},
        {features.min_wait != RING_MIN_WAIT_LACKING,
         "min-wait (6.12): more system calls at full speed"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].here)
            continue;
        say(f, "; this kernel lacks %s", rows[i].without);
        f->state = FINDING_NOTE;
    }
    say_min_wait(f, features.min_wait);
}

static void check_containers(struct finding *f, const struct trial *t)
{
    say(f,
        "Docker, Podman and Kubernetes refuse io_uring unless told otherwise. The profile %s "
        "(dist/seccomp.json of the source) allows io_uring_setup, io_uring_enter, "
        "io_uring_register and what else ringsend calls; for Kubernetes it is to be "
        "/var/lib/kubelet/seccomp/ringsend.json on the node",
        RINGSEND_SECCOMP);
    bool is_refused = t->ring && ring_features(t->ring).refused != 0;
    f->is_literal = true;
    cure(f, is_refused ? FINDING_NOTE : FINDING_OK,
         "docker run --security-opt seccomp=" RINGSEND_SECCOMP " IMAGE\n"
         "podman run --security-opt seccomp=" RINGSEND_SECCOMP " IMAGE\n"
         "securityContext:\n"
         "  seccompProfile: {type: Localhost, localhostProfile: ringsend.json}");
}

/* ---- Limits ---- */

enum { CAP_IPC_LOCK_BIT = 14 };

static bool may_lock_all(void)
{
    char line[256];
    bool may = false;
    FILE *file = fopen("/proc/self/status", "re");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "CapEff:", 7) == 0)
            may = strtoull(line + 7, NULL, 16) >> CAP_IPC_LOCK_BIT & 1;
    if (file)
        fclose(file);
    return may;
}

/* Who shares the limit, and for how many more it is enough. */
static uint32_t say_room(struct finding *f)
{
    struct ring_locked room = ring_locked_memory(&as_send);
    if (!room.is_counted) {
        say(f, may_lock_all() ? "; not counted for this process, which may lock all (CAP_IPC_LOCK)"
                              : "; this kernel counts no rings (5.12 to 6.13), but for the "
                                "memory limit of the cgroup");
        return UINT32_MAX;
    }
    say(f,
        " in all its processes, and in all containers where it has the same user id; %u%s rings "
        "such as send's still fit, one for each of its threads",
        room.fit, room.or_more ? " or more" : "");
    return room.fit;
}

static void check_memlock(struct finding *f, const struct trial *t)
{
    struct rlimit limit = {.rlim_cur = RLIM_INFINITY};
    (void)getrlimit(RLIMIT_MEMLOCK, &limit);
    if (limit.rlim_cur == RLIM_INFINITY)
        say(f, "unlimited");
    else
        say(f, "%llu KiB for all rings of this user", (unsigned long long)limit.rlim_cur / 1024);
    bool over_io_uring = t->ring && ring_features(t->ring).backend == RING_IO_URING;
    uint32_t fit = over_io_uring && limit.rlim_cur != RLIM_INFINITY ? say_room(f) : UINT32_MAX;
    bool may_raise = limit.rlim_max == RLIM_INFINITY || limit.rlim_max >= MEMLOCK_ENOUGH_BYTES;
    const char *how = may_raise
                          ? "`ulimit -l 8192` raises it for this shell, LimitMEMLOCK=8M for a "
                            "systemd unit"
                          : "root raises it: `USER hard memlock 8192` in "
                            "/etc/security/limits.conf, LimitMEMLOCK=8M for a systemd unit";
    if (t->error == -ENOMEM)
        cure(f, FINDING_FAULT, "%s", how);
    else if (fit < RINGS_FEW)
        cure(f, FINDING_NOTE, "for more of them, %s", how);
    else if (limit.rlim_cur < MEMLOCK_SHORT_BYTES && !may_lock_all())
        cure(f, FINDING_NOTE, "for more connections than the trial's, %s", how);
}

static void check_descriptors(struct finding *f, const struct rlimit *limit, const struct trial *t)
{
    say(f, "%llu, can be raised to %llu: so many connections at once",
        (unsigned long long)limit->rlim_cur, (unsigned long long)limit->rlim_max);
    const char *how =
        "raise the hard limit: /etc/security/limits.conf, or LimitNOFILE= in a systemd unit";
    if (t->error == -EMFILE || limit->rlim_max < CONNECTIONS)
        cure(f, FINDING_FAULT, "%s", how);
    else if (limit->rlim_max < DESCRIPTORS_MANY)
        cure(f, FINDING_NOTE, "for more of them, %s", how);
}

static void check_ports(struct finding *f)
{
    const char *path = "/proc/sys/net/ipv4/ip_local_port_range";
    long first = 0, last = -1;
    char line[64] = "", *end;
    FILE *file = fopen(path, "re");
    if (file) {
        if (fgets(line, sizeof line, file)) {
            first = strtol(line, &end, 10);
            last = strtol(end, NULL, 10);
        }
        fclose(file);
    }
    if (last < first) {
        say(f, "%s cannot be read", path);
        f->state = FINDING_NOTE;
        return;
    }
    say(f,
        "%ld local ports: so many connections to one address and port, those of the last "
        "minute included",
        last - first + 1);
    const char *how = "sysctl -w net.ipv4.ip_local_port_range='1024 65535'";
    if (last - first + 1 < CONNECTIONS)
        cure(f, FINDING_FAULT, "%s", how);
    else if (last - first + 1 < PORTS_FEW)
        cure(f, FINDING_NOTE, "for more, %s", how);
}

/* ---- TLS and names ---- */

static void check_trust(struct finding *f)
{
    struct tls_options options = {0};
    char message[sizeof f->text];
    struct tls_config *config = tls_config_new(&options, message, sizeof message);
    if (config) {
        const char *fault = tls_openssl_fault();
        say(f, "%zu authorities are trusted, of %s", tls_config_anchors(config),
            tls_config_anchors_source(config));
        if (message[0])
            say(f, "; %s", message);
        say(f, "; TLS 1.2 by BearSSL, %s%s", fault ? "and 1.3 not at all: " : "1.3 by ",
            fault ? fault : tls_openssl_version());
        tls_config_free(config);
        return;
    }
    say(f, "https cannot be verified: %s", message);
    cure(f, FINDING_FAULT,
         "install the package ca-certificates, or name a file of certificates (PEM) with "
         "$SSL_CERT_FILE, or with --cacert where requests are sent");
}

static void check_name(struct finding *f, const char *name)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *list = NULL;
    int error = getaddrinfo(name, NULL, &hints, &list);
    if (error) {
        say(f, "%s cannot be looked up: %s", name,
            error == EAI_SYSTEM ? strerrordesc_np(errno) : gai_strerror(error));
        cure(f, FINDING_FAULT,
             "look at /etc/resolv.conf, /etc/hosts, /etc/nsswitch.conf, and "
             "whether the network is up");
        return;
    }
    say(f, "%s is", name);
    const char *comma = " ";
    for (const struct addrinfo *a = list; a; a = a->ai_next) {
        char text[INET6_ADDRSTRLEN];
        if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST) == 0)
            say(f, "%s%s", comma, text);
        comma = ", ";
    }
    freeaddrinfo(list);
}

void checks_run(struct finding *findings, char *const *hosts, size_t hosts_count)
{
    static const char *const names[CHECKS_FIXED] = {
        "kernel", "io_uring", "containers", "memlock", "descriptors", "ports", "tls", "resolver"};
    struct finding *f = findings;
    for (size_t i = 0; i < CHECKS_FIXED + hosts_count; i++)
        f[i] = (struct finding){.name = names[i < CHECKS_FIXED ? i : CHECKS_FIXED - 1]};
    /* The trial may raise the soft limit. */
    struct rlimit descriptors = {0};
    (void)getrlimit(RLIMIT_NOFILE, &descriptors);
    struct trial trial = try_ring();
    check_kernel(f++, &trial);
    check_ring(f++, &trial);
    check_containers(f++, &trial);
    check_memlock(f++, &trial);
    check_descriptors(f++, &descriptors, &trial);
    check_ports(f++);
    check_trust(f++);
    check_name(f++, "localhost");
    for (size_t i = 0; i < hosts_count; i++)
        check_name(f++, hosts[i]);
    /* After a failed trial operations may be in flight: the process's end takes them. */
    if (trial.error == 0)
        ring_free(trial.ring);
}
