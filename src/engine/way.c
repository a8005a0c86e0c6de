/* The way of connections. With a unix socket each host has one address, of the family AF_UNIX and
 * nothing else (struct address has no room for a path): what that stands for is here, once for the
 * engine. Names in URLs then say what the Host header and TLS say, and nothing is looked up. */
#include "engine/way.h"

#include "base/address.h"
#include "base/check.h"
#include "engine/engine.h"
#include "ringsend.h"

#include <stddef.h>
#include <string.h>

enum { PATH_ROOM = sizeof((struct sockaddr_un *)NULL)->sun_path };

const char *way_fault(const struct ringsend_options *o)
{
    const char *path = o->unix_socket;
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
    if (!o->unix_socket)
        return;
    size_t bytes = strlen(o->unix_socket), at = o->unix_abstract ? 1 : 0;
    CHECK(bytes > 0 && bytes < PATH_ROOM);
    w->socket.sun_family = AF_UNIX;
    memcpy(w->socket.sun_path + at, o->unix_socket, bytes);
    w->socket_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + bytes + 1);
    o->unix_socket = NULL; /* only borrowed */
}

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
