/* The door: what all libraries share of a configuration, and from there to the library whose table
 * stands at the head of a connection. */
#include "tls/tls.h"

#include "base/check.h"
#include "base/memory.h"
#include "tls/bearssl/config.h"
#include "tls/bearssl/local.h"
#include "tls/choices.h"
#include "tls/library.h"
#include "tls/local.h"
#include "tls/openssl/door.h"
#include "tls/protocols.h"

#include <stdlib.h>

/* ---- Configuration ---- */

/* In a row; then tickets are tried. Fewer would let a server that has just lost its cache pay. */
enum { NOT_RESUMED_MAX = 3 };

const char *tls_openssl_fault(void)
{
    return openssl_load();
}

const char *tls_openssl_version(void)
{
    return openssl_load() ? NULL : openssl_version();
}

/* Which libraries the connections may go by. One that the user asked for must be there. */
static bool choose(struct tls_config *config, const struct tls_options *options,
                   struct message message)
{
    config->library = options->server ? TLS_BEARSSL : options->library;
    config->min_13 = options->min_13;
    if (config->min_13 && config->library == TLS_BEARSSL)
        return message_fail(message, "TLS 1.3 goes by OpenSSL alone: BearSSL has TLS 1.2");
    if (config->min_13)
        config->library = TLS_OPENSSL;
    if (config->library == TLS_BEARSSL)
        return true;
    const char *fault = config->library == TLS_OPENSSL ? openssl_load() : NULL;
    if (fault)
        return message_fail(message, "%s", fault);
    config->openssl = openssl_config_new();
    if (!config->openssl && config->library == TLS_OPENSSL)
        return message_fail(message, TLS_NO_MEMORY);
    return true;
}

static bool build(struct tls_config *config, const struct tls_options *options,
                  struct message message)
{
    config->server = options->server;
    config->insecure = options->insecure;
    config->half_duplex = options->half_duplex;
    config->legacy_renegotiation = options->legacy_renegotiation;
    config->fixed_now_s = options->now_s;
    if (options->server && !options->chain_file)
        return message_fail(message, "a TLS server needs a certificate and its key");
    if (options->key_file && !options->chain_file)
        return message_fail(message, "a private key without its certificate is of no use");
    if (!choose(config, options, message))
        return false;
    if (!options->server && !(config->choices = choices_new()))
        return message_fail(message, TLS_NO_MEMORY);
    config->bear = bear_config_new(config, options, message);
    return config->bear && (options->server || options->insecure ||
                            trust_load(&config->trust, options->ca_file, message));
}

struct tls_config *tls_config_new(const struct tls_options *options, char *message,
                                  size_t message_bytes)
{
    struct message m = {.text = message, .room = message_bytes};
    struct tls_config *config = calloc(1, sizeof *config);
    if (message_bytes > 0)
        message[0] = 0;
    if (!config) {
        message_fail(m, TLS_NO_MEMORY);
        return NULL;
    }
    if (!build(config, options, m)) {
        tls_config_free(config);
        return NULL;
    }
    return config;
}

void tls_config_free(struct tls_config *config)
{
    if (!config)
        return;
    choices_free(config->choices);
    openssl_config_free(config->openssl);
    bear_config_free(config->bear);
    trust_free(&config->trust);
    free(config);
}

size_t tls_config_anchors(const struct tls_config *config)
{
    return config->trust.anchors_count;
}

const char *tls_config_anchors_source(const struct tls_config *config)
{
    return config->trust.source;
}

bool tls_origin_at(const struct tls_config *config, size_t number, struct tls_origin *origin)
{
    return config->choices && choices_at(config->choices, number, origin);
}

bool tls_moved_at(const struct tls_config *config, size_t number, struct tls_origin *origin)
{
    return config->choices && choices_moved_at(config->choices, number, origin);
}

/* ---- A thread's ---- */

struct tls_local *tls_local_new(const struct tls_config *config, uint32_t sessions_max,
                                struct memory *memory)
{
    CHECK(sessions_max <= 1 << 24);
    struct tls_local *local = memory_take_zeroed(memory, sizeof *local);
    if (!local)
        return NULL;
    local->config = config;
    local->memory = memory;
    local->sessions_max = sessions_max;
    local->bear = bear_local_new(config, sessions_max, memory);
    if (local->bear)
        return local;
    tls_local_free(local);
    return NULL;
}

void tls_local_free(struct tls_local *local)
{
    if (!local)
        return;
    bear_local_free(local->bear);
    openssl_local_free(local->openssl);
    memory_give_back(local->memory, local, sizeof *local);
}

static enum tls_move move_of(const struct tls_config *config, const struct choice *choice)
{
    if (config->library != TLS_AUTO)
        return config->library == TLS_OPENSSL ? TLS_MOVED_REFUSED : TLS_STAYED;
    return choice ? choice_move_of(config->choices, choice) : TLS_STAYED;
}

bool tls_has_session(struct tls_local *local, const char *host, uint16_t port,
                     tls_protocols protocols)
{
    const struct tls_config *config = local->config;
    if (move_of(config, choice_find(config->choices, host, port)) == TLS_STAYED)
        return bear_has_session(local->bear, host, port, protocols);
    return local->openssl && openssl_has_session(local->openssl, host, port, protocols);
}

/* ---- One connection ---- */

