/* Loads OpenSSL 3 once, by the names that Debian and others give its libraries, and never lets go
 * of it: its threads' ends would find no code. Its configuration file is not read, so that a
 * verdict never depends on it, and nothing is left to be done at exit, where the host program's
 * other threads may still be at work. */
#include "tls/openssl/load.h"

#include "tls/openssl/door.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

struct openssl openssl;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const char *fault;

struct symbol {
    const char *name;
    size_t at; /* in struct openssl */
};

static bool find(void *library, const struct symbol *symbols, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        void *found = dlsym(library, symbols[i].name);
        if (!found)
            return false;
        memcpy((char *)&openssl + symbols[i].at, &found, sizeof found);
    }
    return true;
}

static void load(void)
{
#define X(name) {#name, offsetof(struct openssl, name)},
    static const struct symbol of_ssl[] = { OPENSSL_OF_SSL(X) };
    static const struct symbol of_crypto[] = { OPENSSL_OF_CRYPTO(X) };
#undef X
    const int how = RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE;
    void *crypto = dlopen("libcrypto.so.3", how), *ssl = crypto ? dlopen("libssl.so.3", how) : NULL;
    if (!ssl) {
        fault = "libssl.so.3 cannot be loaded: install OpenSSL 3 (on Debian: libssl3)";
        return;
    }
    if (!find(ssl, of_ssl, sizeof of_ssl / sizeof *of_ssl) ||
        !find(crypto, of_crypto, sizeof of_crypto / sizeof *of_crypto)) {
        fault = "libssl.so.3 lacks functions of OpenSSL 3.0";
        return;
    }
    if (!openssl.OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL))
        fault = "libssl.so.3 cannot be set up";
}

const char *openssl_load(void)
{
    pthread_once(&once, load);
    return fault;
}

const char *openssl_version(void)
{
    return openssl.OpenSSL_version(OPENSSL_VERSION);
}
