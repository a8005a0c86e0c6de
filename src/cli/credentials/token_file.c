/* Written in place, as the lock is on the file itself: what a process leaves behind that dies while
 * it writes is no token, and is made anew. */
#include "cli/credentials/token_file.h"

#include "base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRY_AGAIN_NS (20 * NS_PER_MS)

enum { AROUND_BYTES = 128 };

int token_file_lock(const char *path, struct token_wait *wait, struct token_reply *reply)
{
    struct stat about;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
    if (fd < 0 || fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
        token_reply_fail(reply, "--token-file %s: %s", path,
                         fd < 0 ? strerror(errno) : "not a regular file");
        if (fd >= 0)
            close(fd);
        return -1;
    }
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        bool is_others = errno == EWOULDBLOCK || errno == EINTR;
        if (is_others && token_wait_for(wait, TRY_AGAIN_NS))
            continue;
        token_reply_fail(reply, "--token-file %s: %s", path,
                         is_others ? "the run is over" : strerror(errno));
        close(fd);
        return -1;
    }
    return fd;
}

bool token_file_read(int fd, struct token_reply *reply)
{
    char *text = malloc(TOKEN_BYTES_MAX + AROUND_BYTES);
    ssize_t bytes = text ? pread(fd, text, TOKEN_BYTES_MAX + AROUND_BYTES, 0) : -1;
    bool good =
        bytes > 0 && token_reply_read(reply, (struct ringsend_bytes){text, (size_t)bytes}, false);
    if (text)
        explicit_bzero(text, TOKEN_BYTES_MAX + AROUND_BYTES);
    free(text);
    return good;
}

/* A backslash or a quote in it, and nothing else, wants an escape: it is ASCII. */
static size_t put_token(char *out, const char *token)
{
    size_t bytes = 0;
    for (; *token; token++) {
        if (*token == '"' || *token == '\\')
            out[bytes++] = '\\';
        out[bytes++] = *token;
    }
    return bytes;
}

bool token_file_write(int fd, const struct token_reply *reply)
{
    static const char begin[] = "{\"access_token\":\"";
    size_t room = 2 * strlen(reply->token) + AROUND_BYTES, bytes = sizeof begin - 1;
    char *text = malloc(room);
    if (!text)
        return false;
    memcpy(text, begin, bytes);
    bytes += put_token(text + bytes, reply->token);
    bytes += (size_t)snprintf(text + bytes, room - bytes,
                              "\",\"expires_in\":%" PRIu64 ",\"began_at\":%" PRIu64 "}\n",
                              reply->life_s, reply->began_at_s);
    bool good = ftruncate(fd, 0) == 0 && pwrite(fd, text, bytes, 0) == (ssize_t)bytes;
    explicit_bzero(text, room);
    free(text);
    return good;
}
