/* The second library for TLS, simulated: OpenSSL's door (tls/openssl/door.h) with BearSSL behind it
 * under OpenSSL's name, as OpenSSL's own random bytes would not be the seed's. To the engine it is
 * another library, with sessions of its own; a peer tells it from the first one by the random bytes
 * of its hellos, which are noted here. */
#include "tests/sim/world/sim_second.h"

#include "tests/sim/sim.h"

#include "base/memory.h"
#include "tls/bearssl/connection.h"
#include "tls/openssl/door.h"

#include <string.h>

enum { SAID_MAX = 1 << 16 };

struct openssl_config {
    char unused;
};

struct openssl_local {
    struct memory *memory;
    struct bear_local *bear;
};

static uint8_t said[SAID_MAX][LOCAL_SEED_BYTES];
static size_t said_count;

bool sim_second_said(const void *random)
{
    for (size_t i = said_count; i-- > 0;) {
        if (memcmp(said[i], random, LOCAL_SEED_BYTES) == 0)
            return true;
    }
    return false;
}

void sim_second_begin(void)
{
    said_count = 0;
}

/* ---- The door ---- */

const char *openssl_load(void)
{
    return NULL;
}

const char *openssl_version(void)
{
    return "simulated";
}

struct openssl_config *openssl_config_new(void)
{
    static struct openssl_config config;
    return &config;
}

void openssl_config_free(struct openssl_config *o)
{
    (void)o;
}

struct openssl_local *openssl_local_new(const struct tls_config *config, uint32_t sessions_max,
                                        struct memory *memory)
{
    struct openssl_local *local = memory_take_zeroed(memory, sizeof *local);
    if (!local)
        return NULL;
    local->memory = memory;
    local->bear = bear_local_new(config, sessions_max, memory);
    if (local->bear)
        return local;
    memory_give_back(memory, local, sizeof *local);
    return NULL;
}

void openssl_local_free(struct openssl_local *local)
{
    if (!local)
        return;
    bear_local_free(local->bear);
    memory_give_back(local->memory, local, sizeof *local);
}

bool openssl_has_session(struct openssl_local *local, const char *host, uint16_t port,
                         tls_protocols protocols)
{
    return bear_has_session(local->bear, host, port, protocols);
}

/* ---- Its connections ---- */

static struct tls *client_new(struct tls_local *local, const char *host, uint16_t port,
                              tls_protocols protocols, bool limit_12)
{
    struct tls_local own = {
        .config = local->config, .memory = local->memory, .bear = local->openssl->bear};
    struct tls *t = bearssl_library.client_new(&own, host, port, protocols, limit_12);
    if (!t)
        return NULL;
    SIM_CHECK(said_count < SAID_MAX, "more hellos than are noted");
    memcpy(said[said_count++], t->context.engine.client_random, LOCAL_SEED_BYTES);
    t->head.library = &openssl_library;
    return t;
}

static const char *version(const struct tls *t)
{
    (void)t;
    return "TLS 1.3";
}

static bool other_may_do(const struct tls *t)
{
    (void)t;
    return false;
}

#define PASSED_ON(X)                                                                  \
    X(void, free, (struct tls * t), (t))                                              \
    X(unsigned, state, (const struct tls *t), (t))                                    \
    X(bool, is_ready, (const struct tls *t), (t))                                     \
    X(size_t, take, (struct tls * t, void *out, size_t room), (t, out, room))         \
    X(size_t, feed, (struct tls * t, const void *in, size_t bytes), (t, in, bytes))   \
    X(enum tls_work, foresee, (struct tls * t, const void *in, size_t n), (t, in, n)) \
    X(enum ringsend_error, end, (struct tls * t), (t))                                \
    X(size_t, write, (struct tls * t, const void *in, size_t bytes), (t, in, bytes))  \
    X(void, flush, (struct tls * t), (t))                                             \
    X(const void *, peek, (const struct tls *t, size_t *bytes), (t, bytes))           \
    X(void, consume, (struct tls * t, size_t bytes), (t, bytes))                      \
    X(void, close, (struct tls * t), (t))                                             \
    X(bool, peer_closed, (const struct tls *t), (t))                                  \
    X(bool, declined_renegotiation, (const struct tls *t), (t))                       \
    X(enum ringsend_error, error, (const struct tls *t), (t))                         \
    X(const char *, detail, (const struct tls *t), (t))                               \
    X(bool, keep_session, (const struct tls *t), (t))                                 \
    X(void, forget_session, (const struct tls *t), (t))                               \
    X(bool, offered_session, (const struct tls *t), (t))                              \
    X(bool, resumed, (const struct tls *t), (t))                                      \
    X(const char *, protocol, (const struct tls *t), (t))

#define X(type, name, parameters, arguments)   \
    static type pass_##name parameters         \
    {                                          \
        return bearssl_library.name arguments; \
    }
PASSED_ON(X)
#undef X

const struct tls_library openssl_library = {.name = "OpenSSL",
                                            .client_new = client_new,
                                            .version = version,
                                            .other_may_do = other_may_do,
#define X(type, name, parameters, arguments) .name = pass_##name,
                                            PASSED_ON(X)
#undef X
};
