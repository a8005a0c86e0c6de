/* Why a connect failed, by the error number that io_uring gives. */
#include "engine/connect_error.h"

#include "base/address.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "ringsend.h"
#include "uring/ring.h"

#include <errno.h>

enum ringsend_error connect_error(int32_t result)
{
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
