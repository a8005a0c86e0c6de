/* The certificates that are trusted: read once, then only looked at. */
#ifndef RINGSEND_TLS_TRUST_H
#define RINGSEND_TLS_TRUST_H

#include "tls/file.h"
#include "tls/x509/cert.h"

struct trust {
    struct bytes der; /* all anchors, one behind the other */
    struct cert *anchors;
    size_t anchors_count;
    char source[256]; /* where they come from, for people */
};

/* file: null for $SSL_CERT_FILE and $SSL_CERT_DIR, or the system's. False: message tells why.
 * True: what was passed over is noted there. */
bool trust_load(struct trust *trust, const char *file, struct message message);
void trust_free(struct trust *trust);

#endif
