/* Requests as a server reads them: for src/platform/, on llhttp, pure. One request at a time. The
 * body is hashed (FNV-1a, 64 bits) and counted; it is stored only on demand, so that a platform
 * under load costs no memory. */
#ifndef RINGSEND_HTTP_REQUEST_READER_H
#define RINGSEND_HTTP_REQUEST_READER_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum request_next { REQUEST_MORE, REQUEST_DONE, REQUEST_FAILED };

enum { REQUEST_PARSER_BYTES = 128, REQUEST_TARGET_MAX = 1024, REQUEST_ID_MAX = 200 };

struct request_reader {
    /* Valid from DONE to the next init. */
    char method[24];
    char target[REQUEST_TARGET_MAX]; /* cut to fit, NUL-terminated */
    char id[REQUEST_ID_MAX];         /* value of the header named by id_header; empty when absent */
    bool keep_alive;
    bool expects_continue; /* Expect: 100-continue */
    uint64_t body_bytes;
    uint64_t body_hash;
    struct buf body; /* with store_body only */

    bool started;       /* a first byte was fed */
    bool head_done;     /* the blank line was read */
    const char *detail; /* after FAILED: static text */

    /* Private. */
    struct buf_pool *pool;
    const char *id_header;
    bool store_body;
    bool done;
    uint32_t head_bytes;
    uint32_t target_bytes;
    uint8_t method_bytes, name_bytes, header_kind;
    uint16_t id_bytes;
    char name[64];
    char value[16];
    uint8_t value_bytes;
    _Alignas(8) unsigned char parser[REQUEST_PARSER_BYTES];
};

/* id_header: lower-case name of the header that identifies a record. */
void request_reader_init(struct request_reader *r, struct buf_pool *pool, const char *id_header,
                         bool store_body);
enum request_next request_reader_feed(struct request_reader *r, const char *data, size_t bytes,
                                      size_t *used);
void request_reader_release(struct request_reader *r);

#endif
