/* The certificates that are trusted: read once, then only looked at. */
#ifndef RINGSEND_TLS_TRUST_H
#define RINGSEND_TLS_TRUST_H

#include "tls/x509/cert.h"
#include "tls/file.h"

struct trust {
    struct bytes der; /* all anchors, one behind the other */
    struct cert *anchors;
    size_t anchors_count;
};

/* file: null for $SSL_CERT_FILE or the system's. False: message tells why. */
bool trust_load(struct trust *trust, const char *file, struct message message);
void trust_free(struct trust *trust);

#endif
