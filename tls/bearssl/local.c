/* Random bytes in stock, and the sessions of a thread.
 *
 * Sessions. A resumed handshake does not look at certificates again: what it may rest on is what
 * was verified when the session was made. So a tls_local belongs to one config (trust, verify mode,
 * own certificate), the key is host (from which the name sent to the server follows), port and the
 * protocols offered, and a session ends when a certificate of its path does. All entries are
 * allocated at the start; each is in exactly one of the lists `used` and `free`, and in a bucket
 * exactly when used. Whatever leaves is wiped. */
#include "tls/bearssl/local.h"

#include "base/ascii.h"
#include "base/check.h"
#include "tls/protocols.h"
#include "tls/x509/names.h"

#include <errno.h>
#include <sys/random.h>

/* ---- Random bytes ---- */

static bool refill(struct bear_local *local)
{
    size_t at = 0;
    while (at < sizeof local->entropy) {
        ssize_t n = getrandom(local->entropy + at, sizeof local->entropy - at, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += (size_t)n;
    }
    local->entropy_used = 0;
    return true;
}

bool local_draw_seed(struct bear_local *local, uint8_t seed[LOCAL_SEED_BYTES])
{
    if (local->entropy_used == sizeof local->entropy && !refill(local))
        return false;
    uint8_t *from = local->entropy + local->entropy_used;
    memcpy(seed, from, LOCAL_SEED_BYTES);
    explicit_bzero(from, LOCAL_SEED_BYTES);
    local->entropy_used += LOCAL_SEED_BYTES;
    return true;
}

/* ---- Sessions ---- */

struct session_key session_key_of(const char *host, uint16_t port, tls_protocols protocols)
{
    struct session_key key;
    br_sha256_context hash;
    uint8_t head[3 + TLS_PROTOCOLS_BYTES_MAX] = {(uint8_t)(port >> 8), (uint8_t)port};
    uint8_t *end = protocols_put(head + 2, protocols);
    *end++ = 0; /* no name has that length */
    br_sha256_init(&hash);
    br_sha256_update(&hash, head, (size_t)(end - head));
    for (const char *c = host; *c; c++) {
        char lower = ascii_lower(*c);
        br_sha256_update(&hash, &lower, 1);
    }
    br_sha256_out(&hash, key.digest);
    return key;
}

/* The pointer that points, or would point, to the session with this key. */
static struct session **place_of(struct bear_local *local, const struct session_key *key)
{
    uint32_t hash;
    memcpy(&hash, key->digest, sizeof hash);
    struct session **place = &local->buckets[hash & (local->buckets_count - 1)];
    while (*place && memcmp(&(*place)->key, key, sizeof *key) != 0)
        place = &(*place)->next;
    return place;
}

static void release(struct bear_local *local, struct session **place)
{
    struct session *s = *place;
    *place = s->next;
    list_remove(&s->lru);
    explicit_bzero(s, sizeof *s);
    list_push_front(&local->free, &s->lru);
}

const struct session *session_find(struct bear_local *local, const struct session_key *key)
{
    if (local->sessions_max == 0)
        return NULL;
    struct session **place = place_of(local, key);
    if (!*place)
        return NULL;
    if (config_now_s(local->config) > (*place)->not_after_s) {
        release(local, place);
        return NULL;
    }
    struct session *s = *place;
    list_remove(&s->lru);
    list_push_front(&local->used, &s->lru);
    return s;
}

void session_put(struct bear_local *local, const struct session_key *key,
                 const br_ssl_session_parameters *parameters, int64_t not_after_s)
{
    if (local->sessions_max == 0)
        return;
    session_drop(local, key);
    if (list_empty(&local->free)) {
        struct session *oldest = LIST_OWNER(local->used.prev, struct session, lru);
        release(local, place_of(local, &oldest->key));
    }
    struct session *s = LIST_OWNER(list_pop_front(&local->free), struct session, lru);
    struct session **place = place_of(local, key);
    s->key = *key;
    s->parameters = *parameters;
    s->not_after_s = not_after_s;
    s->next = NULL;
    *place = s;
    list_push_front(&local->used, &s->lru);
}

void session_drop(struct bear_local *local, const struct session_key *key)
{
    if (local->sessions_max == 0)
        return;
    struct session **place = place_of(local, key);
    if (*place)
        release(local, place);
}

bool bear_has_session(struct bear_local *local, const char *host, uint16_t port,
                      tls_protocols protocols)
{
    struct host parsed;
    if (!host_parse(host, &parsed))
        return false;
    struct session_key key = session_key_of(parsed.name, port, protocols);
    return session_find(local, &key) != NULL;
}

/* ---- The whole ---- */

static size_t sessions_bytes(const struct bear_local *local)
{
    return local->sessions_max * sizeof *local->sessions;
}

static size_t buckets_bytes(const struct bear_local *local)
{
    return local->buckets_count * sizeof(struct session *);
}

static bool allocate_client(struct bear_local *local, uint32_t sessions_max)
{
    local->buckets_count = 16;
    while (local->buckets_count < sessions_max)
        local->buckets_count *= 2;
    local->sessions = memory_take_zeroed(local->memory, sessions_bytes(local));
    local->buckets = memory_take_zeroed(local->memory, buckets_bytes(local));
    if (!local->sessions || !local->buckets)
        return false;
    for (uint32_t i = 0; i < sessions_max; i++)
        list_push_back(&local->free, &local->sessions[i].lru);
    return true;
}

static bool allocate_server(struct bear_local *local, uint32_t sessions_max)
{
    size_t bytes = (size_t)sessions_max * LOCAL_SERVER_SESSION_BYTES;
    local->server_store = (struct bytes){memory_take(local->memory, bytes), bytes};
    if (!local->server_store.data)
        return false;
    br_ssl_session_cache_lru_init(&local->server_sessions, local->server_store.data, bytes);
    return true;
}

struct bear_local *bear_local_new(const struct tls_config *config, uint32_t sessions_max,
                                  struct memory *memory)
{
    struct bear_local *local = memory_take_zeroed(memory, sizeof *local);
    if (!local)
        return NULL;
    local->config = config;
    local->memory = memory;
    local->entropy_used = sizeof local->entropy;
    local->sessions_max = sessions_max;
    list_init(&local->used);
    list_init(&local->free);
    if (sessions_max > 0 && !(config->server ? allocate_server(local, sessions_max)
                                             : allocate_client(local, sessions_max))) {
        bear_local_free(local);
        return NULL;
    }
    return local;
}

void bear_local_free(struct bear_local *local)
{
    if (!local)
        return;
    struct memory *memory = local->memory;
    struct bytes *store = &local->server_store;
    if (local->sessions)
        explicit_bzero(local->sessions, sessions_bytes(local));
    if (store->data)
        explicit_bzero(store->data, store->bytes);
    memory_give_back(memory, local->sessions, sessions_bytes(local));
    memory_give_back(memory, local->buckets, buckets_bytes(local));
    memory_give_back(memory, store->data, store->bytes);
    explicit_bzero(local, sizeof *local);
    memory_give_back(memory, local, sizeof *local);
}
