/* One's own certificate chain and private key as they stand in files: DER, of whatever kind. */
#ifndef RINGSEND_TLS_X509_OWN_H
#define RINGSEND_TLS_X509_OWN_H

#include "tls/file.h"
#include "tls/x509/der.h"

enum {
    OWN_CERTS_MAX = 16,
    /* A chain fits one record, so that a handshake never waits for room in its middle: see
     * bearssl/connection.c. */
    OWN_CHAIN_BYTES_MAX = 15000,
};

struct own {
    size_t count;
    struct der chain[OWN_CERTS_MAX]; /* the key's own certificate first; in chain_der */
    struct bytes chain_der;
    struct bytes key_der;
};

/* key_file null: the key is in chain_file. False: message tells why. True: what is to be known all
 * the same is noted there. own_free in either case. */
bool own_read(struct own *own, const char *chain_file, const char *key_file,
              struct message message);
/* Wipes the key. Harmless on a zeroed one. */
void own_free(struct own *own);

#endif
