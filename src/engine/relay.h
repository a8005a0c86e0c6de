/* Relays: by whom the connections to an origin go, as the options say. One for each scheme, and
 * nobody for the hosts that are excepted. Where there are none, nothing of this costs anything. */
#ifndef RINGSEND_ENGINE_RELAY_H
#define RINGSEND_ENGINE_RELAY_H

#include "http/proxy.h"
#include "http/tunnel.h"
#include "ringsend.h"

#include <stdbool.h>
#include <stddef.h>

struct head;
struct pool;
struct ringsend;

/* How a request is carried over it. */
enum relay_kind {
    RELAY_TUNNEL,   /* by a way that CONNECT or SOCKS5 opens */
    RELAY_ABSOLUTE, /* in absolute form: the proxy is who is spoken to, whatever the origin */
    RELAY_BLIND,    /* whoever listens there hands bytes on */
};

struct relay {
    struct proxy proxy;
    enum relay_kind kind;
    bool queues;                  /* it lets wait on purpose */
    bool looks_up;                /* the names of origins are looked up here */
    struct ringsend_bytes fields; /* lines of the head for the proxy alone, each with its end */
    char *text;                   /* what proxy and fields point to; ways_bytes of it */
    size_t text_bytes;
};

struct relays {
    struct relay by_scheme[2]; /* [https] */
    bool given[2];
    struct ringsend_bytes excepted;
};

/* From e->options. False: `message` says why not; empty: memory is out. */
bool relays_read(struct ringsend *e, char *message, size_t message_bytes);
void relays_free(struct ringsend *e);
/* Null: straight there. */
const struct relay *relay_for(const struct ringsend *e, const struct url *url);
/* What would leave before the way is open must not: OK, or BAD_URL. */
enum ringsend_error relay_check(const struct ringsend *e, const struct url *url,
                                const char **detail);
/* A checked head, of a request that the pool's connections carry. */
void relay_head(const struct pool *p, struct head *head);
/* What is to be asked for, for a pool whose way is a tunnel. */
struct tunnel_ask relay_ask(const struct pool *p);

#endif
