/* The file of a unix socket outlives its listener, and is in the next one's way. One to which
 * nobody listens any more, as a connect tells, is removed; any other stays, and is an error. */
#include "serve/unix_listener.h"

#include "base/check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* A socket to which nobody listens. */
static bool is_left_over(const struct sockaddr_un *address, socklen_t bytes)
{
    struct stat about;
    if (lstat(address->sun_path, &about) != 0 || !S_ISSOCK(about.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    bool refused =
        connect(fd, (const struct sockaddr *)address, bytes) != 0 && errno == ECONNREFUSED;
    close(fd);
    return refused;
}

static int listen_at(int fd, const struct sockaddr_un *address, socklen_t bytes)
{
    int error = bind(fd, (const struct sockaddr *)address, bytes) == 0 ? 0 : -errno;
    if (error == -EADDRINUSE && address->sun_path[0] != '\0' && is_left_over(address, bytes) &&
        unlink(address->sun_path) == 0)
        error = bind(fd, (const struct sockaddr *)address, bytes) == 0 ? 0 : -errno;
    if (error == 0 && listen(fd, SOMAXCONN) != 0)
        error = -errno;
    return error;
}

int unix_listener_open(struct unix_listener *l, const char *path, bool is_abstract, char *error,
                       size_t error_bytes)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t bytes = strlen(path);
    struct stat about;
    CHECK(bytes > 0 && bytes < sizeof address.sun_path);
    memcpy(address.sun_path + is_abstract, path, bytes);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int result = fd < 0
                     ? -errno
                     : listen_at(fd, &address,
                                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + bytes + 1));
    if (result < 0) {
        snprintf(error, error_bytes, "cannot listen on the unix socket %s%s: %s",
                 is_abstract ? "@" : "", path, strerror(-result));
        if (fd >= 0)
            close(fd);
        return result;
    }
    if (!is_abstract && lstat(path, &about) == 0) {
        memcpy(l->path, path, bytes + 1);
        l->device = about.st_dev;
        l->inode = about.st_ino;
    }
    return fd;
}

void unix_listener_close(struct unix_listener *l)
{
    struct stat about;
    if (l->path[0] != '\0' && lstat(l->path, &about) == 0 && about.st_dev == l->device &&
        about.st_ino == l->inode)
        unlink(l->path);
    l->path[0] = '\0';
}
