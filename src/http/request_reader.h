/* Requests as a server reads them: for src/serve/, on llhttp, pure. One request at a time. The body
 * is hashed (FNV-1a, 64 bits) and counted; it is stored, or digested, only on demand, so that a
 * platform under load costs little. Methods are those that llhttp knows, lines end in CRLF, and a
 * head has at most 64 KiB.
 *
 * Life: init, feed until DONE or FAILED, release; then again, for the next request. */
#ifndef RINGSEND_HTTP_REQUEST_READER_H
#define RINGSEND_HTTP_REQUEST_READER_H

#include "base/buf.h"
#include "base/sha256.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum request_next { REQUEST_MORE, REQUEST_DONE, REQUEST_FAILED };

/* What becomes of the body. */
enum request_body { REQUEST_BODY_COUNTED, REQUEST_BODY_STORED, REQUEST_BODY_DIGESTED };

enum {
    REQUEST_PARSER_BYTES = 128,
    REQUEST_METHOD_MAX = 24,
    REQUEST_TARGET_MAX = 1024,
    REQUEST_ID_MAX = 200,
};

struct request_reader {
    /* Valid from DONE to the next init. */
    char method[REQUEST_METHOD_MAX];
    char target[REQUEST_TARGET_MAX]; /* cut to fit, NUL-terminated */
    char id[REQUEST_ID_MAX]; /* value of the first header named by id_header, cut to fit; empty
                                when absent */
    bool keep_alive;
    bool expects_continue; /* Expect: 100-continue */
    uint64_t body_bytes;
    uint64_t body_hash;   /* FNV-1a of no bytes when there is no body */
    struct buf body;      /* with STORED only */
    struct sha256 digest; /* of the body, to be ended; with DIGESTED only */

    bool started;       /* a first byte was fed */
    bool head_done;     /* the blank line was read */
    const char *detail; /* after FAILED: static text */

    /* Private. */
    struct buf_pool *pool;
    const char *id_header;
    enum request_body body_to;
    bool done;
    uint8_t header_kind;
    uint8_t name_bytes, value_bytes; /* of name[] and value[]; 255: too long to be of interest */
    uint16_t target_bytes, id_bytes;
    uint32_t head_bytes;
    char name[64];
    char value[16];
    _Alignas(8) unsigned char parser[REQUEST_PARSER_BYTES];
};

/* id_header: lower-case name, at most 64 bytes, of the header that identifies a record; null: none.
 * It and the pool must outlive the reader. */
void request_reader_init(struct request_reader *r, struct buf_pool *pool, const char *id_header,
                         enum request_body body_to);
/* Takes up to `bytes`; *used (always set) tells how many: what is behind the request is left. Not
 * to be called after DONE or FAILED. */
enum request_next request_reader_feed(struct request_reader *r, const char *data, size_t bytes,
                                      size_t *used);
void request_reader_release(struct request_reader *r);

#endif
