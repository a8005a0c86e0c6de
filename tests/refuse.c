/* refuse ERROR PROGRAM [ARGUMENT]...
 *
 * The program, and all that it starts, on a machine that refuses io_uring: its three system calls
 * fail with ERROR, EPERM as under Docker's default profile or ENOSYS as of a kernel built without
 * it. A filter of seccomp(2) that needs no privilege, hence no_new_privs, and that nobody takes off
 * again. Exit status 125 when it could not be put on, 127 when the program cannot be started. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { EXIT_NO_FILTER = 125, EXIT_NO_PROGRAM = 127 };

static int refuse_io_uring(uint32_t error)
{
    /* The numbers are the same on all architectures but Alpha, so that nobody asks which it is. */
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, SYS_io_uring_setup, 0, 2),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, SYS_io_uring_register, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

int main(int argc, char **argv)
{
    int error = 0;
    if (argc >= 3 && strcmp(argv[1], "EPERM") == 0)
        error = EPERM;
    else if (argc >= 3 && strcmp(argv[1], "ENOSYS") == 0)
        error = ENOSYS;
    if (error == 0) {
        fputs("usage: refuse EPERM|ENOSYS PROGRAM [ARGUMENT]...\n", stderr);
        return EXIT_NO_FILTER;
    }
    if (refuse_io_uring((uint32_t)error) != 0) {
        perror("refuse: seccomp");
        return EXIT_NO_FILTER;
    }
    execvp(argv[2], &argv[2]);
    perror(argv[2]);
    return EXIT_NO_PROGRAM;
}
