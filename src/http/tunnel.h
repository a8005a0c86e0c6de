/* What is said to a proxy before it opens a way, and what it answers: CONNECT (RFC 9110 9.3.6), and
 * SOCKS5 (RFC 1928, 1929). Pure: bytes in, bytes out.
 *
 *   tunnel_begin, then in turns
 *   tunnel_say   writes what is to be said next; 0: it is the proxy's turn
 *   tunnel_feed  takes in what it answers, up to OPEN or FAILED
 *
 * What comes behind an answer that opens the way is not taken: nobody has been asked yet. An answer
 * that opens none is not read beyond its head. */
#ifndef RINGSEND_HTTP_TUNNEL_H
#define RINGSEND_HTTP_TUNNEL_H

#include "ringsend.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct address;

enum { TUNNEL_HEAD_BYTES_MAX = 64 << 10 }; /* of a proxy's answer, all 1xx before it included */

/* To whom, and by whose leave. Borrowed. */
struct tunnel_ask {
    bool socks;
    struct ringsend_bytes host; /* an IPv6 literal without its brackets */
    bool host_is_ipv6;
    uint16_t port;
    const struct address *address;        /* SOCKS5: in place of the name; null: the name */
    struct ringsend_bytes fields;         /* CONNECT: lines of the head, each with its end */
    struct ringsend_bytes user, password; /* SOCKS5 */
    bool has_user;
};

enum tunnel_next { TUNNEL_MORE, TUNNEL_OPEN, TUNNEL_FAILED };

enum tunnel_step {
    TUNNEL_CONNECT,  /* to be said */
    TUNNEL_STATUS,   /* the first line of the answer */
    TUNNEL_FIELDS,   /* the rest of its head */
    TUNNEL_GREET,    /* SOCKS5: to be said */
    TUNNEL_METHOD,   /* the method that is asked for */
    TUNNEL_PASSWORD, /* to be said */
    TUNNEL_VERDICT,  /* on that */
    TUNNEL_REQUEST,  /* to be said */
    TUNNEL_REPLY,
    TUNNEL_OVER
};

struct tunnel {
    const struct tunnel_ask *ask;
    enum tunnel_step step;
    bool answered;          /* a first byte has come */
    uint32_t bytes;         /* of this answer, or the heads together */
    uint32_t line;          /* of this line of a head, but for its end */
    int status;             /* of an HTTP answer; SOCKS5: the reply */
    unsigned char got[262]; /* SOCKS5: this answer so far */
    char status_line[96];
    size_t status_line_bytes;
    enum ringsend_error error; /* FAILED */
    char detail[160];          /* FAILED: a sentence */
};

void tunnel_begin(struct tunnel *t, const struct tunnel_ask *ask);
/* The most that tunnel_say writes. */
size_t tunnel_say_bytes(const struct tunnel *t);
size_t tunnel_say(struct tunnel *t, char *to);
/* *used: so many of the bytes were taken. */
enum tunnel_next tunnel_feed(struct tunnel *t, struct ringsend_bytes got, size_t *used);
/* The stream has ended instead: FAILED. `how` is a sentence, or null: it was closed. */
void tunnel_ended(struct tunnel *t, const char *how);

#endif
