/* A client's first message. */
#ifndef RINGSEND_TLS_HELLO_H
#define RINGSEND_TLS_HELLO_H

#include <bearssl.h>

#include <stddef.h>
#include <stdint.h>

/* With a name of TLS_HOST_BYTES_MAX bytes, all suites that BearSSL has room for, and a session. */
enum { HELLO_BYTES_MAX = 640 };

/* Writes the record with the ClientHello that the engine's fields stand for (random, session,
 * suites, name, protocols), and starts the hash of the handshake with it. Returns its length. */
size_t hello_write(br_ssl_engine_context *engine, uint8_t out[HELLO_BYTES_MAX]);

#endif
