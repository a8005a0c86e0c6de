/* What both libraries say alike: alerts, and peers that speak no TLS. */
#ifndef RINGSEND_TLS_ALERTS_H
#define RINGSEND_TLS_ALERTS_H

#include "tls/tls.h"

struct failure {
    enum ringsend_error error;
    const char *detail; /* static, or null */
};

/* An alert that the peer sent. during_handshake: it was not complete when it broke. asked: the
 * server had asked for a client certificate. */
struct failure failure_of_alert(int number, bool during_handshake, bool asked);
/* One that its bytes were answered with. */
struct failure failure_of_answer(int number);

/* The number of the alert that tells a server why its certificate is refused, RFC 5246 7.2.2. */
uint8_t alert_of_refusal(enum ringsend_error error);

/* Many a handshake fails because the port speaks something else; one byte tells (RFC 5246 6.2.1:
 * alert or handshake come first). */
static inline bool is_tls(uint8_t first)
{
    return first == 21 || first == 22;
}
extern const char not_tls[];

#endif
