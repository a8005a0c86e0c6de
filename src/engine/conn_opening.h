/* A connection until it is open: how it begins, and how what is to be said before its first request
 * goes on. These know its wire and its writer, and no step of it. */
#ifndef RINGSEND_ENGINE_CONN_OPENING_H
#define RINGSEND_ENGINE_CONN_OPENING_H

#include "base/address.h"
#include "engine/wire.h"
#include "ringsend.h"

#include <stdbool.h>

struct conn;
struct pool;

/* A free one, taken, which is to connect to there; its task is woken. */
struct conn *conn_new(struct pool *p, const struct address *address);

/* What its wire is at first: a way to be opened; and at last: what that way leads to. */
enum wire_kind conn_first_kind(const struct pool *p);
enum wire_kind conn_last_kind(const struct pool *p);

/* Each moves on with what has come. *opened: nothing more is to be said. */
enum ringsend_error conn_go_on_tunnel(struct conn *c, bool *opened, const char **detail);
enum ringsend_error conn_go_on_opening(struct conn *c, bool *opened, const char **detail);

bool conn_open_wire(struct conn *c); /* of TLS; false: memory is out */

#endif
