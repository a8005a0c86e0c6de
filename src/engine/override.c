/* Addresses that the options give for a host, in place of a lookup: read once, then only looked at,
 * in the options' order. */
#include "engine/host.h"

#include "base/address.h"
#include "base/ascii.h"
#include "base/limits.h"
#include "engine/engine.h"
#include "engine/origin.h"
#include "http/url.h"
#include "ringsend.h"

#include <stdio.h>
#include <string.h>

/* What is wrong with it, or null. */
static const char *read_one(struct override *o, const struct ringsend_resolve *from)
{
    struct ringsend_bytes host = span_of(from->host ? from->host : "");
    const char *detail;
    if (!span_equal(host, SPAN("*")) && url_check_host(host, &detail) != RINGSEND_OK)
        return detail;
    for (size_t i = 0; i < host.bytes; i++)
        o->host[i] = ascii_lower(host.data[i]);
    o->port = from->port;
    return addresses_read(from->addresses ? from->addresses : "", o->addresses,
                          LIMIT_ADDRESSES_GIVEN, &o->addresses_count);
}

bool overrides_read(struct ringsend *e, char *message, size_t message_bytes)
{
    const struct ringsend_options *options = &e->options;
    for (size_t i = 0; i < options->resolve_count; i++) {
        const struct ringsend_resolve *from = &options->resolve[i];
        const char *fault = read_one(&e->overrides[i], from);
        if (!fault)
            continue;
        snprintf(message, message_bytes, "resolve[%zu], host \"%.80s\", addresses \"%.80s\": %s", i,
                 from->host ? from->host : "(null)", from->addresses ? from->addresses : "(null)",
                 fault);
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
        if (address_is_for(o->host, o->port, host, port))
            return o;
    }
    return NULL;
}
