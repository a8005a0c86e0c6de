/* Hosts: names and their addresses, looked up once for all pools and requests that want them.
 *
 * A literal is its own address, one that the options give addresses for has these, and localhost is
 * this machine. Another name's addresses are used for FRESH_NS, then asked for again;
 * that a name does not exist is believed for MISSING_NS. When the resolver fails, addresses that it
 * gave before are used for another STALE_NS: a resolver's hiccup must not fail a batch.
 *
 * Invariant: a host is freed only when nobody uses it and no answer of a lookup thread is due.
 */
#include "engine/host.h"

#include "base/address.h"
#include "base/ascii.h"
#include "base/check.h"
#include "base/errors.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/memory.h"
#include "base/time.h"
#include "engine/engine.h"
#include "engine/lookup.h"
#include "engine/lookups.h"
#include "engine/pool.h"
#include "engine/way.h"
#include "http/head.h"
#include "ringsend.h"

#include <arpa/inet.h>
#include <string.h>

#define FRESH_NS (60 * NS_PER_S)
#define MISSING_NS (5 * NS_PER_S)
#define STALE_NS (5 * NS_PER_S)

static const char no_version[] = "the host has no address of the IP version that may be used";

static void give_back_addresses(struct ringsend *e, struct host *h)
{
    if (h->addresses_room > HOST_ADDRESSES_FEW)
        memory_give_back(&e->memory, h->addresses, h->addresses_room * sizeof *h->addresses);
    h->addresses = h->few;
    h->addresses_room = HOST_ADDRESSES_FEW;
}

static void set_literal(struct host *h, bool is_ipv6)
{
    struct address *a = &h->addresses[0];
    if (is_ipv6) {
        a->v6.sin6_family = AF_INET6;
        h->fixed = inet_pton(AF_INET6, h->name, &a->v6.sin6_addr) == 1;
    } else {
        a->v4.sin_family = AF_INET;
        h->fixed = inet_pton(AF_INET, h->name, &a->v4.sin_addr) == 1;
    }
    h->addresses_count = h->fixed;
}

/* Room for so many, or, when memory is out, for fewer. */
static uint32_t make_room(struct ringsend *e, struct host *h, uint32_t count)
{
    if (count <= h->addresses_room)
        return count;
    struct address *more = memory_take(&e->memory, count * sizeof *more);
    if (!more)
        return h->addresses_room;
    give_back_addresses(e, h);
    h->addresses = more;
    h->addresses_room = count;
    return count;
}

static void set_override(struct ringsend *e, struct host *h, const struct override *o)
{
    uint32_t count = make_room(e, h, o->addresses_count);
    h->override = o;
    h->fixed = true;
    h->addresses_count = count;
    memcpy(h->addresses, o->addresses, count * sizeof *o->addresses);
}

/* Of those that it has for good, none may be of use. */
static void pick(const struct ringsend *e, struct host *h)
{
    if (!h->fixed || way_is_unix(e))
        return;
    h->addresses_count = way_pick(e, h->addresses, h->addresses_count);
    h->error = h->addresses_count > 0 ? RINGSEND_OK : RINGSEND_E_DNS_NOT_FOUND;
    h->detail = h->addresses_count > 0 ? NULL : no_version;
}

/* RFC 6761 6.3: localhost and all below it are this machine, and nobody is asked. */
static bool is_loopback(const char *name)
{
    static const char suffix[] = ".localhost";
    size_t bytes = strlen(name), suffix_bytes = sizeof suffix - 1;
    bytes -= bytes > 0 && name[bytes - 1] == '.';
    if (bytes == suffix_bytes - 1)
        return memcmp(name, suffix + 1, bytes) == 0;
    return bytes > suffix_bytes && memcmp(name + bytes - suffix_bytes, suffix, suffix_bytes) == 0;
}

