/* Addresses that the options give for a host, in place of a lookup: read once, then only looked at, in the
 * options' order. */
#include "engine/engine.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* What is wrong with it, or null. */
static const char *read_one(struct override *o, const struct ringsend_resolve *from)
{
    size_t host_bytes = from->host ? strlen(from->host) : 0;
    if (host_bytes == 0 || host_bytes > LIMIT_HOST_BYTES)
        return "the host is not a name";
    for (size_t i = 0; i < host_bytes; i++)
        o->host[i] = (char)tolower((unsigned char)from->host[i]);
    o->port = from->port;
    return addresses_read(from->addresses ? from->addresses : "", o->addresses, LIMIT_ADDRESSES,
                          &o->addresses_count);
}

bool overrides_read(struct ringsend *e, char *message, size_t message_bytes)
{
    const struct ringsend_options *options = &e->options;
    for (size_t i = 0; i < options->resolve_count; i++) {
        const struct ringsend_resolve *from = &options->resolve[i];
        const char *fault = read_one(&e->overrides[i], from);
        if (!fault)
            continue;
        snprintf(message, message_bytes, "resolve: %s: \"%.60s\" for host \"%.60s\"", fault,
                 from->addresses ? from->addresses : "", from->host ? from->host : "");
        return false;
    }
    e->options.resolve = NULL; /* only borrowed */
    return true;
}

const struct override *override_find(const struct ringsend *e, struct ringsend_bytes host,
                                     uint16_t port)
{
    for (size_t i = 0; i < e->options.resolve_count; i++) {
        const struct override *o = &e->overrides[i];
        bool any = o->host[0] == '*' && o->host[1] == '\0';
        if ((any || span_equal_nocase(span_of(o->host), host)) && (o->port == 0 || o->port == port))
            return o;
    }
    return NULL;
}
