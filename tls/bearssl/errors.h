/* From BearSSL's numbers to our errors. */
#ifndef RINGSEND_TLS_ERRORS_H
#define RINGSEND_TLS_ERRORS_H

#include "tls/tls.h"

struct failure {
    enum ringsend_error error;
    const char *detail; /* static, or null */
};

/* code: br_ssl_engine_last_error, not 0. during_handshake: it was not complete when it broke.
 * asked: the server had asked for a client certificate. */
struct failure failure_of(int code, bool during_handshake, bool asked);

/* The number of the alert that tells a server why its certificate is refused, RFC 5246 7.2.2. */
uint8_t alert_of_refusal(enum ringsend_error error);

#endif
