#include "cli/fallback.h"

#include "uring/ring.h"

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

void fallback_tell(const char *command, const char *message)
{
    static bool is_told;
    struct pollfd listener = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (!message[0] || is_told || poll(&listener, 1, 0) != 1 || listener.revents != POLLOUT)
        return;
    is_told = true;
    fprintf(stderr, "ringsend %s: %s (--io epoll takes it without a word)\n", command, message);
}

void fallback_tell_refused(const char *command, int refused)
{
    char message[512] = "";
    if (refused != 0)
        ring_explain_fallback(refused, message, sizeof message);
    fallback_tell(command, message);
}
