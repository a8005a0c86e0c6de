/* An https server for the engine's tests on the real kernel: one thread, one connection at a time,
 * one request (a GET) on each. "/gzip", "/zstd" and "/br" are answered with TLS_PEER_TEXT packed
 * so, others with it as it is. Sessions are resumed. Certificates: tests/tls. */
#ifndef RINGSEND_TESTS_UNIT_TLS_PEER_H
#define RINGSEND_TESTS_UNIT_TLS_PEER_H

#include "tls/tls.h"

#include <arpa/inet.h>
#include <brotli/encode.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define TLS_PEER_TEXT "{\"code\": 0, \"text\": \"as good as any other text, as good as any other\"}"

enum { TLS_PEER_BODY_BYTES = 512, TLS_PEER_SESSIONS = 16 };

struct tls_peer {
    int listen_fd, stop_fds[2];
    uint16_t port;
    struct tls_config *config;
    void (*begin)(void); /* on the peer's thread; null: nothing */
    pthread_t thread;
};

static size_t tls_peer_pack(const char *head, char body[TLS_PEER_BODY_BYTES], const char **coding)
{
    static const char text[] = TLS_PEER_TEXT;
    size_t bytes = TLS_PEER_BODY_BYTES;
    if (strncmp(head, "GET /gzip ", 10) == 0) {
        z_stream z = {.next_in = (Bytef *)(uintptr_t)text,
                      .avail_in = sizeof text - 1,
                      .next_out = (Bytef *)body,
                      .avail_out = TLS_PEER_BODY_BYTES};
        *coding = "gzip";
        if (deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) == Z_OK)
            deflate(&z, Z_FINISH);
        deflateEnd(&z);
        return z.total_out;
    }
    if (strncmp(head, "GET /zstd ", 10) == 0) {
        *coding = "zstd";
        return ZSTD_compress(body, bytes, text, sizeof text - 1, 3);
    }
    if (strncmp(head, "GET /br ", 8) == 0) {
        *coding = "br";
        BrotliEncoderCompress(5, 22, BROTLI_MODE_TEXT, sizeof text - 1, (const uint8_t *)text,
                              &bytes, (uint8_t *)body);
        return bytes;
    }
    *coding = "identity";
    memcpy(body, text, sizeof text - 1);
    return sizeof text - 1;
}

static void tls_peer_answer(struct tls *t, const char *head)
{
    char body[TLS_PEER_BODY_BYTES], text[256];
    const char *coding;
    size_t body_bytes = tls_peer_pack(head, body, &coding);
    int bytes = snprintf(text, sizeof text,
                         "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Encoding: %s\r\n"
                         "Content-Length: %zu\r\n\r\n",
                         coding, body_bytes);
    tls_write(t, text, (size_t)bytes);
    tls_write(t, body, body_bytes);
    tls_flush(t);
    tls_close(t);
}

static bool tls_peer_flush(struct tls *t, int fd)
{
    char cipher[4096];
    size_t bytes;
    while ((bytes = tls_take(t, cipher, sizeof cipher)) > 0)
        if (send(fd, cipher, bytes, MSG_NOSIGNAL) != (ssize_t)bytes)
            return false;
    return true;
}

static void tls_peer_converse(struct tls *t, int fd)
{
    char cipher[4096], head[1024];
    size_t head_bytes = 0, plain_bytes;
    ssize_t n;
    while (tls_peer_flush(t, fd) && (n = read(fd, cipher, sizeof cipher)) > 0) {
        const char *plain;
        for (size_t used = 0, more = 1; more > 0; used += more) {
            more = tls_feed(t, cipher + used, (size_t)n - used);
            if (!tls_peer_flush(t, fd))
                return;
            if (!(plain = tls_peek(t, &plain_bytes)))
                continue;
            if (plain_bytes > sizeof head - 1 - head_bytes)
                return;
            memcpy(head + head_bytes, plain, plain_bytes);
            head_bytes += plain_bytes;
            tls_consume(t, plain_bytes);
        }
        head[head_bytes] = 0;
        if (strstr(head, "\r\n\r\n")) {
            tls_peer_answer(t, head);
            tls_peer_flush(t, fd);
            return;
        }
    }
}

static void *tls_peer_serve(void *argument)
{
    struct tls_peer *peer = argument;
    if (peer->begin)
        peer->begin();
    struct tls_local *local = tls_local_new(peer->config, TLS_PEER_SESSIONS, NULL);
    struct pollfd fds[] = {{.fd = peer->stop_fds[0], .events = POLLIN},
                           {.fd = peer->listen_fd, .events = POLLIN}};
    while (local && poll(fds, 2, -1) >= 0 && !fds[0].revents) {
        int fd = accept(peer->listen_fd, NULL, NULL);
        struct tls *t = fd >= 0 ? tls_server_new(local) : NULL;
        if (t)
            tls_peer_converse(t, fd);
        tls_free(t);
        if (fd >= 0)
            close(fd);
    }
    tls_local_free(local);
    return NULL;
}

/* False: not started, as when there are no certificates. */
static bool tls_peer_start(struct tls_peer *peer, const char *certificates, void (*begin)(void))
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof address;
    char chain[512], key[512], message[256];
    snprintf(chain, sizeof chain, "%s/good.chain", certificates);
    snprintf(key, sizeof key, "%s/leaf.key", certificates);
    peer->begin = begin;
    peer->config =
        tls_config_new(&(struct tls_options){.server = true, .chain_file = chain, .key_file = key},
                       message, sizeof message);
    peer->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (!peer->config || pipe(peer->stop_fds) != 0 ||
        bind(peer->listen_fd, (struct sockaddr *)&address, bytes) != 0 ||
        listen(peer->listen_fd, 100) != 0 ||
        getsockname(peer->listen_fd, (struct sockaddr *)&address, &bytes) != 0)
        return false;
    peer->port = ntohs(address.sin_port);
    return pthread_create(&peer->thread, NULL, tls_peer_serve, peer) == 0;
}

static void tls_peer_stop(struct tls_peer *peer)
{
    close(peer->stop_fds[1]);
    pthread_join(peer->thread, NULL);
    close(peer->stop_fds[0]);
    close(peer->listen_fd);
    tls_config_free(peer->config);
}

#endif
