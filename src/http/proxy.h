/* Proxies as options and the environment name them, and for whom they are not. Pure.
 *
 *   [http://|socks5://|socks5h://|tcp://][USER[:PASSWORD]@]HOST[:PORT]
 *
 * as curl reads it: without a scheme it is http, without a port 1080; user and password are
 * percent-decoded. tcp:// is no proxy to itself: whoever listens there hands bytes on
 * to the one whom it stands for. */
#ifndef RINGSEND_HTTP_PROXY_H
#define RINGSEND_HTTP_PROXY_H

#include "http/url.h"
#include "ringsend.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum proxy_kind {
    PROXY_HTTP,
    PROXY_SOCKS5,  /* RFC 1928, names looked up here */
    PROXY_SOCKS5H, /* there */
    PROXY_TCP,
};

/* RFC 1929 has no more; a password of Basic may be a token. */
enum { PROXY_USER_BYTES_MAX = 255, PROXY_PASSWORD_BYTES_MAX = 4096 };

struct proxy {
    enum proxy_kind kind;
    struct url url;    /* host and port alone; in the text that was read */
    bool has_user;     /* it stands there: */
    size_t user_bytes; /* decoded */
    size_t password_bytes;
    char user[PROXY_USER_BYTES_MAX];
    char password[PROXY_PASSWORD_BYTES_MAX];
};

/* Null; or what is wrong with the text, without repeating it: static. */
const char *proxy_read(struct proxy *p, struct ringsend_bytes text);
/* USER[:PASSWORD] as it stands. Likewise. */
const char *proxy_set_user(struct proxy *p, struct ringsend_bytes pair);
/* Where in the text of a proxy, however wrong it is, USER:PASSWORD stands; empty: there is none. */
struct ringsend_bytes proxy_secret(struct ringsend_bytes text);

/* Whether the list says that one goes to the host of a URL without a proxy: "*", or items with
 * commas or blanks between them. A name is that host and all below it, be there a dot before it or
 * behind it, in any case; an address is itself, or with /BITS a network. No item has a port, and no
 * name is looked up. */
bool proxy_is_excepted(struct ringsend_bytes list, const struct url *url);

#endif
