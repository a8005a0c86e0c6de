/* What BearSSL's numbers mean in our table of errors. They are 1 to 31 for the engine, 256 + n for
 * an alert received, 512 + n for one sent; those of its X.509 engines (32 to 62) do not occur,
 * because verification is our own. */
#include "tls/bearssl/errors.h"

#include <bearssl.h>

struct failure failure_of(int code, bool during_handshake, bool asked)
{
    if (code >= BR_ERR_SEND_FATAL_ALERT)
        return failure_of_answer(code - BR_ERR_SEND_FATAL_ALERT);
    if (code >= BR_ERR_RECV_FATAL_ALERT)
        return failure_of_alert(code - BR_ERR_RECV_FATAL_ALERT, during_handshake, asked);
    switch (code) {
    case BR_ERR_UNSUPPORTED_VERSION:
    case BR_ERR_BAD_VERSION:
        return (struct failure){RINGSEND_E_TLS_VERSION,
                                "the peer chose another version than TLS 1.2"};
    case BR_ERR_BAD_MAC:
        return (struct failure){RINGSEND_E_TLS_PROTOCOL,
                                "a record was damaged on its way (bad MAC)"};
    case BR_ERR_NO_RANDOM:
        return (struct failure){RINGSEND_E_TLS_NO_RANDOM, NULL};
    case BR_ERR_BAD_FINISHED:
        return (struct failure){RINGSEND_E_TLS_PROTOCOL,
                                "the handshake was tampered with (bad Finished)"};
    case BR_ERR_BAD_SIGNATURE:
        return (struct failure){RINGSEND_E_TLS_BAD_SIGNATURE,
                                "the server does not own the key of its certificate"};
    case BR_ERR_INVALID_ALGORITHM:
        return (struct failure){RINGSEND_E_TLS_PROTOCOL,
                                "the peer's part of the key exchange is no good point of its "
                                "curve"};
    case BR_ERR_BAD_CIPHER_SUITE:
        return (struct failure){RINGSEND_E_TLS_PROTOCOL,
                                "the peer chose a cipher suite nobody offered"};
    case BR_ERR_WRONG_KEY_USAGE:
        return (struct failure){RINGSEND_E_TLS_PROTOCOL,
                                "the key of the certificate does not fit the cipher suite"};
    case BR_ERR_BAD_LENGTH:
    case BR_ERR_TOO_LARGE:
        return (struct failure){RINGSEND_E_TLS_PROTOCOL, "a record has an impossible length"};
    case BR_ERR_RESUME_MISMATCH:
        return (struct failure){RINGSEND_E_TLS_PROTOCOL,
                                "a resumed session came back with other parameters"};
    }
    return (struct failure){RINGSEND_E_TLS_PROTOCOL,
                            "a message is malformed or came at the wrong time"};
}
