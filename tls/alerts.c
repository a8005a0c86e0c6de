/* Alerts by their numbers: their names, and what they mean in our table of errors. */
#include "tls/alerts.h"

const char not_tls[] = "the peer's first byte is not TLS: is it plain HTTP at this port?";

/* Alerts: number, name (RFC 5246 7.2, RFC 6066 9, RFC 7301 3.2), what it means in a handshake, may
 * it be about our certificate when the server asked for one. */
#define ALERTS(X)                                 \
    X(0, close_notify, CLOSED, true)              \
    X(10, unexpected_message, PROTOCOL, false)    \
    X(20, bad_record_mac, PROTOCOL, false)        \
    X(22, record_overflow, PROTOCOL, false)       \
    X(40, handshake_failure, REFUSED, true)       \
    X(42, bad_certificate, REFUSED, true)         \
    X(43, unsupported_certificate, REFUSED, true) \
    X(44, certificate_revoked, REFUSED, true)     \
    X(45, certificate_expired, REFUSED, true)     \
    X(46, certificate_unknown, REFUSED, true)     \
    X(47, illegal_parameter, PROTOCOL, true)      \
    X(48, unknown_ca, REFUSED, true)              \
    X(49, access_denied, REFUSED, true)           \
    X(50, decode_error, PROTOCOL, true)           \
    X(51, decrypt_error, PROTOCOL, true)          \
    X(70, protocol_version, VERSION, false)       \
    X(71, insufficient_security, REFUSED, false)  \
    X(80, internal_error, REFUSED, false)         \
    X(86, inappropriate_fallback, REFUSED, false) \
    X(90, user_canceled, REFUSED, false)          \
    X(100, no_renegotiation, PROTOCOL, false)     \
    X(109, missing_extension, REFUSED, false)     \
    X(110, unsupported_extension, REFUSED, false) \
    X(112, unrecognized_name, REFUSED, false)     \
    X(116, certificate_required, REFUSED, true)   \
    X(120, no_application_protocol, REFUSED, false)

static const struct alert {
    int number;
    enum ringsend_error error;
    bool about_certificate;
    const char *received, *sent;
} alerts[] = {
#define X(number, name, error, about)                                                      \
    {number, RINGSEND_E_TLS_##error, about, "the peer sent alert " #number " (" #name ")", \
     "the peer's bytes were answered with alert " #number " (" #name ")"},
    ALERTS(X)
#undef X
};

enum { HANDSHAKE_FAILURE = 40, INSUFFICIENT_SECURITY = 71 };

/* Servers do not tell what they miss. */
#define NOTHING_IN_COMMON(alert)                                                                 \
    "the peer sent alert " alert "; the usual causes: it has TLS 1.3 only or CBC only, demands " \
    "extended master secret or a client certificate, or its key is RSA-PSS or Ed25519"

static const struct alert *alert_of(int number)
{
    for (size_t i = 0; i < sizeof alerts / sizeof alerts[0]; i++) {
        if (alerts[i].number == number)
            return &alerts[i];
    }
    return NULL;
}

struct failure failure_of_alert(int number, bool during_handshake, bool asked)
{
    const struct alert *alert = alert_of(number);
    struct failure f = {RINGSEND_E_TLS_ALERT,
                        alert ? alert->received : "the peer sent an unknown alert"};
    if (!during_handshake)
        return f;
    f.error = alert ? alert->error : RINGSEND_E_TLS_REFUSED;
    if (asked && alert && alert->about_certificate)
        f.error = RINGSEND_E_TLS_CLIENT_CERTIFICATE;
    else if (number == HANDSHAKE_FAILURE)
        f.detail = NOTHING_IN_COMMON("40 (handshake_failure)");
    else if (number == INSUFFICIENT_SECURITY)
        f.detail = NOTHING_IN_COMMON("71 (insufficient_security)");
    return f;
}

struct failure failure_of_answer(int number)
{
    const struct alert *alert = alert_of(number);
    return (struct failure){RINGSEND_E_TLS_PROTOCOL, alert ? alert->sent : NULL};
}

/* Not a switch over the whole table: all that is not named is a bad certificate. */
uint8_t alert_of_refusal(enum ringsend_error error)
{
    static const struct {
        enum ringsend_error error;
        uint8_t alert;
    } others[] = {
        {RINGSEND_E_TLS_EXPIRED, 45},            /* certificate_expired, */
        {RINGSEND_E_TLS_NOT_YET_VALID, 45},      /* "or is not currently valid" */
        {RINGSEND_E_TLS_UNKNOWN_CA, 48},         /* unknown_ca */
        {RINGSEND_E_TLS_ALGORITHM, 43},          /* unsupported_certificate */
        {RINGSEND_E_TLS_USAGE, 43},              /* the same */
        {RINGSEND_E_TLS_CRITICAL_EXTENSION, 43}, /* the same */
        {RINGSEND_E_TLS_RENEGOTIATION, 40},      /* handshake_failure, RFC 5746 4.1 */
        {RINGSEND_E_NO_MEMORY, 80},              /* internal_error */
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (others[i].error == error)
            return others[i].alert;
    }
    return 42; /* bad_certificate */
}
