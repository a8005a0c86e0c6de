/* From OpenSSL's numbers to our errors. */
#ifndef RINGSEND_TLS_OPENSSL_FAILURES_H
#define RINGSEND_TLS_OPENSSL_FAILURES_H

#include "tls/alerts.h"

/* code: ERR_peek_error, of a call that failed. The other two as failure_of_alert has them. */
struct failure openssl_failure(unsigned long code, bool during_handshake, bool asked);

#endif
