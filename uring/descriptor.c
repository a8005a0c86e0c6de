/* What rings do with descriptors of the process: ask of one what they cannot ask of a socket in
 * their table (ring_install), signal by one, and have more of them. */
#include "uring/kernel.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

bool kernel_tcp_info(const struct ring *ring, int descriptor, struct ring_tcp *tcp)
{
    (void)ring;
    struct tcp_info info = {0};
    socklen_t bytes = sizeof(info);
    if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &bytes) != 0)
        return false;
    *tcp = (struct ring_tcp){.rtt_us = info.tcpi_rtt, .retransmits = info.tcpi_total_retrans};
    return true;
}

void kernel_source_take(struct ring *ring, const struct ring_options *options)
{
    const struct ring_source *s = &options->source;
    ring->source = *s;
    ring->has_source = s->v4.sin_family || s->v6.sin6_family || s->device[0] != '\0';
}

/* No port is taken with the address: it is found by the connect, as others may share it that go
 * elsewhere (ip(7), Linux 4.2). */
int kernel_source_bind(const struct ring *ring, int fd, int family)
{
    const struct ring_source *s = &ring->source;
    const int on = 1;
    bool has = family == AF_INET ? s->v4.sin_family != 0 : s->v6.sin6_family != 0;
    const struct sockaddr *from =
        family == AF_INET ? (const struct sockaddr *)&s->v4 : (const struct sockaddr *)&s->v6;
    if (s->device[0] != '\0' &&
        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, s->device, (socklen_t)strlen(s->device)) != 0)
        return -errno;
    if (!has)
        return 0;
    (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    socklen_t bytes = family == AF_INET ? sizeof(s->v4) : sizeof(s->v6);
    return bind(fd, from, bytes) == 0 ? 0 : -errno;
}

/* A datagram socket finds its source address when it connects, and sends nothing. Its ports are
 * others than TCP's; one that finds none of them free fails with another error. */
bool kernel_has_source(const struct ring *ring, const struct sockaddr *address,
                       socklen_t address_bytes)
{
    int fd = socket(address->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return true; /* for want of a descriptor: who can tell */
    int bound = ring->has_source ? kernel_source_bind(ring, fd, address->sa_family) : 0;
    bool found = bound != -EADDRNOTAVAIL &&
                 (connect(fd, address, address_bytes) == 0 || errno != EADDRNOTAVAIL);
    close(fd);
    return found;
}

void kernel_descriptor_close(struct ring *ring, int descriptor)
{
    (void)ring;
    close(descriptor);
}

void kernel_signal(int eventfd)
{
    const uint64_t one = 1;
    /* Fails only when the counter is full, and then the signal is on its way. */
    ssize_t written = write(eventfd, &one, sizeof(one));
    (void)written;
}

bool kernel_raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
        return false;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}
