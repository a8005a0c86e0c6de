/* Runs a command and writes what it cost: measure FILE COMMAND [ARGUMENT...]
 *
 * FILE gets one line: wall ns, user us, system us, peak resident KiB, exit status. A program of its
 * own and a small one, because exec hands the peak of the process that called it on to the new
 * program: started straight from Python, nothing would ever seem to take less than Python. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static long long us(struct timeval t)
{
    return t.tv_sec * 1000000LL + t.tv_usec;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: measure FILE COMMAND [ARGUMENT...]\n");
        return 1;
    }
    FILE *out = fopen(argv[1], "we"); /* "e": the command does not inherit it */
    if (!out) {
        perror(argv[1]);
        return 1;
    }
    long long start_ns = now_ns();
    pid_t pid = fork();
    if (pid < 0) {
        perror("fork");
        return 1;
    }
    if (pid == 0) {
        execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    int status;
    struct rusage usage;
    while (wait4(pid, &status, 0, &usage) < 0) {
        if (errno != EINTR) {
            perror("wait4");
            return 1;
        }
    }
    int exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    fprintf(out, "%lld %lld %lld %ld %d\n", now_ns() - start_ns, us(usage.ru_utime),
            us(usage.ru_stime), usage.ru_maxrss, exit_status);
    return fclose(out) == 0 ? 0 : 1;
}
