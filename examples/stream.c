/* Large bodies in little memory: a file is sent from its descriptor; a response is written to a
 * descriptor, or taken in pieces, as fast as standard output takes them.
 *
 *   cc stream.c $(pkg-config --cflags --libs ringsend) -o stream
 *   ./stream put http://127.0.0.1:8080/disk disk.img
 *   ./stream get http://127.0.0.1:8080/disk copy.img
 *   ./stream take http://127.0.0.1:8080/disk | gzip > disk.gz */
#include <ringsend.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file is read from position 0, and again from there if another try is made; a pipe to its end,
 * and once only. */
static bool put(struct ringsend_request *request, const char *path)
{
    struct stat about;
    request->body_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (request->body_fd < 0 || fstat(request->body_fd, &about) != 0)
        return false;
    request->method = (struct ringsend_bytes){"PUT", 3};
    request->flags = RINGSEND_BODY_FD;
    request->body_bytes = (uint64_t)about.st_size;
    if (!S_ISREG(about.st_mode)) {
        request->body_at = RINGSEND_SEQUENTIAL;
        request->body_bytes = RINGSEND_UNKNOWN; /* sent in chunks */
    }
    return true;
}

static bool get(struct ringsend_request *request, const char *path)
{
    request->response_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    request->flags = RINGSEND_RESPONSE_FD;
    return request->response_fd >= 0;
}

/* While this blocks, the engine does not run, the connection fills up, and the server has to wait.
 * A host with more to do would keep the piece, call ringsend_hold, and go on with everything else.
 */
static bool write_out(struct ringsend_bytes piece)
{
    while (piece.bytes > 0) {
        ssize_t n = write(STDOUT_FILENO, piece.data, piece.bytes);
        if (n < 0 && errno != EINTR) {
            perror("standard output");
            return false;
        }
        piece.data += n > 0 ? n : 0;
        piece.bytes -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

static bool report(const struct ringsend_result *result)
{
    const char *why = result->error ? ringsend_error_text(result->error) : "the server said no";
    if (!result->ok)
        fprintf(stderr, "status %d, %zu bytes came: %s\n", result->status, result->packed_bytes,
                result->detail ? result->detail : why);
    /* What the server says about an upload, or in place of what was asked for: not streamed, in one
     * piece. */
    return write_out(result->body) && result->ok;
}

static bool finish(struct ringsend *engine)
{
    const struct ringsend_result *result;
    while (ringsend_run(engine, RINGSEND_NEVER) >= 0) {
        while (ringsend_reap(engine, &result, 1) == 1) {
            if (result->kind == RINGSEND_FINAL)
                return report(result);
            if (!write_out(result->body)) /* RINGSEND_PIECE */
                return false;
        }
    }
    return false;
}

int main(int argc, char **argv)
{
    struct ringsend_request request = {.size = sizeof request, .body_fd = -1, .response_fd = -1};
    struct ringsend_options options = {.size = sizeof options,
                                       .attempt_timeout_ns = RINGSEND_NEVER};
    struct ringsend *engine = NULL;
    const char *way = argc > 2 ? argv[1] : "";
    bool known = argc == 4 ? strcmp(way, "put") == 0 || strcmp(way, "get") == 0
                           : argc == 3 && strcmp(way, "take") == 0;
    if (!known) {
        fputs("usage: stream put URL FILE | get URL FILE | take URL\n", stderr);
        return 1;
    }
    request.url = (struct ringsend_bytes){argv[2], strlen(argv[2])};
    if (argc == 3)
        request.flags = RINGSEND_RESPONSE_PIECES;
    else if (!(way[0] == 'p' ? put : get)(&request, argv[3])) {
        fprintf(stderr, "%s: %s\n", argv[3], strerror(errno));
        return 1;
    }
    int error = ringsend_new(&engine, &options);
    if (!error)
        error = ringsend_submit(engine, &request);
    if (error)
        fprintf(stderr, "cannot be sent: %s\n", ringsend_error_text((enum ringsend_error) - error));
    bool ok = !error && finish(engine);
    ringsend_free(engine); /* lets go of the request and its descriptors */
    if (request.body_fd >= 0)
        close(request.body_fd);
    if (request.response_fd >= 0 && close(request.response_fd) != 0)
        ok = false;
    return ok ? 0 : 1;
}
