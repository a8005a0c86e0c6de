/* A client's first message. */
#ifndef RINGSEND_TLS_HELLO_H
#define RINGSEND_TLS_HELLO_H

#include "tls/tls.h"

#include <bearssl.h>

#include <stddef.h>
#include <stdint.h>

/* With a name of TLS_HOST_BYTES_MAX bytes, all suites that BearSSL has room for, all protocols and
 * a session. */
enum { HELLO_BYTES_MAX = 704 };

/* Writes the record with the ClientHello that the engine's fields (random, session, suites, name)
 * and these protocols stand for, which it remembers, and starts the hash of the handshake with it.
 * Returns its length. */
size_t hello_write(br_ssl_engine_context *engine, tls_protocols protocols,
                   uint8_t out[HELLO_BYTES_MAX]);

#endif
