/* Why a connect failed, by the error number that io_uring gives. */
#include "engine/connect_error.h"

#include "base/address.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "ringsend.h"
#include "uring/ring.h"

#include <errno.h>
#include <string.h>

static bool is_unix(const struct conn *c)
{
    return c->address.any.sa_family == AF_UNIX;
}

enum ringsend_error connect_error(const struct conn *c, int32_t result)
{
    if (is_unix(c) && result == -ENOENT)
        return RINGSEND_E_CONNECT_REFUSED;
    switch (-result) {
    case ECONNREFUSED:
        return RINGSEND_E_CONNECT_REFUSED;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EACCES:
    case EPERM:
    case EAFNOSUPPORT:
        return RINGSEND_E_CONNECT_UNREACHABLE;
    case ECONNRESET:
    case ECONNABORTED:
        return RINGSEND_E_CONNECT_RESET;
    case EADDRNOTAVAIL:
    case EADDRINUSE:
        return RINGSEND_E_CONNECT_NO_PORT;
    case ETIMEDOUT:
        return RINGSEND_E_TIMEOUT_CONNECT;
    default:
        return RINGSEND_E_CONNECT_FAILED;
    }
}

/* Of unix sockets: the path in the file system says more than the number. */
static const char *unix_detail(int32_t result)
{
    switch (-result) {
    case ENOENT:
        return "there is no unix socket of that name: is its server running?";
    case ECONNREFUSED:
        return "nobody listens at the unix socket any more, or it is a file of another kind";
    case EACCES:
    case EPERM:
        return "the unix socket, or a directory on its path, is not open to this user";
    case EAGAIN:
        return "the queue of the unix socket's listener is full";
    case EPROTOTYPE:
        return "the unix socket is of another kind than a stream";
    default:
        return NULL;
    }
}

const char *connect_detail(const struct conn *c, int32_t result)
{
    const char *detail = is_unix(c) ? unix_detail(result) : NULL;
    return detail ? detail : strerrordesc_np(-result);
}

bool connect_is_short(const struct conn *c, int32_t result)
{
    switch (-result) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EAGAIN:
    case EADDRINUSE:
        return true;
    case EADDRNOTAVAIL: /* also without any address of the peer's family */
        return ring_has_source(c->engine->ring, &c->address.any, address_bytes(&c->address));
    default:
        return false;
    }
}
