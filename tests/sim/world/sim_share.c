/* What a proxy will be to the engine: one pool, to which origins are joined that have none of their
 * own. The pool is one that the engine made, and joined with what it joins them with itself. */
#include "tests/sim/world/sim_share.h"

#include "engine/origin.h"
#include "engine/pool.h"
#include "http/url.h"

#include <stdio.h>
#include <string.h>

static struct origin *origin_of(const struct client *c, const struct client_ask *ask)
{
    char text[128];
    struct url url;
    const char *detail = NULL;
    int bytes =
        snprintf(text, sizeof text, "http%s://%s:%u/", ask->https ? "s" : "", ask->host, ask->port);
    struct ringsend_bytes all = {text, (size_t)bytes};
    SIM_CHECK(url_parse(&url, all, &detail) == RINGSEND_OK, "%s: %s", text, detail ? detail : "");
    return origin_find(c->engine, &url);
}

/* As a request does that is over: it is nobody's. */
static void come_and_go(struct origin *o)
{
    o->requests++;
    o->pool->requests++;
    origin_release(o);
}

void sim_share_pool(const struct client *c, const struct client_ask *of,
                    const struct client_ask *ask)
{
    struct origin *to = origin_of(c, of), *o = origin_of(c, ask);

    SIM_CHECK(to != o && o->requests == 0 && o->pool->conns == 0, "%s is in use", ask->host);
    pool_leave(o);
    pool_join(to->pool, o);
    come_and_go(o);
    if (to->requests == 0 && list_empty(&to->unused)) /* it was looked for as well */
        come_and_go(to);
}
