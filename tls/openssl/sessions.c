/* As many sessions as a thread's bound, the least recently used leave first; of one origin at most
 * TICKETS_PER_ORIGIN_MAX, for a server sends two or more with each handshake and a pool wants one a
 * connection. What BearSSL's sessions rest on (see tls/bearssl/local.c) these do: one config, host,
 * port and protocols, and the end of the certificates that were verified.
 *
 * The list is short where it is used at all, and is searched from the front, which has the latest:
 * 1024 entries take 2 us. */
#include "tls/openssl/sessions.h"

#include "tls/local.h"
#include "tls/protocols.h"

#include <string.h>

/* Port, protocols, a zero, which is no name's length, and the host. */
struct key {
    uint8_t data[3 + TLS_PROTOCOLS_BYTES_MAX + TLS_HOST_BYTES_MAX];
    size_t bytes;
};

struct entry {
    struct list node;
    SSL_SESSION *session;
    int64_t not_after_s;
    size_t key_bytes;
    uint8_t key[];
};

struct openssl_local {
    const struct tls_config *config;
    struct memory *memory;
    struct list entries; /* latest first */
    uint32_t count, max;
};

struct openssl_local *openssl_local_new(const struct tls_config *config, uint32_t sessions_max,
                                        struct memory *memory)
{
    struct openssl_local *local = memory_take_zeroed(memory, sizeof *local);
    if (!local)
        return NULL;
    local->config = config;
    local->memory = memory;
    local->max = sessions_max;
    list_init(&local->entries);
    return local;
}

static void leave(struct openssl_local *local, struct entry *e)
{
    list_remove(&e->node);
    local->count--;
    openssl.SSL_SESSION_free(e->session);
    memory_give_back(local->memory, e, sizeof *e + e->key_bytes);
}

void openssl_local_free(struct openssl_local *local)
{
    if (!local)
        return;
    while (!list_empty(&local->entries))
        leave(local, LIST_OWNER(local->entries.next, struct entry, node));
    memory_give_back(local->memory, local, sizeof *local);
}

/* False: the host is too long for any. */
static bool key_of(const struct session_peer *peer, struct key *key)
{
    struct host_key host;
    if (!host_key(peer->host, &host))
        return false;
    key->data[0] = (uint8_t)(peer->port >> 8);
    key->data[1] = (uint8_t)peer->port;
    uint8_t *at = protocols_put(key->data + 2, peer->protocols);
    *at++ = 0;
    memcpy(at, host.text, host.bytes);
    key->bytes = (size_t)(at - key->data) + host.bytes;
    return true;
}

static bool is_for(const struct entry *e, const struct key *key)
{
    return e->key_bytes == key->bytes && memcmp(e->key, key->data, key->bytes) == 0;
}

/* The latest of that origin's that is not too old. It counts as used. */
static struct entry *find(struct openssl_local *local, const struct session_peer *peer)
{
    struct key key;
    int64_t now_s = config_now_s(local->config);
    if (!key_of(peer, &key))
        return NULL;
    for (struct list *node = local->entries.next, *next; node != &local->entries; node = next) {
        struct entry *e = LIST_OWNER(node, struct entry, node);
        next = node->next;
        if (!is_for(e, &key))
            continue;
        if (now_s > e->not_after_s) {
            leave(local, e);
            continue;
        }
        list_remove(&e->node);
        list_push_front(&local->entries, &e->node);
        return e;
    }
    return NULL;
}

/* Room for one more: of its own origin's the oldest beyond the bound, else the oldest of all. */
static void make_room(struct openssl_local *local, const struct key *key)
{
    struct entry *oldest = NULL;
    uint32_t own = 0;
    for (struct list *node = local->entries.next; node != &local->entries; node = node->next) {
        struct entry *e = LIST_OWNER(node, struct entry, node);
        if (!is_for(e, key))
            continue;
        oldest = e;
        own++;
    }
    if (own >= TICKETS_PER_ORIGIN_MAX)
        leave(local, oldest);
    else if (local->count >= local->max)
        leave(local, LIST_OWNER(local->entries.prev, struct entry, node));
}

static struct entry *add(struct openssl_local *local, const struct session_peer *peer)
{
    struct key key;
    if (local->max == 0 || !key_of(peer, &key))
        return NULL;
    make_room(local, &key);
    struct entry *e = memory_take(local->memory, sizeof *e + key.bytes);
    if (!e)
        return NULL;
    *e = (struct entry){.key_bytes = key.bytes};
    memcpy(e->key, key.data, key.bytes);
    list_init(&e->node);
    list_push_front(&local->entries, &e->node);
    local->count++;
    return e;
}

void sessions_put(struct openssl_local *local, const struct session_peer *peer,
                  SSL_SESSION *session, int64_t not_after_s)
{
    if (openssl.SSL_SESSION_get_protocol_version(session) < TLS1_3_VERSION)
        sessions_drop(local, peer); /* it stands for those before */
    struct entry *e = add(local, peer);
    if (!e) {
        openssl.SSL_SESSION_free(session);
        return;
    }
    e->session = session;
    e->not_after_s = not_after_s;
}

SSL_SESSION *sessions_take(struct openssl_local *local, const struct session_peer *peer,
                           int64_t *not_after_s)
{
    struct entry *e = find(local, peer);
    if (!e)
        return NULL;
    SSL_SESSION *session = e->session;
    *not_after_s = e->not_after_s;
    openssl.SSL_SESSION_up_ref(session);
    if (openssl.SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION)
        leave(local, e);
    return session;
}

bool openssl_has_session(struct openssl_local *local, const char *host, uint16_t port,
                         tls_protocols protocols)
{
    return find(local, &(struct session_peer){host, port, protocols}) != NULL;
}

void sessions_drop(struct openssl_local *local, const struct session_peer *peer)
{
    struct entry *e;
    while ((e = find(local, peer)))
        leave(local, e);
}
