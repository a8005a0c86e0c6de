/* A server for the engine's tests on the real kernel: one thread, any number of connections, each
 * request (GETs alone) answered with "ok"; "/hold" never, "/big" with PEER_BIG_BYTES. */
#ifndef RINGSEND_TESTS_UNIT_PEER_H
#define RINGSEND_TESTS_UNIT_PEER_H

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PEER_CONNECTIONS = 500, PEER_BIG_BYTES = 300000, PEER_HEAD_BYTES = 1024 };

struct peer {
    int listen_fd, stop_fds[2];
    char url[64];
    pthread_t thread;
};

static bool peer_write(int fd, const char *data, size_t bytes)
{
    while (bytes > 0) {
        ssize_t n = send(fd, data, bytes, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        data += n;
        bytes -= (size_t)n;
    }
    return true;
}

static bool peer_answer(int fd, const char *head)
{
    static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    static const char block[10000];
    if (strncmp(head, "GET /hold ", 10) == 0)
        return true;
    if (strncmp(head, "GET /big ", 9) != 0)
        return peer_write(fd, ok, sizeof ok - 1);
    char text[64];
    int bytes = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n",
                         PEER_BIG_BYTES);
    bool whole = peer_write(fd, text, (size_t)bytes);
    for (size_t left = PEER_BIG_BYTES; whole && left > 0; left -= sizeof block)
        whole = peer_write(fd, block, sizeof block);
    return whole;
}

/* False: the connection is over. A head comes in one piece or in several, never two at once. */
static bool peer_read(int fd, char *head)
{
    size_t used = strlen(head);
    ssize_t n = read(fd, head + used, PEER_HEAD_BYTES - 1 - used);
    if (n <= 0)
        return false;
    head[used + (size_t)n] = 0;
    if (!strstr(head, "\r\n\r\n"))
        return true;
    bool more = peer_answer(fd, head);
    head[0] = 0;
    return more;
}

static void *peer_serve(void *argument)
{
    static char heads[PEER_CONNECTIONS][PEER_HEAD_BYTES];
    static struct pollfd fds[PEER_CONNECTIONS];
    struct peer *peer = argument;
    nfds_t count = 2;
    fds[0] = (struct pollfd){.fd = peer->stop_fds[0], .events = POLLIN};
    fds[1] = (struct pollfd){.fd = peer->listen_fd, .events = POLLIN};
    while (poll(fds, count, -1) >= 0 && !fds[0].revents) {
        for (nfds_t i = 2; i < count; i++) {
            if (!fds[i].revents || peer_read(fds[i].fd, heads[i]))
                continue;
            close(fds[i].fd);
            count--;
            fds[i] = fds[count];
            memcpy(heads[i], heads[count], PEER_HEAD_BYTES);
            i--;
        }
        if (fds[1].revents && count < PEER_CONNECTIONS) {
            fds[count] =
                (struct pollfd){.fd = accept(peer->listen_fd, NULL, NULL), .events = POLLIN};
            heads[count][0] = 0;
            count += fds[count].fd >= 0;
        }
    }
    for (nfds_t i = 2; i < count; i++)
        close(fds[i].fd);
    return NULL;
}

static int peer_start(void **state)
{
    static struct peer peer;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof address;
    peer.listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (pipe(peer.stop_fds) != 0 || bind(peer.listen_fd, (struct sockaddr *)&address, bytes) != 0 ||
        listen(peer.listen_fd, 500) != 0 ||
        getsockname(peer.listen_fd, (struct sockaddr *)&address, &bytes) != 0)
        return -1;
    snprintf(peer.url, sizeof peer.url, "http://127.0.0.1:%d/", ntohs(address.sin_port));
    *state = &peer;
    return pthread_create(&peer.thread, NULL, peer_serve, &peer);
}

static int peer_stop(void **state)
{
    struct peer *peer = *state;
    close(peer->stop_fds[1]);
    pthread_join(peer->thread, NULL);
    close(peer->stop_fds[0]);
    return close(peer->listen_fd);
}

#endif
