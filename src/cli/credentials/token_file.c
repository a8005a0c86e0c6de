/* Written in place, as the lock is on the file itself: what a process leaves behind that dies while
 * it writes is no token, and is made anew. A file that holds anything else is somebody's, as that
 * of a secret or of records is when it stands at the wrong option: it is never written to. */
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

#define BEGIN "{\"access_token\":\""
#define LIFE "\",\"expires_in\":"
#define BEGAN ",\"began_at\":"

enum { AROUND_BYTES = 128, BEGIN_BYTES = sizeof BEGIN - 1 };

/* Nothing, what was written here, or as much of that as a death in the middle leaves; after a loss
 * of power zeros may stand in its place. */
static bool is_ours(const char *text, size_t bytes)
{
    size_t same = bytes < BEGIN_BYTES ? bytes : BEGIN_BYTES;
    while (bytes > 0 && text[bytes - 1] == '\n')
        bytes--;
    if (bytes == 0 || text[0] == '\0')
        return true;
    if (memcmp(text, BEGIN, same) != 0)
        return false;
    return text[bytes - 1] != '}' || memmem(text, bytes, BEGAN, sizeof BEGAN - 1);
}

/* The text, or null. */
static char *read_text(int fd, size_t *bytes)
{
    char *text = malloc(TOKEN_BYTES_MAX + AROUND_BYTES);
    ssize_t got = text ? pread(fd, text, TOKEN_BYTES_MAX + AROUND_BYTES, 0) : -1;
    *bytes = got > 0 ? (size_t)got : 0;
    if (got >= 0)
        return text;
    free(text);
    return NULL;
}

static void forget(char *text)
{
    if (text)
        explicit_bzero(text, TOKEN_BYTES_MAX + AROUND_BYTES);
    free(text);
}

/* Null, or why it can be no token's file. */
static const char *fault_of(int fd)
{
    struct stat about;
    size_t bytes;
    if (fstat(fd, &about) != 0)
        return strerror(errno);
    if (!S_ISREG(about.st_mode))
        return "not a regular file";
    char *text = read_text(fd, &bytes);
    const char *fault = !text                   ? strerror(errno)
                        : !is_ours(text, bytes) ? "it holds something else than a token that was "
                                                  "put there, and is not overwritten"
                                                : NULL;
    forget(text);
    return fault;
}

const char *token_file_fault(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? NULL : strerror(errno);
    const char *fault = fault_of(fd);
    close(fd);
    return fault;
}

int token_file_lock(const char *path, struct token_wait *wait, struct token_reply *reply)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
    if (fd < 0) {
        token_reply_fail(reply, "--token-file %s: %s", path, strerror(errno));
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
    const char *fault = fault_of(fd);
    if (!fault)
        return fd;
    token_reply_fail(reply, "--token-file %s: %s", path, fault);
    close(fd);
    return -1;
}

bool token_file_read(int fd, struct token_reply *reply)
{
    size_t bytes;
    char *text = read_text(fd, &bytes);
    bool good = text && token_reply_read(reply, (struct ringsend_bytes){text, bytes}, false);
    forget(text);
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
    size_t room = 2 * strlen(reply->token) + AROUND_BYTES, bytes = BEGIN_BYTES;
    char *text = malloc(room);
    if (!text)
        return false;
    memcpy(text, BEGIN, bytes);
    bytes += put_token(text + bytes, reply->token);
    bytes += (size_t)snprintf(text + bytes, room - bytes, LIFE "%" PRIu64 BEGAN "%" PRIu64 "}\n",
                              reply->life_s, reply->began_at_s);
    bool good = ftruncate(fd, 0) == 0 && pwrite(fd, text, bytes, 0) == (ssize_t)bytes;
    explicit_bzero(text, room);
    free(text);
    return good;
}
