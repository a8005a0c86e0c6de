#include "cli/send/engines.h"

#include "cli/fallback.h"
#include "cli/options/values.h"
#include "cli/tls_files.h"
#include "engine/credentials.h"
#include "tls/tls.h"

#include <stdio.h>
#include <string.h>

static int report_failure(int error, const char *message)
{
    fprintf(stderr, "ringsend send: %s\n",
            message[0] ? message : ringsend_error_text((enum ringsend_error)error));
    return error == RINGSEND_E_TLS_CONFIG ? EXIT_USAGE : EXIT_NOT_STARTED;
}

/* Certificates are read once. With one thread the engine reads the system's, and only if it needs
 * them. */
static int share_tls(struct engines *engines, const struct send_options *options, char *message,
                     size_t message_bytes)
{
    struct ringsend_options o = options->request.engine;
    const struct ringsend_bytes *url = &options->request.defaults.url;
    bool plain = url->bytes >= 5 && memcmp(url->data, "http:", 5) == 0;
    if (o.ca_file || o.cert_file || o.key_file) {
        int error = tls_files_share("send", &o, message, message_bytes);
        engines->tls = o.tls;
        return -error;
    }
    if (options->threads == 1 || plain)
        return RINGSEND_OK;
    o.message = message;
    o.message_bytes = message_bytes;
    return -ringsend_tls_new(&engines->tls, &o);
}

void engines_tls_fault(const struct send_options *options, char *message, size_t message_bytes)
{
    const struct ringsend_options *o = &options->request.engine;
    struct tls_options files = {.library = (enum tls_choice)o->tls_library,
                                .min_13 = o->tls_min == 13,
                                .ca_file = o->ca_file,
                                .chain_file = o->cert_file,
                                .key_file = o->key_file,
                                .insecure = o->insecure};
    tls_config_free(tls_config_new(&files, message, message_bytes));
}

/* One limit of connections, one rate, one retry budget, and the same pauses over all threads. */
static int share_limits(struct engines *engines, const struct send_options *options, char *message,
                        size_t message_bytes)
{
    struct ringsend_options o = options->request.engine;
    if (options->threads == 1)
        return RINGSEND_OK;
    o.message = message;
    o.message_bytes = message_bytes;
    return -ringsend_limits_new(&engines->limits, &o);
}

int engines_start(struct engines *engines, const struct send_options *options,
                  struct credentials *credentials, uint32_t requests_max)
{
    char message[512] = "";
    *engines = (struct engines){.count = 0};
    if (options->request.engine.insecure)
        fputs("ringsend send: WARNING: --insecure: servers are not verified; whoever stands in "
              "between can read and change everything\n",
              stderr);
    int error = share_tls(engines, options, message, sizeof message);
    if (error == RINGSEND_OK)
        error = share_limits(engines, options, message, sizeof message);
    while (error == RINGSEND_OK && engines->count < options->threads) {
        struct thread_engine *engine = &engines->all[engines->count];
        struct ringsend_options o = options->request.engine;
        o.requests_max = requests_max;
        o.memory_target_bytes =
            options->memory_bytes / (options->threads > 1 ? 4 : 2) / options->threads;
        o.message = message;
        o.message_bytes = sizeof message;
        o.tls = engines->tls;
        o.limits = engines->limits;
        engine->returned_bytes_max = o.memory_target_bytes;
        error = -ringsend_new(&engine->engine, &o);
        if (error == RINGSEND_OK && credentials)
            engine_use_credentials(engine->engine, credentials);
        engines->count += error == RINGSEND_OK;
    }
    if (error == RINGSEND_OK) {
        fallback_tell("send", message);
        return EXIT_OK;
    }
    engines_free(engines, 0);
    return report_failure(error, message);
}

void engines_free(struct engines *engines, size_t first)
{
    for (size_t i = first; i < engines->count; i++)
        ringsend_free(engines->all[i].engine);
    engines->count = first < engines->count ? first : engines->count;
    if (engines->count > 0)
        return;
    ringsend_tls_free(engines->tls);
    engines->tls = NULL;
    ringsend_limits_free(engines->limits);
    engines->limits = NULL;
}
