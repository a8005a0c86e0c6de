/* From BearSSL's numbers to our errors. */
#ifndef RINGSEND_TLS_ERRORS_H
#define RINGSEND_TLS_ERRORS_H

#include "tls/alerts.h"

/* code: br_ssl_engine_last_error, not 0. The other two as failure_of_alert has them. */
struct failure failure_of(int code, bool during_handshake, bool asked);

#endif
