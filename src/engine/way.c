/* The way of connections. With a unix socket each host has one address, of the family AF_UNIX and
 * nothing else (struct address has no room for a path): what that stands for is here, once for the
 * engine. Names in URLs then say what the Host header and TLS say, and nothing is looked up. */
#include "engine/way.h"

#include "base/address.h"
#include "base/check.h"
#include "engine/engine.h"
#include "http/url.h"
#include "ringsend.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { PATH_ROOM = sizeof((struct sockaddr_un *)NULL)->sun_path };

/* Up to one of each kind. */
static const char *read_local(const char *text, struct ring_source *source)
{
    struct address read[2];
    uint32_t count = 0;
    const char *fault = addresses_read(text, read, 2, &count);
    if (fault || (count == 2 && read[0].any.sa_family == read[1].any.sa_family))
        return "local_address must be an IP address, or one of each kind with a comma between them";
    for (uint32_t i = 0; i < count; i++) {
        if (read[i].any.sa_family == AF_INET)
            source->v4 = read[i].v4;
        else
            source->v6 = read[i].v6;
    }
    return NULL;
}

struct ring_source way_source(const struct ringsend_options *o)
{
    struct ring_source source = {0};
    if (o->local_address)
        read_local(o->local_address, &source);
    if (o->local_device)
        snprintf(source.device, sizeof source.device, "%s", o->local_device);
    return source;
}

const char *way_fault(const struct ringsend_options *o)
{
    const char *path = o->unix_socket;
    struct ring_source source = {0};
    if (o->ip_version != 0 && o->ip_version != 4 && o->ip_version != 6)
        return "ip_version must be 0, 4 or 6";
    if (o->local_device && (!o->local_device[0] || strlen(o->local_device) >= sizeof source.device))
        return "local_device must be the name of a network device, of 1 to 15 bytes";
    if (o->connect_to_count > LIMIT_OVERRIDES || (o->connect_to_count > 0 && !o->connect_to))
        return "connect_to_count must be 0 to 256";
    const char *fault = o->local_address ? read_local(o->local_address, &source) : NULL;
    if (fault)
        return fault;
    if (!path)
        return o->unix_abstract ? "unix_abstract goes with unix_socket" : NULL;
    if (path[0] == '\0')
        return "unix_socket is empty";
    /* One byte is the NUL's: behind a path, ahead of an abstract name (unix(7)). */
    if (strlen(path) >= PATH_ROOM)
        return "unix_socket is longer than 107 bytes, which is all that the kernel takes: name it "
               "from the directory in which it is, or by a symbolic link to that";
    return NULL;
}

void way_read(struct ringsend *e)
{
    struct ringsend_options *o = &e->options;
    struct way *w = &e->way;
    struct ring_source source = way_source(o);
    w->no_ipv4 = o->ip_version == 6 || (o->local_address && source.v4.sin_family == 0);
    w->no_ipv6 = o->ip_version == 4 || (o->local_address && source.v6.sin6_family == 0);
    if (!o->unix_socket)
        return;
    size_t bytes = strlen(o->unix_socket), at = o->unix_abstract ? 1 : 0;
    CHECK(bytes > 0 && bytes < PATH_ROOM);
    w->socket.sun_family = AF_UNIX;
    memcpy(w->socket.sun_path + at, o->unix_socket, bytes);
    w->socket_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + bytes + 1);
    o->unix_socket = NULL; /* only borrowed */
}

/* ---- other hosts than the URL's ---- */

/* As in URLs, or without the brackets of IPv6; null and empty: any, or the same. */
static const char *copy_host(char *to, const char *host, bool may_be_any)
{
    const char *detail = NULL;
    size_t bytes = host ? strlen(host) : 0;
    to[0] = may_be_any ? '*' : '\0';
    to[1] = '\0';
    if (bytes == 0)
        return NULL;
    if (url_check_host(span_of(host), &detail) != RINGSEND_OK)
        return detail;
    memcpy(to, host, bytes + 1);
    return NULL;
}

bool way_read_diversions(struct ringsend *e, char *message, size_t message_bytes)
{
    const struct ringsend_options *o = &e->options;
    for (size_t i = 0; i < o->connect_to_count; i++) {
        const struct ringsend_connect_to *from = &o->connect_to[i];
        struct diversion *d = &e->diversions[i];
        const char *fault = copy_host(d->host, from->host, true);
        if (!fault)
            fault = copy_host(d->to_host, from->to_host, false);
        d->port = from->port;
        d->to_port = from->to_port;
        if (!fault)
            continue;
        snprintf(message, message_bytes, "connect_to[%zu]: %s", i, fault);
        return false;
    }
    e->options.connect_to = NULL; /* only borrowed */
    return true;
}

void way_divert(const struct ringsend *e, const struct url *url, struct url *to)
{
    *to = *url;
    for (size_t i = 0; i < e->options.connect_to_count; i++) {
        const struct diversion *d = &e->diversions[i];
        if (!address_is_for(d->host, d->port, url->host, url->port))
            continue;
        to->port = d->to_port ? d->to_port : url->port;
        if (d->to_host[0] != '\0') {
            to->host = span_of(d->to_host);
            to->host_is_ipv6 = strchr(d->to_host, ':') != NULL;
        }
        return;
    }
}

/* ---- addresses ---- */

bool way_takes(const struct ringsend *e, const struct address *address)
{
    return address->any.sa_family == AF_INET ? !e->way.no_ipv4 : !e->way.no_ipv6;
}

uint32_t way_pick(const struct ringsend *e, struct address *addresses, uint32_t count)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < count; i++)
        if (way_takes(e, &addresses[i]))
            addresses[left++] = addresses[i];
    return left;
}

/* ---- a unix socket ---- */

bool way_is_unix(const struct ringsend *e)
{
    return e->way.socket_bytes > 0;
}

const struct sockaddr *way_to(const struct ringsend *e, const struct address *address,
                              socklen_t *bytes)
{
    CHECK((address->any.sa_family == AF_UNIX) == way_is_unix(e));
    if (way_is_unix(e)) {
        *bytes = e->way.socket_bytes;
        return (const struct sockaddr *)&e->way.socket;
    }
    *bytes = address_bytes(address);
    return &address->any;
}