const char *const tls_http1[] = {"http/1.1", NULL};

static const struct tls_head *head_of(const struct tls *t)
{
    return (const struct tls_head *)(const void *)t;
}

static const struct tls_library *library_of(const struct tls *t)
{
    return head_of(t)->library;
}

/* One that has moved for its tickets is known to speak 1.2, whose resumption costs a quarter of
 * 1.3's. */
static struct tls *new_of(struct tls_local *local, enum tls_move move, const char *host,
                          uint16_t port, tls_protocols protocols)
{
    if (move == TLS_STAYED)
        return bearssl_library.client_new(local, host, port, protocols, false);
    if (!local->openssl)
        local->openssl = openssl_local_new(local->config, local->sessions_max, local->memory);
    bool limit_12 = move == TLS_MOVED_FOR_TICKETS;
    return local->openssl ? openssl_library.client_new(local, host, port, protocols, limit_12)
                          : NULL;
}

struct tls *tls_client_new(struct tls_local *local, const char *host, uint16_t port,
                           tls_protocols protocols)
{
    const struct tls_config *config = local->config;
    CHECK(!config->server && protocols_bytes(protocols) <= TLS_PROTOCOLS_BYTES_MAX);
    struct choice *choice = choice_find(config->choices, host, port);
    struct tls *t = new_of(local, move_of(config, choice), host, port, protocols);
    if (t) {
        struct tls_head *head = (struct tls_head *)(void *)t;
        head->config = config;
        head->choice = choice;
    }
    return t;
}

bool tls_ask_again(const struct tls *t)
{
    const struct tls_head *head = head_of(t);
    if (!head->choice || head->config->library != TLS_AUTO || !head->config->openssl ||
        !head->library->other_may_do(t) || openssl_load())
        return false;
    choice_move(head->config->choices, head->choice, TLS_MOVED_REFUSED);
    return true;
}

const char *tls_library_name(const struct tls *t)
{
    return library_of(t)->name;
}

const char *tls_version_name(const struct tls *t)
{
    return library_of(t)->version(t);
}

const char *tls_protocol(const struct tls *t)
{
    CHECK(tls_is_ready(t));
    return library_of(t)->protocol(t);
}

struct tls *tls_server_new(struct tls_local *local)
{
    CHECK(local->config->server);
    return bearssl_library.server_new(local);
}

void tls_free(struct tls *t)
{
    if (t)
        library_of(t)->free(t);
}

unsigned tls_state(const struct tls *t)
{
    return library_of(t)->state(t);
}

bool tls_is_ready(const struct tls *t)
{
    return library_of(t)->is_ready(t);
}

size_t tls_take(struct tls *t, void *out, size_t room)
{
    return library_of(t)->take(t, out, room);
}

enum tls_work tls_foresee(struct tls *t, const void *cipher, size_t bytes)
{
    return library_of(t)->foresee(t, cipher, bytes);
}

bool tls_declined_renegotiation(const struct tls *t)
{
    return library_of(t)->declined_renegotiation(t);
}

size_t tls_feed(struct tls *t, const void *cipher, size_t bytes)
{
    return bytes > 0 ? library_of(t)->feed(t, cipher, bytes) : 0;
}

enum ringsend_error tls_end(struct tls *t)
{
    return library_of(t)->end(t);
}

size_t tls_write(struct tls *t, const void *plain, size_t bytes)
{
    return library_of(t)->write(t, plain, bytes);
}

void tls_flush(struct tls *t)
{
    library_of(t)->flush(t);
}

const void *tls_peek(const struct tls *t, size_t *bytes)
{
    return library_of(t)->peek(t, bytes);
}

void tls_consume(struct tls *t, size_t bytes)
{
    library_of(t)->consume(t, bytes);
}

void tls_close(struct tls *t)
{
    library_of(t)->close(t);
}

bool tls_peer_closed(const struct tls *t)
{
    return library_of(t)->peer_closed(t);
}

enum ringsend_error tls_error(const struct tls *t)
{
    return library_of(t)->error(t);
}

const char *tls_detail(const struct tls *t)
{
    return library_of(t)->detail(t);
}

/* A server that names no sessions, or one that does not take up what it has named. */
static void note_resumption(const struct tls_head *head, bool resumed)
{
    const struct tls_config *config = head->config;
    if (choice_resumed(config->choices, head->choice, resumed) == NOT_RESUMED_MAX &&
        config->library == TLS_AUTO && config->openssl && !openssl_load())
        choice_move(config->choices, head->choice, TLS_MOVED_FOR_TICKETS);
}

bool tls_keep_session(const struct tls *t)
{
    const struct tls_head *head = head_of(t);
    bool kept = head->library->keep_session(t);
    if (!head->choice || !tls_is_ready(t))
        return kept;
    choice_spoke(head->config->choices, head->choice, head->library->name,
                 head->library->version(t));
    if (head->library == &bearssl_library && (!kept || tls_offered_session(t)))
        note_resumption(head, tls_resumed(t));
    return kept;
}

void tls_forget_session(const struct tls *t)
{
    library_of(t)->forget_session(t);
}

bool tls_offered_session(const struct tls *t)
{
    return library_of(t)->offered_session(t);
}

bool tls_resumed(const struct tls *t)
{
    return library_of(t)->resumed(t);
}