/* Both families, in the order of RFC 6724: a server may listen on one of them alone. */
static void set_loopback(struct host *h)
{
    h->fixed = true;
    if (lookup_has_ipv6_loopback())
        h->addresses[h->addresses_count++].v6 =
            (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    h->addresses[h->addresses_count++].v4 =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void set_unix(struct host *h)
{
    h->fixed = true;
    h->addresses[h->addresses_count++].any.sa_family = AF_UNIX;
}

/* A name is there once for each override of its ports, besides. */
struct host *host_find(struct ringsend *e, const struct url *url)
{
    struct ringsend_bytes name = url->host;
    const struct override *override = override_find(e, name, url->port);
    CHECK(name.bytes <= LIMIT_HOST_BYTES);
    uint32_t hash = span_hash_nocase(name);
    struct host *h = e->hosts_hash[hash & e->hash_mask];
    while (h && (h->override != override || !span_equal_nocase(span_of(h->name), name)))
        h = h->hash_next;
    if (h)
        return h;
    h = e->hosts_free;
    if (h)
        e->hosts_free = h->hash_next;
    else
        h = &e->hosts[e->hosts_mark++];
    CHECK(e->hosts_mark <= e->hosts_max);
    *h = (struct host){.hash_next = e->hosts_hash[hash & e->hash_mask],
                       .addresses = h->few,
                       .addresses_room = HOST_ADDRESSES_FEW};
    e->hosts_hash[hash & e->hash_mask] = h;
    list_init(&h->pools);
    list_init(&h->asking);
    list_init(&h->in_lookups);
    for (size_t i = 0; i < name.bytes; i++)
        h->name[i] = ascii_lower(name.data[i]);
    if (way_is_unix(e))
        set_unix(h);
    else if (override)
        set_override(e, h, override);
    else if (is_loopback(h->name))
        set_loopback(h);
    else
        set_literal(h, url->host_is_ipv6);
    pick(e, h);
    return h;
}

static void free_if_unused(struct ringsend *e, struct host *h)
{
    if (h->users > 0 || h->looking_up)
        return;
    struct host **at = &e->hosts_hash[span_hash_nocase(span_of(h->name)) & e->hash_mask];
    while (*at != h)
        at = &(*at)->hash_next;
    *at = h->hash_next;
    give_back_addresses(e, h);
    h->hash_next = e->hosts_free;
    e->hosts_free = h;
}

void hosts_release(struct ringsend *e)
{
    for (uint32_t i = 0; i < e->hosts_mark; i++)
        give_back_addresses(e, &e->hosts[i]);
}

void host_release(struct ringsend *e, struct host *h)
{
    CHECK(h->users > 0);
    h->users--;
    if (h->users == 0)
        lookups_withdraw(e, h);
    free_if_unused(e, h);
}

bool host_is_fresh(const struct ringsend *e, const struct host *h)
{
    return h->fixed || e->now_ns < h->fresh_until_ns;
}

void host_expire(struct host *h)
{
    h->fresh_until_ns = 0;
}

/* That is no news about the addresses. */
static void lookup_failed(struct ringsend *e, struct host *h, enum ringsend_error error)
{
    if (h->addresses_count == 0)
        h->error = error;
    else
        h->fresh_until_ns = e->now_ns + STALE_NS;
}

void host_look_up(struct ringsend *e, struct host *h)
{
    if (h->looking_up || host_is_fresh(e, h))
        return;
    h->error = RINGSEND_OK;
    h->detail = NULL;
    lookups_add(e, h);
}

bool host_is_wanted(const struct host *h)
{
    uint32_t requests = 0;
    for (struct list *node = h->pools.next; node != &h->pools; node = node->next)
        requests += LIST_OWNER(node, struct pool, in_host)->requests;
    for (struct list *node = h->asking.next; node != &h->asking; node = node->next)
        requests += LIST_OWNER(node, struct pool, in_peer)->requests;
    return requests > 0;
}

static void wake_pools(const struct host *h, bool found)
{
    for (struct list *node = h->pools.next; node != &h->pools; node = node->next) {
        struct pool *p = LIST_OWNER(node, struct pool, in_host);
        if (found)
            pool_addresses_found(p);
        pool_wake_all(p);
    }
    for (struct list *node = h->asking.next; node != &h->asking; node = node->next)
        pool_wake_all(LIST_OWNER(node, struct pool, in_peer));
}

void host_lookup_begun(const struct host *h)
{
    wake_pools(h, false);
}

void host_lookup_dropped(const struct host *h)
{
    wake_pools(h, false);
}

void host_lookup_impossible(struct ringsend *e, struct host *h)
{
    lookup_failed(e, h, RINGSEND_E_DNS_FAILED);
    wake_pools(h, false);
}

/* Families take turns, the resolver's first choice first (RFC 8305 section 4). */
static void interleave(struct ringsend *e, struct host *h, const struct lookup_answer *answer)
{
    uint32_t next[2] = {0, 0}, room = make_room(e, h, answer->count);
    int first = answer->addresses[0].ss_family, turn = 0;
    h->addresses_count = 0;
    while (h->addresses_count < room) {
        uint32_t *i = &next[turn];
        while (*i < answer->count && (answer->addresses[*i].ss_family == first) != (turn == 0))
            ++*i;
        if (*i < answer->count)
            memcpy(&h->addresses[h->addresses_count++], &answer->addresses[(*i)++],
                   sizeof(struct address));
        turn = !turn;
    }
}

static void take_answer(struct ringsend *e, struct host *h, const struct lookup_answer *answer)
{
    lookups_answered(e, h);
    switch (answer->status) {
    case LOOKUP_FOUND:
        CHECK(answer->count > 0 && answer->count <= LIMIT_ADDRESSES);
        interleave(e, h, answer);
        h->addresses_count = way_pick(e, h->addresses, h->addresses_count);
        if (h->addresses_count == 0) {
            h->error = RINGSEND_E_DNS_NOT_FOUND;
            h->detail = no_version;
        }
        h->fresh_until_ns = e->now_ns + FRESH_NS;
        break;
    case LOOKUP_NOT_FOUND:
        h->error = RINGSEND_E_DNS_NOT_FOUND;
        h->addresses_count = 0;
        h->fresh_until_ns = e->now_ns + MISSING_NS;
        break;
    case LOOKUP_FAILED:
        lookup_failed(e, h, RINGSEND_E_DNS_FAILED);
        break;
    }
    wake_pools(h, answer->status == LOOKUP_FOUND && h->addresses_count > 0);
    free_if_unused(e, h);
}

void host_answers(struct ringsend *e)
{
    struct lookup_answer answer;
    while (e->lookup && lookup_next(e->lookup, &answer))
        take_answer(e, answer.owner, &answer);
}
