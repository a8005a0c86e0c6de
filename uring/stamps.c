/* The kernel's own time stamps of packets (SO_TIMESTAMPING): when a send's last byte left for the
 * device, read from the socket's error queue, and when received segments came in, told beside the
 * data.
 *
 * They are of the wall clock, since the kernel has no other for them; here they become monotonic by
 * the difference of the clocks at the moment of reading. A step of the wall clock between stamp and
 * reading, a few microseconds to milliseconds, would falsify one. */
#include "base/time.h"
#include "uring/kernel.h"

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <string.h>
#include <sys/socket.h>

static uint64_t monotonic_of(const struct timespec *stamp)
{
    if (stamp->tv_sec == 0)
        return 0;
    uint64_t past_ns = clock_ns(CLOCK_REALTIME) - timespec_ns(stamp);
    uint64_t now_ns = clock_monotonic_ns();
    return past_ns < now_ns ? now_ns - past_ns : 0;
}

uint64_t kernel_stamp_of_control(void *control, size_t bytes)
{
    struct msghdr message = {.msg_control = control, .msg_controllen = bytes};
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
        struct scm_timestamping stamps;
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPING ||
            c->cmsg_len < CMSG_LEN(sizeof stamps))
            continue;
        memcpy(&stamps, CMSG_DATA(c), sizeof stamps);
        return monotonic_of(&stamps.ts[0]);
    }
    return 0;
}

bool kernel_stamps_on(int descriptor)
{
    const int flags = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE |
                      SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_TSONLY;
    return setsockopt(descriptor, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags) == 0;
}

bool kernel_sent_stamp(const struct ring *ring, int descriptor, uint64_t *stamp_ns)
{
    (void)ring;
    bool found = false;
    for (;;) {
        _Alignas(struct cmsghdr) char control[256];
        struct msghdr message = {.msg_control = control, .msg_controllen = sizeof control};
        if (recvmsg(descriptor, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
            return found;
        uint64_t ns = kernel_stamp_of_control(control, message.msg_controllen);
        if (ns > 0) {
            *stamp_ns = ns;
            found = true;
        }
    }
}
