/* A server for streamed bodies: a thread for each connection. What it does is said by the path:
 *
 *   /echo        reads the body, answers 200 with "BYTES HASH FRAMING", as stream_report makes it
 *   /flaky       the same, but 503 for every other request
 *   /early       answers 413 behind the head, reads no body
 *   /hold        reads the head alone, and never answers
 *   /reset       reads the head and some of the body, and breaks the connection
 *   /bytes/N     answers 200 with N bytes, as stream_byte makes them; /chunks/N in chunks of up to
 *                5000; /end/N up to the end of the stream; /busy/N the first, but with 503
 *   /break/N     announces one more, and closes behind N
 *   /soon/N      answers before it reads the body */
#ifndef RINGSEND_TESTS_UNIT_STREAM_PEER_H
#define RINGSEND_TESTS_UNIT_STREAM_PEER_H

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { STREAM_PEER_CONNECTIONS = 400 };

struct stream_peer {
    int listen_fd;
    char url[64];
    pthread_t thread;
    atomic_uint flaky;     /* requests for /flaky */
    atomic_uint accepting; /* requests with Accept-Encoding */
};

struct stream_link {
    struct stream_peer *peer;
    pthread_t thread;
    int fd;
    char data[16384];
    size_t at, bytes;
};

static uint64_t stream_hash(uint64_t hash, const char *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ (unsigned char)data[i]) * 0x100000001b3u;
    return hash;
}

static void stream_report(char *text, size_t text_bytes, uint64_t bytes, uint64_t hash,
                          bool chunked)
{
    snprintf(text, text_bytes, "%llu %llx %s", (unsigned long long)bytes, (unsigned long long)hash,
             chunked ? "chunked" : "length");
}

/* False: the connection is over. */
static bool link_read(struct stream_link *l)
{
    ssize_t n = read(l->fd, l->data, sizeof l->data);
    l->at = 0;
    l->bytes = n > 0 ? (size_t)n : 0;
    return n > 0;
}

/* To the end of a line, which is left out; false: none came. */
static bool link_line(struct stream_link *l, char *line, size_t line_bytes)
{
    size_t n = 0;
    for (;;) {
        if (l->at == l->bytes && !link_read(l))
            return false;
        char c = l->data[l->at++];
        if (c == '\n') {
            line[n] = 0;
            return true;
        }
        if (c != '\r' && n + 1 < line_bytes)
            line[n++] = c;
    }
}

static bool link_take(struct stream_link *l, uint64_t bytes, uint64_t *hash)
{
    while (bytes > 0) {
        if (l->at == l->bytes && !link_read(l))
            return false;
        size_t n = l->bytes - l->at < bytes ? l->bytes - l->at : (size_t)bytes;
        *hash = stream_hash(*hash, l->data + l->at, n);
        l->at += n;
        bytes -= n;
    }
    return true;
}

static bool link_body(struct stream_link *l, bool chunked, uint64_t *bytes, uint64_t *hash)
{
    char line[64];
    if (!chunked)
        return link_take(l, *bytes, hash);
    for (uint64_t size = 1; size > 0; *bytes += size) {
        if (!link_line(l, line, sizeof line))
            return false;
        size = strtoull(line, NULL, 16);
        if (!link_take(l, size, hash) || !link_line(l, line, sizeof line) || line[0])
            return false;
    }
    return true;
}

