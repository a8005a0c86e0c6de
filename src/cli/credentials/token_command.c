/* The command has a process group of its own, so that all of it can be ended; nothing of ours but
 * the environment and standard error gets to it. */
#include "cli/credentials/token_command.h"

#include "base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMMAND_MAX_NS (60 * NS_PER_S)
#define SLICE_NS (50 * NS_PER_MS) /* in which the end of the run is seen */

static int start(const char *command, int output, pid_t *pid)
{
    const char *words[] = {"sh", "-c", command, NULL};
    char *copies[4] = {0};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int error = 0;
    for (int i = 0; words[i] && !error; i++) {
        copies[i] = strdup(words[i]);
        error = copies[i] ? 0 : ENOMEM;
    }
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&how);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    posix_spawnattr_setsigmask(&how, &none);
    posix_spawnattr_setsigdefault(&how, &all);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                       POSIX_SPAWN_SETPGROUP);
    if (!error)
        error = posix_spawn(pid, "/bin/sh", &files, &how, copies, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&how);
    for (int i = 0; i < 4; i++)
        free(copies[i]);
    return error;
}

/* It is left to be waited for. */
static bool has_ended(pid_t pid)
{
    siginfo_t about = {0};
    return waitid(P_PID, (id_t)pid, &about, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           about.si_pid == pid;
}

/* All that it prints: up to the end of its output, or to its own end, for what it leaves running,
 * as an agent, may hold that open. False: time is up, the run is over, or it is too much. */
static bool read_all(int fd, pid_t pid, struct token_wait *wait, char *text, size_t *bytes)
{
    uint64_t end_ns = clock_monotonic_ns() + COMMAND_MAX_NS;
    bool is_over = false;
    *bytes = 0;
    while (*bytes < TOKEN_BYTES_MAX && clock_monotonic_ns() < end_ns) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (poll(&ready, 1, is_over ? 0 : (int)(SLICE_NS / NS_PER_MS)) == 0) {
            if (is_over)
                return true;
            if (!token_wait_for(wait, 0))
                return false;
            is_over = *bytes > 0 && has_ended(pid);
            continue;
        }
        ssize_t got = read(fd, text + *bytes, TOKEN_BYTES_MAX - *bytes);
        if (got == 0)
            return true;
        if (got < 0 && errno != EINTR && errno != EAGAIN)
            return false;
        *bytes += got > 0 ? (size_t)got : 0;
    }
    return false;
}

/* Its exit status, once it has ended, as it must soon; or -1. */
static int end(pid_t pid, bool was_read, struct token_wait *wait)
{
    uint64_t end_ns = clock_monotonic_ns() + COMMAND_MAX_NS;
    int status = -1; /* of none that is waited for in vain: a signal's */
    if (!was_read)
        kill(-pid, SIGKILL);
    while (waitpid(pid, &status, WNOHANG) == 0) {
        bool goes_on = token_wait_for(wait, NS_PER_MS);
        if (!goes_on || clock_monotonic_ns() > end_ns) {
            kill(-pid, SIGKILL);
            waitpid(pid, &status, 0);
            break;
        }
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool token_command_run(const char *command, struct token_wait *wait, struct token_reply *reply)
{
    int ends[2];
    pid_t pid;
    size_t bytes;
    char *text = malloc(TOKEN_BYTES_MAX);
    if (!text)
        return token_reply_fail(reply, "memory is out");
    int error = pipe2(ends, O_CLOEXEC) == 0 ? 0 : errno;
    if (!error) {
        error = start(command, ends[1], &pid);
        close(ends[1]);
        if (error)
            close(ends[0]);
    }
    if (error) {
        free(text);
        return token_reply_fail(reply, "the command cannot be started: %s", strerror(error));
    }
    bool was_read = read_all(ends[0], pid, wait, text, &bytes);
    close(ends[0]);
    int status = end(pid, was_read, wait);
    bool good = false;
    if (!was_read)
        token_reply_fail(reply, "the command had not ended after a minute, or printed too much");
    else if (status < 0)
        token_reply_fail(reply, "the command was ended by a signal");
    else if (status > 0)
        token_reply_fail(reply, "the command ended with %d", status);
    else
        good = token_reply_read(reply, (struct ringsend_bytes){text, bytes}, true);
    explicit_bzero(text, TOKEN_BYTES_MAX);
    free(text);
    return good;
}
