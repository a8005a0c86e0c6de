/* In place of all others here, in a build without OpenSSL. */
#include "tls/openssl/door.h"

#include "base/check.h"

#include <stddef.h>

const struct tls_library openssl_library = {.name = "OpenSSL"};

const char *openssl_load(void)
{
    return "this build of ringsend has no OpenSSL (-Dopenssl=disabled)";
}

const char *openssl_version(void)
{
    UNREACHABLE("OpenSSL in a build without it");
}

struct openssl_config *openssl_config_new(void)
{
    return NULL;
}

void openssl_config_free(struct openssl_config *o)
{
    CHECK(!o);
}

struct openssl_local *openssl_local_new(const struct tls_config *config, uint32_t sessions_max,
                                        struct memory *memory)
{
    (void)config;
    (void)sessions_max;
    (void)memory;
    UNREACHABLE("OpenSSL in a build without it");
}

void openssl_local_free(struct openssl_local *local)
{
    CHECK(!local);
}

bool openssl_has_session(struct openssl_local *local, const char *host, uint16_t port,
                         tls_protocols protocols)
{
    (void)protocols;
    (void)host;
    (void)port;
    return local != NULL;
}
