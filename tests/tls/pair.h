/* For the tests of tls/: configurations out of the made certificates, and two ends in one process
 * with bytes carried between them in pieces of any size.
 *
 * The directory is in TLS_CERTS; make_certs.sh fills it. Time stands still at its file `now`, an
 * hour later, plus what a test adds. */
#ifndef RINGSEND_TESTS_PAIR_H
#define RINGSEND_TESTS_PAIR_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tls/tls.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S INT64_C(86400)

struct file_name {
    char text[512];
};

static inline struct file_name certs_file(const char *name, const char *suffix)
{
    struct file_name f = {.text = ""};
    const char *directory = getenv("TLS_CERTS");
    if (!directory)
        fail_msg("TLS_CERTS is not set: run tests/tls/make_certs.sh DIRECTORY");
    else
        snprintf(f.text, sizeof f.text, "%s/%s%s", directory, name, suffix);
    return f;
}

static inline int64_t certs_now_s(void)
{
    struct file_name f = certs_file("now", "");
    FILE *file = fopen(f.text, "r");
    char text[32] = "";
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    return strtoll(text, NULL, 10) + 3600;
}

/* Whose clients are tested: the suites run with each library. */
static inline bool with_openssl(void)
{
    const char *library = getenv("TLS_LIBRARY");
    return library && strcmp(library, "openssl") == 0;
}

/* One that leaves it to itself without that. */
static inline struct tls_config *new_open_config(const struct tls_options *given)
{
    char message[300] = "";
    struct tls_options options = *given;
    if (!options.server && with_openssl())
        options.library = TLS_OPENSSL;
    struct tls_config *config = tls_config_new(&options, message, sizeof message);
    if (!config)
        fail_msg("%s", message);
    return config;
}

static inline struct tls_config *new_config(const struct tls_options *given)
{
    struct tls_options options = *given;
    if (!options.server && !with_openssl())
        options.library = TLS_BEARSSL;
    return new_open_config(&options);
}

static inline struct tls_config *new_server_config(const char *chain, const char *key,
                                                   bool half_duplex)
{
    struct file_name c = certs_file(chain, ".chain"), k = certs_file(key, ".key");
    return new_config(&(struct tls_options){
        .server = true, .chain_file = c.text, .key_file = k.text, .half_duplex = half_duplex});
}

static inline struct tls_config *new_client_config(const char *ca, bool half_duplex)
{
    struct file_name f = certs_file(ca, ".pem");
    return new_config(&(struct tls_options){
        .ca_file = f.text, .half_duplex = half_duplex, .now_s = certs_now_s()});
}

struct pair {
    struct tls_config *client_config, *server_config;
    struct tls_local *client_local, *server_local;
    struct tls *client, *server;
};

static inline void pair_open(struct pair *p, bool half_duplex)
{
    p->client_config = new_client_config("root", half_duplex);
    p->server_config = new_server_config("good", "leaf", half_duplex);
    p->client_local = tls_local_new(p->client_config, 4, NULL);
    p->server_local = tls_local_new(p->server_config, 64, NULL);
    p->client = p->server = NULL;
}

static inline void pair_disconnect(struct pair *p)
{
    tls_free(p->client);
    tls_free(p->server);
    p->client = p->server = NULL;
}

static inline void pair_connect(struct pair *p)
{
    pair_disconnect(p);
    p->client = tls_client_new(p->client_local, "www.example.com", 443, tls_http1);
    p->server = tls_server_new(p->server_local);
    assert_non_null(p->client);
    assert_non_null(p->server);
}

static inline void pair_close(struct pair *p)
{
    pair_disconnect(p);
    tls_local_free(p->client_local);
    tls_local_free(p->server_local);
    tls_config_free(p->client_config);
    tls_config_free(p->server_config);
}

/* Carries what stands ready from one to the other, `piece` bytes at a time. True when any moved. */
static inline bool carry(struct tls *from, struct tls *to, size_t piece)
{
    char wire[1 << 15];
    size_t bytes = tls_take(from, wire, sizeof wire), at = 0;
    while (at < bytes) {
        size_t n = bytes - at < piece ? bytes - at : piece;
        size_t used = tls_feed(to, wire + at, n);
        if (used == 0)
            break; /* it is over, or somebody must read first */
        at += used;
    }
    return bytes > 0;
}

/* Until both are ready or nothing moves. */
static inline void shake_hands(struct pair *p, size_t piece)
{
    bool moved = true;
    while (moved) {
        moved = carry(p->client, p->server, piece);
        moved |= carry(p->server, p->client, piece);
    }
}

#endif
