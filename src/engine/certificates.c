/* Certificates and keys, loaded once for all engines that share them. Every engine has a struct
 * ringsend_tls: the one in its options, or one of its own.
 *
 * What the user names is read at once. The system's authorities are read when the first engine
 * needs them, by that engine, under the mutex; one that needs them at the same time waits that
 * millisecond. After that `config` is only read, and what is loaded stays as it is: a file that
 * could not be read is not tried again. */
#include "engine/certificates.h"

#include "base/errors.h"
#include "engine/options.h"
#include "ringsend.h"
#include "tls/tls.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Above so many connections one buffer serves both directions: half the memory. */
enum { FULL_DUPLEX_MAX = 1000 };

struct ringsend_tls {
    pthread_mutex_t mutex;
    struct tls_options options; /* its names are the caller's, and valid only in ringsend_tls_new */
    bool loaded;                /* or tried in vain */
    struct tls_config *config;  /* null: not loaded, or message tells why it cannot be */
    char message[600];          /* or what is to be known all the same */
};

enum ringsend_error certificates_load(struct ringsend_tls *tls, const struct tls_config **config)
{
    pthread_mutex_lock(&tls->mutex);
    if (!tls->loaded)
        tls->config = tls_config_new(&tls->options, tls->message, sizeof tls->message);
    enum ringsend_error error = RINGSEND_OK;
    if (!tls->config)
        error =
            strcmp(tls->message, TLS_NO_MEMORY) == 0 ? RINGSEND_E_NO_MEMORY : RINGSEND_E_TLS_CONFIG;
    tls->loaded = error != RINGSEND_E_NO_MEMORY; /* then the next one tries again */
    *config = tls->config;
    pthread_mutex_unlock(&tls->mutex);
    return error;
}

const char *certificates_message(const struct ringsend_tls *tls)
{
    return tls->message;
}

int certificates_new(struct ringsend_tls **tls, const struct ringsend_options *options)
{
    struct ringsend_options o;
    int error = options_copy(&o, options);
    if (error)
        return error;
    struct ringsend_tls *t = calloc(1, sizeof *t);
    if (!t)
        return -RINGSEND_E_NO_MEMORY;
    pthread_mutex_init(&t->mutex, NULL);
    t->options = (struct tls_options){.library = (enum tls_choice)o.tls_library,
                                      .min_13 = o.tls_min == 13,
                                      .insecure = o.insecure,
                                      .half_duplex = o.connections_max > FULL_DUPLEX_MAX,
                                      .ca_file = o.ca_file,
                                      .chain_file = o.cert_file,
                                      .key_file = o.key_file,
                                      .legacy_renegotiation = o.tls_legacy_renegotiation};
    _Static_assert((int)TLS_OPENSSL == (int)RINGSEND_TLS_OPENSSL &&
                       (int)TLS_BEARSSL == (int)RINGSEND_TLS_BEARSSL,
                   "the same numbers");
    bool named = o.ca_file || o.cert_file || o.key_file || o.tls_library == RINGSEND_TLS_OPENSSL ||
                 o.tls_min == 13;
    const struct tls_config *config;
    enum ringsend_error fault = named ? certificates_load(t, &config) : RINGSEND_OK;
    if (fault != RINGSEND_OK) {
        options_message(&o, t->message);
        ringsend_tls_free(t);
        return -(int)fault;
    }
    *tls = t;
    return 0;
}

size_t certificates_origin(struct ringsend_tls *tls, size_t number, char *text, size_t text_bytes)
{
    static const char *const why[] = {
        [TLS_STAYED] = "",
        [TLS_MOVED_FOR_TICKETS] = ", whose tickets it takes up, and no other sessions",
        [TLS_MOVED_REFUSED] = ", after it had refused BearSSL",
    };
    struct tls_origin origin;
    pthread_mutex_lock(&tls->mutex);
    bool any = tls->config && tls_origin_at(tls->config, number, &origin);
    pthread_mutex_unlock(&tls->mutex);
    if (!any)
        return 0;
    int bytes = snprintf(text, text_bytes, "%s:%u: %s%s%s%s", origin.host, origin.port,
                         origin.library ? origin.version : "no handshake has succeeded",
                         origin.library ? " by " : "", origin.library ? origin.library : "",
                         why[origin.move]);
    return bytes > 0 ? (size_t)bytes : 0;
}

size_t certificates_move(struct ringsend_tls *tls, size_t number, char *text, size_t text_bytes)
{
    static const char *const why[] = {
        [TLS_STAYED] = "",
        [TLS_MOVED_FOR_TICKETS] = "it resumes by tickets alone, which BearSSL has not",
        [TLS_MOVED_REFUSED] = "it has refused what BearSSL offers",
    };
    struct tls_origin origin;
    pthread_mutex_lock(&tls->mutex);
    bool any = tls->config && tls_moved_at(tls->config, number, &origin);
    pthread_mutex_unlock(&tls->mutex);
    if (!any)
        return 0;
    int bytes = snprintf(text, text_bytes, "%s:%u is spoken to by OpenSSL from now on: %s",
                         origin.host, origin.port, why[origin.move]);
    return bytes > 0 ? (size_t)bytes : 0;
}

size_t ringsend_tls_libraries(char *text, size_t text_bytes)
{
    const char *fault = tls_openssl_fault();
    int bytes = snprintf(text, text_bytes, "BearSSL%s%s", fault ? "; no OpenSSL: " : ", ",
                         fault ? fault : tls_openssl_version());
    return bytes > 0 ? (size_t)bytes : 0;
}

int ringsend_tls_new(struct ringsend_tls **tls, const struct ringsend_options *options)
{
    int error = certificates_new(tls, options);
    struct ringsend_options o;
    if (error == 0 && options_copy(&o, options) == 0)
        options_message(&o, (*tls)->message);
    return error;
}

void ringsend_tls_free(struct ringsend_tls *tls)
{
    if (!tls)
        return;
    tls_config_free(tls->config);
    pthread_mutex_destroy(&tls->mutex);
    free(tls);
}