static bool link_write(struct stream_link *l, const char *data, size_t bytes)
{
    while (bytes > 0) {
        ssize_t n = send(l->fd, data, bytes, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        data += n;
        bytes -= (size_t)n;
    }
    return true;
}

static bool link_answer(struct stream_link *l, const char *status, const char *body)
{
    char text[256];
    int bytes = snprintf(text, sizeof text, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", status,
                         strlen(body), body);
    return link_write(l, text, (size_t)bytes);
}

static char stream_byte(size_t at)
{
    return (char)(at * 7 + at / 251);
}

/* Answers with a body of its own. */
static bool link_give(struct stream_link *l, const char *path)
{
    bool chunks = strncmp(path, "/chunks/", 8) == 0, breaks = strncmp(path, "/break/", 7) == 0;
    bool to_end = strncmp(path, "/end/", 5) == 0, busy = strncmp(path, "/busy/", 6) == 0;
    size_t bytes = strtoull(strchr(path + 1, '/') + 1, NULL, 10), at = 0;
    char text[5100], length[64] = "";
    if (!chunks && !to_end)
        snprintf(length, sizeof length, "Content-Length: %zu\r\n", bytes + breaks);
    int n = snprintf(text, sizeof text, "HTTP/1.1 %s\r\nX-Kind: %.8s\r\n%s%s\r\n",
                     busy ? "503 Busy" : "200 OK", path, length,
                     chunks ? "Transfer-Encoding: chunked\r\nContent-Encoding: br\r\n" : "");
    if (chunks && bytes == 0)
        n += snprintf(text + n, sizeof text - (size_t)n, "0\r\n\r\n");
    while (link_write(l, text, (size_t)n) && at < bytes) {
        size_t part = bytes - at < 5000 ? bytes - at : 5000;
        n = chunks ? snprintf(text, sizeof text, "%zx\r\n", part) : 0;
        for (size_t i = 0; i < part; i++)
            text[n++] = stream_byte(at++);
        if (chunks)
            n += snprintf(text + n, sizeof text - (size_t)n, "\r\n%s",
                          at == bytes ? "0\r\n\r\n" : "");
    }
    return !to_end && !breaks && at == bytes;
}

/* One request; false: the connection is over. */
static bool link_serve(struct stream_link *l)
{
    char first[128], line[256], report[96];
    uint64_t bytes = 0, hash = 0;
    bool chunked = false;
    if (!link_line(l, first, sizeof first))
        return false;
    do {
        if (!link_line(l, line, sizeof line))
            return false;
        chunked |= strcmp(line, "Transfer-Encoding: chunked") == 0;
        l->peer->accepting += strncmp(line, "Accept-Encoding: ", 17) == 0;
        if (strncmp(line, "Content-Length: ", 16) == 0)
            bytes = strtoull(line + 16, NULL, 10);
    } while (line[0]);
    const char *path = strchr(first, ' ') + 1;
    if (strncmp(path, "/hold ", 6) == 0) {
        struct pollfd end = {.fd = l->fd, .events = POLLRDHUP};
        poll(&end, 1, -1);
        return false;
    }
    if (strncmp(path, "/early ", 7) == 0) {
        link_answer(l, "413 Too Large", "no");
        shutdown(l->fd, SHUT_WR);
        while (link_read(l))
            ;
        return false;
    }
    if (strncmp(path, "/reset ", 7) == 0) {
        static const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
        link_take(l, 1, &hash);
        (void)connect(l->fd, &nowhere, sizeof nowhere); /* tells the other end with a reset */
        return false;
    }
    if (strncmp(path, "/soon/", 6) == 0)
        return link_give(l, path) && link_body(l, chunked, &bytes, &hash);
    if (!link_body(l, chunked, &bytes, &hash))
        return false;
    if (strchr(path + 1, '/') < strchr(path, ' '))
        return link_give(l, path);
    stream_report(report, sizeof report, bytes, hash, chunked);
    bool declines =
        strncmp(path, "/flaky ", 7) == 0 && atomic_fetch_add(&l->peer->flaky, 1) % 2 == 0;
    return link_answer(l, declines ? "503 Busy" : "200 OK", report);
}

static void *link_run(void *argument)
{
    struct stream_link *l = argument;
    while (link_serve(l))
        ;
    shutdown(l->fd, SHUT_RDWR);
    return NULL;
}

static void *stream_peer_run(void *argument)
{
    struct stream_peer *peer = argument;
    static struct stream_link *links[STREAM_PEER_CONNECTIONS];
    size_t count = 0;
    int fd;
    while (count < STREAM_PEER_CONNECTIONS && (fd = accept(peer->listen_fd, NULL, NULL)) >= 0) {
        struct stream_link *l = links[count++] = calloc(1, sizeof *l);
        l->peer = peer;
        l->fd = fd;
        pthread_create(&l->thread, NULL, link_run, l);
    }
    for (size_t i = 0; i < count; i++) {
        shutdown(links[i]->fd, SHUT_RDWR);
        pthread_join(links[i]->thread, NULL);
        close(links[i]->fd);
        free(links[i]);
    }
    return NULL;
}

static int stream_peer_start(void **state)
{
    static struct stream_peer peer;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof address;
    peer.listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(peer.listen_fd, (struct sockaddr *)&address, bytes) != 0 ||
        listen(peer.listen_fd, 100) != 0 ||
        getsockname(peer.listen_fd, (struct sockaddr *)&address, &bytes) != 0)
        return -1;
    snprintf(peer.url, sizeof peer.url, "http://127.0.0.1:%d/", ntohs(address.sin_port));
    *state = &peer;
    return pthread_create(&peer.thread, NULL, stream_peer_run, &peer);
}

static int stream_peer_stop(void **state)
{
    struct stream_peer *peer = *state;
    shutdown(peer->listen_fd, SHUT_RDWR);
    pthread_join(peer->thread, NULL);
    return close(peer->listen_fd);
}

/* The next result of any kind. */
static inline const struct ringsend_result *next(struct ringsend *engine)
{
    const struct ringsend_result *result = NULL;
    while (ringsend_run(engine, RINGSEND_NEVER) == 0)
        ;
    assert_int_equal(ringsend_reap(engine, &result, 1), 1);
    return result;
}

static inline const struct ringsend_result *result_of(struct ringsend *engine,
                                                      struct ringsend_request *request)
{
    assert_int_equal(ringsend_submit(engine, request), 0);
    const struct ringsend_result *result = next(engine);
    assert_int_equal(result->kind, RINGSEND_FINAL);
    return result;
}

#endif
