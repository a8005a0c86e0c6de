/* Linux calls pages clean that it could not write (fsync(2), "EIO"): a second sync finds nothing to
 * do and succeeds, and whoever reads gets from memory what the disk never had. Only pages that were
 * written to again are tried again. */
#include "results/tail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

enum { STEP_BYTES = 16 << 10 };

static int write_all(int fd, const char *data, size_t bytes, uint64_t at)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t put = pwrite(fd, data + done, bytes - done, (off_t)(at + done));
        if (put < 0 && errno != EINTR)
            return errno;
        done += put > 0 ? (size_t)put : 0;
    }
    return 0;
}

static int write_again(int fd, uint64_t from, uint64_t to)
{
    char data[STEP_BYTES];
    for (uint64_t at = from; at < to;) {
        size_t wanted = to - at < sizeof data ? (size_t)(to - at) : sizeof data;
        ssize_t got = pread(fd, data, wanted, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? errno : EIO;
        int error = write_all(fd, data, (size_t)got, at);
        if (error)
            return error;
        at += (uint64_t)got;
    }
    return 0;
}

int tail_sync(int fd, uint64_t from, uint64_t to)
{
    /* With O_APPEND pwrite would append, wherever it is to write (pwrite(2), BUGS). */
    int flags = fcntl(fd, F_GETFL);
    bool appends = flags >= 0 && (flags & O_APPEND) && from < to;
    if (flags < 0 || (appends && fcntl(fd, F_SETFL, flags & ~O_APPEND) != 0))
        return errno;
    int error = write_again(fd, from, to);
    if (appends && fcntl(fd, F_SETFL, flags) != 0 && error == 0)
        error = errno;
    return error == 0 && fdatasync(fd) != 0 ? errno : error;
}
