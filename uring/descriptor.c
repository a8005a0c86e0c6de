/* What rings do with descriptors of the process: ask of one what they cannot ask of a socket in
 * their table (ring_install), signal by one, and have more of them. */
#include "uring/kernel.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
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

/* A datagram socket finds its source address when it connects, and sends nothing. Its ports are
 * others than TCP's; one that finds none of them free fails with another error. */
bool kernel_has_source(const struct ring *ring, const struct sockaddr *address,
                       socklen_t address_bytes)
{
    (void)ring;
    int fd = socket(address->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return true; /* for want of a descriptor: who can tell */
    bool found = connect(fd, address, address_bytes) == 0 || errno != EADDRNOTAVAIL;
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
