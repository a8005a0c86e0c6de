/* Who asks, where that has to be found out anew for each try: a token that expires, a signature
 * that is good for minutes. For the programs of this house, as file.h is: embedders give each
 * request its headers.
 *
 * Several engines may share one; its functions are called on their threads, and wait for nothing.
 * A request with an Authorization of its own takes no part. */
#ifndef RINGSEND_ENGINE_CREDENTIALS_H
#define RINGSEND_ENGINE_CREDENTIALS_H

#include "base/buf.h"
#include "base/time.h"
#include "http/head.h"
#include "ringsend.h"

#include <stdbool.h>
#include <stdint.h>

struct credentials {
    /* Null, or whether a try may begin. While it says no, it is asked again every
     * CREDENTIALS_TICK_NS, and no clock of a request runs but its own deadline. */
    bool (*may_begin)(struct credentials *credentials, uint64_t now_ns);
    /* Appends lines to a head, each with its CRLF, for a try that begins now. *generation is told
     * to `heard`; 0: it wants to hear nothing. */
    enum ringsend_error (*add)(struct credentials *credentials, const struct head *head,
                               struct ringsend_bytes body, int64_t wall_s, struct buf_pool *pool,
                               struct buf *out, uint16_t *generation);
    /* Hears the status of a complete response to such a try, and whether it is what is wanted.
     * True: it was refused for what is renewed by now, or soon will be, and has not been processed:
     * it is made again, and does not count. *renewed is the request's: false at first. */
    bool (*heard)(struct credentials *credentials, uint16_t generation, int status, bool is_ok,
                  bool *renewed);
};

#define CREDENTIALS_TICK_NS (10 * NS_PER_MS)

/* Before the first request. Borrowed for the life of the engine. */
void engine_use_credentials(struct ringsend *engine, struct credentials *credentials);

/* ---- within the engine ---- */

struct request;

/* Behind the head of its try, which was written right now. */
enum ringsend_error credentials_sign(struct request *r, struct buf *head);

#endif
