/* Why io_uring was refused: an errno alone does not tell, so the machine is asked too (sysctl,
 * limits, kernel release), and the answer comes with its cure. Nothing here needs a ring.
 *
 * EPERM has two causes that look alike: the sysctl kernel.io_uring_disabled (6.6, and older
 * enterprise kernels), which can be read, and seccomp filters such as Docker's since 25.0, which
 * cannot; so the latter is named when the former is off. */
#include "uring/ring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

/* The sysctl's value, or -1 where there is none. */
static int sysctl_disabled(void)
{
    FILE *file = fopen("/proc/sys/kernel/io_uring_disabled", "re");
    if (file == NULL)
        return -1;
    int c = fgetc(file);
    fclose(file);
    return c >= '0' && c <= '9' ? c - '0' : -1;
}

static void explain_refused(char *text, size_t text_bytes)
{
    int disabled = sysctl_disabled();
    if (disabled > 0)
        snprintf(text, text_bytes,
                 "io_uring is switched off on this machine (kernel.io_uring_disabled is %d%s). "
                 "Switch it on with `sysctl -w kernel.io_uring_disabled=0`%s.",
                 disabled, disabled == 1 ? ": for all but privileged users and one group" : "",
                 disabled == 1 ? ", or join the group whose id is in kernel.io_uring_group" : "");
    else
        snprintf(text, text_bytes,
                 "io_uring is blocked for this process, most likely by a container's seccomp "
                 "profile (Docker's default one since 25.0). Run the container with "
                 "`--security-opt seccomp=FILE`, a profile that allows io_uring_setup, "
                 "io_uring_enter and io_uring_register, or seccomp=unconfined.");
}

/* The soft limit for people, in units of `unit` bytes. */
static void limit_text(int resource, rlim_t unit, char text[32])
{
    struct rlimit limit = {.rlim_cur = RLIM_INFINITY};
    (void)getrlimit((__rlimit_resource_t)resource, &limit);
    if (limit.rlim_cur == RLIM_INFINITY)
        snprintf(text, 32, "unlimited");
    else
        snprintf(text, 32, "%llu", (unsigned long long)(limit.rlim_cur / unit));
}

void ring_explain(int error, char *text, size_t text_bytes)
{
    char limit[32];
    struct utsname system = {0};
    error = abs(error);
    switch (error) {
    case EPERM:
        explain_refused(text, text_bytes);
        break;
    case ENOSYS:
        snprintf(text, text_bytes,
                 "There is no io_uring here: the kernel is older than 5.1 or built without "
                 "CONFIG_IO_URING, or a sandbox or seccomp profile hides the system call. Run "
                 "outside the sandbox, or on Linux 6.1 or newer.");
        break;
    case ENOMEM:
        limit_text(RLIMIT_MEMLOCK, 1024, limit);
        snprintf(text, text_bytes,
                 "There is no memory for io_uring: its queues count against the limit of locked "
                 "memory of this user (now %s KiB), over all processes. Raise it with "
                 "`ulimit -l`, or LimitMEMLOCK= in a systemd unit.",
                 limit);
        break;
    case ENOBUFS:
        snprintf(text, text_bytes, "Memory is out.");
        break;
    case EMFILE:
        limit_text(RLIMIT_NOFILE, 1, limit);
        snprintf(text, text_bytes,
                 "The limit of open descriptors (now %s) is too low for so many connections. Raise "
                 "it with `ulimit -n`, or LimitNOFILE= in a systemd unit, or use fewer "
                 "connections.",
                 limit);
        break;
    case EINVAL:
        (void)uname(&system);
        snprintf(text, text_bytes,
                 "This kernel (%s) is too old: its io_uring lacks what ringsend needs. Linux 6.1 "
                 "or newer is needed.",
                 system.release);
        break;
    case EACCES:
        snprintf(text, text_bytes,
                 "io_uring cannot be used: %s. A security policy forbids it, as SELinux does from "
                 "Linux 6.15 on (class io_uring, permission allowed: see `ausearch -m avc`), or a "
                 "seccomp profile.",
                 strerror(error));
        break;
    default:
        snprintf(text, text_bytes,
                 "io_uring cannot be used: %s. If the kernel has it, a seccomp profile answers so.",
                 strerror(error));
        break;
    }
}

void ring_explain_fallback(int error, char *text, size_t text_bytes)
{
    char cause[400];
    ring_explain(error, cause, sizeof(cause));
    snprintf(text, text_bytes, "over epoll, with more system calls: %s", cause);
}
