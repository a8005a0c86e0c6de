/* What the ring cannot ask a socket of its table, and a descriptor of the process can (ring_install). */
#include "uring/ring.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

bool ring_tcp_info(const struct ring *ring, int descriptor, struct ring_tcp *tcp)
{
    (void)ring;
    struct tcp_info info = {0};
    socklen_t bytes = sizeof(info);
    if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &bytes) != 0)
        return false;
    *tcp = (struct ring_tcp){.rtt_us = info.tcpi_rtt, .retransmits = info.tcpi_total_retrans};
    return true;
}

void ring_descriptor_close(struct ring *ring, int descriptor)
{
    (void)ring;
    close(descriptor);
}
