/* libFuzzer: a client and a server of ours with somebody in between. The input says what he does to
 * the stream: pairs of a byte count (how many pass unharmed) and a byte that is put over the next
 * one; then his own bytes go to the client in the server's place.
 *
 * Whatever he does, the client becomes ready only when nothing was changed in the handshake, no
 * plain byte of it arrives that was not said, and everything comes to an end. TLS_CERTS names the
 * directory of make_certs.sh, TLS_LIBRARY=openssl has the client be OpenSSL's. */
#include "tls/tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

struct input {
    const uint8_t *at, *end;
    size_t until; /* bytes that pass before the next change */
    bool changed;
};

static struct tls_local *client_local, *server_local;

static struct tls_config *config_of(bool server)
{
    const char *directory = getenv("TLS_CERTS"), *library = getenv("TLS_LIBRARY");
    bool openssl = library && strcmp(library, "openssl") == 0;
    char ca[512], chain[512], key[512], message[600];
    if (!directory)
        abort();
    snprintf(ca, sizeof ca, "%s/root.pem", directory);
    snprintf(chain, sizeof chain, "%s/good.chain", directory);
    snprintf(key, sizeof key, "%s/leaf.key", directory);
    struct tls_config *config =
        tls_config_new(&(struct tls_options){.server = server,
                                             .library = openssl ? TLS_OPENSSL : TLS_BEARSSL,
                                             .ca_file = server ? NULL : ca,
                                             .chain_file = server ? chain : NULL,
                                             .key_file = server ? key : NULL},
                       message, sizeof message);
    if (!config)
        abort();
    return config;
}

static void next_change(struct input *in)
{
    if (in->at < in->end)
        in->until = *in->at++;
    else
        in->until = SIZE_MAX;
}

static void spoil(struct input *in, uint8_t *wire, size_t bytes)
{
    size_t at = 0;
    while (bytes - at > in->until) {
        at += in->until;
        uint8_t put = in->at < in->end ? *in->at++ : 0;
        in->changed |= wire[at] != put;
        wire[at++] = put;
        next_change(in);
    }
    if (in->until != SIZE_MAX)
        in->until -= bytes - at;
}

static void check_plain(struct tls *t)
{
    size_t ready;
    const char *plain = tls_peek(t, &ready);
    if (plain && (ready > 5 || memcmp(plain, "hello", ready) != 0))
        abort();
    tls_consume(t, ready);
}

static bool carry(struct tls *from, struct tls *to, struct input *in)
{
    uint8_t wire[8192];
    size_t bytes = tls_take(from, wire, sizeof wire), at = 0, used = 1;
    spoil(in, wire, bytes);
    while (at < bytes && used > 0) {
        used = tls_feed(to, wire + at, bytes - at);
        at += used;
        check_plain(to);
    }
    return bytes > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (!client_local) {
        client_local = tls_local_new(config_of(false), 4, NULL);
        server_local = tls_local_new(config_of(true), 4, NULL);
    }
    if (bytes < 2)
        return 0;
    /* The first byte: whether sessions from before are used, which makes it far faster. */
    struct input in = {data + 2, data + bytes, 0, false};
    size_t own = data[1] < bytes - 2 ? data[1] : bytes - 2;
    in.end -= own;
    next_change(&in);
    struct tls *client =
        tls_client_new(client_local, "www.example.com", data[0] % 4 ? 443 : 444, tls_http1);
    struct tls *server = tls_server_new(server_local);
    if (!client || !server)
        abort();
    bool more = true;
    for (int i = 0; more && i < 50; i++) {
        more = carry(client, server, &in);
        more |= carry(server, client, &in);
    }
    if (tls_is_ready(client) && tls_is_ready(server)) {
        if (!in.changed)
            tls_keep_session(client);
        tls_write(server, "hello", 5);
        tls_flush(server);
        carry(server, client, &in);
    }
    tls_feed(client, in.end, own);
    tls_feed(server, in.end, own);
    tls_close(client);
    carry(client, server, &in);
    tls_end(client);
    tls_end(server);
    tls_free(client);
    tls_free(server);
    return 0;
}
