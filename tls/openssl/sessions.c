/* As many sessions as a thread's bound, the least recently used leave first; of one origin at most
 * TICKETS_PER_ORIGIN_MAX, for a server sends two or more with each handshake and a pool wants one a
 * connection. What BearSSL's sessions rest on (see tls/bearssl/local.c) these do: one config, host
 * and port, and the end of the certificates that were verified.
 *
 * The list is short where it is used at all, and is searched from the front, which has the latest:
 * 1024 entries take 2 us. */
#include "tls/openssl/sessions.h"

#include "tls/local.h"

#include <string.h>

struct entry {
    struct list node;
    SSL_SESSION *session;
    int64_t not_after_s;
    uint16_t port;
    size_t host_bytes;
    char host[]; /* in lower case */
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
    memory_give_back(local->memory, e, sizeof *e + e->host_bytes);
}

void openssl_local_free(struct openssl_local *local)
{
    if (!local)
        return;
    while (!list_empty(&local->entries))
        leave(local, LIST_OWNER(local->entries.next, struct entry, node));
    memory_give_back(local->memory, local, sizeof *local);
}

static bool is_for(const struct entry *e, const struct host_key *key, uint16_t port)
{
    return e->port == port && e->host_bytes == key->bytes &&
           memcmp(e->host, key->text, key->bytes) == 0;
}

/* The latest of that origin's that is not too old. It counts as used. */
static struct entry *find(struct openssl_local *local, const char *host, uint16_t port)
{
    struct host_key key;
    int64_t now_s = config_now_s(local->config);
    if (!host_key(host, &key))
        return NULL;
    for (struct list *node = local->entries.next, *next; node != &local->entries; node = next) {
        struct entry *e = LIST_OWNER(node, struct entry, node);
        next = node->next;
        if (!is_for(e, &key, port))
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
static void make_room(struct openssl_local *local, const struct host_key *key, uint16_t port)
{
    struct entry *oldest = NULL;
    uint32_t own = 0;
    for (struct list *node = local->entries.next; node != &local->entries; node = node->next) {
        struct entry *e = LIST_OWNER(node, struct entry, node);
        if (!is_for(e, key, port))
            continue;
        oldest = e;
        own++;
    }
    if (own >= TICKETS_PER_ORIGIN_MAX)
        leave(local, oldest);
    else if (local->count >= local->max)
        leave(local, LIST_OWNER(local->entries.prev, struct entry, node));
}

static struct entry *add(struct openssl_local *local, const char *host, uint16_t port)
{
    struct host_key key;
    if (local->max == 0 || !host_key(host, &key))
        return NULL;
    make_room(local, &key, port);
    struct entry *e = memory_take(local->memory, sizeof *e + key.bytes);
    if (!e)
        return NULL;
    *e = (struct entry){.port = port, .host_bytes = key.bytes};
    memcpy(e->host, key.text, key.bytes);
    list_init(&e->node);
    list_push_front(&local->entries, &e->node);
    local->count++;
    return e;
}

void sessions_put(struct openssl_local *local, const char *host, uint16_t port,
                  SSL_SESSION *session, int64_t not_after_s)
{
    if (openssl.SSL_SESSION_get_protocol_version(session) < TLS1_3_VERSION)
        sessions_drop(local, host, port); /* it stands for those before */
    struct entry *e = add(local, host, port);
    if (!e) {
        openssl.SSL_SESSION_free(session);
        return;
    }
    e->session = session;
    e->not_after_s = not_after_s;
}

SSL_SESSION *sessions_take(struct openssl_local *local, const char *host, uint16_t port,
                           int64_t *not_after_s)
{
    struct entry *e = find(local, host, port);
    if (!e)
        return NULL;
    SSL_SESSION *session = e->session;
    *not_after_s = e->not_after_s;
    openssl.SSL_SESSION_up_ref(session);
    if (openssl.SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION)
        leave(local, e);
    return session;
}

bool openssl_has_session(struct openssl_local *local, const char *host, uint16_t port)
{
    return find(local, host, port) != NULL;
}

void sessions_drop(struct openssl_local *local, const char *host, uint16_t port)
{
    struct entry *e;
    while ((e = find(local, host, port)))
        leave(local, e);
}
