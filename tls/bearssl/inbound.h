/* What a server says in clear text, taken apart before BearSSL sees it. See inbound.c. */
#ifndef RINGSEND_TLS_INBOUND_H
#define RINGSEND_TLS_INBOUND_H

#include "tls/tls.h"

#include <bearssl.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { INBOUND_RECORD_HEAD = 5, INBOUND_MESSAGE_HEAD = 4 };

/* Zeroed: nothing has come. */
struct inbound {
    bool greeted; /* the first message was whole */
    bool done;    /* the ServerHelloDone has come: no public-key work follows */
    bool over;    /* the ChangeCipherSpec has come: bytes pass as they are */
    uint8_t record_head[INBOUND_RECORD_HEAD], message_head[INBOUND_MESSAGE_HEAD];
    uint8_t record_head_bytes, message_head_bytes; /* of these, so far */
    size_t record_left, message_left;
    enum ringsend_error error; /* why nothing more is taken */
    const char *detail;        /* then: static */
};

/* Gives BearSSL what it may see, at most up to the end of one message. Returns how many bytes were
 * used; 0: something else must move first, or there is a fault. Not once it is over. */
size_t inbound_feed(struct inbound *in, br_ssl_engine_context *engine, const uint8_t *from,
                    size_t bytes);

#endif
