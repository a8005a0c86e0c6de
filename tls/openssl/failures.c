/* What OpenSSL's reasons mean in our table of errors, in the words that BearSSL's side uses for the
 * same. Alerts that were received are reasons from 1000 on. */
#include "tls/openssl/failures.h"

#include "tls/judge.h"
#include "tls/openssl/load.h"

#define PROTOCOL(text)                \
    {                                 \
        RINGSEND_E_TLS_PROTOCOL, text \
    }

struct failure openssl_failure(unsigned long code, bool during_handshake, bool asked)
{
    int reason = ERR_GET_REASON(code);
    if (ERR_GET_LIB(code) == ERR_LIB_SSL && reason >= SSL_AD_REASON_OFFSET &&
        reason < SSL_AD_REASON_OFFSET + 256)
        return failure_of_alert(reason - SSL_AD_REASON_OFFSET, during_handshake, asked);
    if (reason == ERR_R_MALLOC_FAILURE)
        return (struct failure){RINGSEND_E_NO_MEMORY, NULL};
    if (ERR_GET_LIB(code) == ERR_LIB_RAND)
        return (struct failure){RINGSEND_E_TLS_NO_RANDOM, NULL};
    if (ERR_GET_LIB(code) == ERR_LIB_ASN1 || ERR_GET_LIB(code) == ERR_LIB_X509)
        return (struct failure){RINGSEND_E_TLS_BAD_CERTIFICATE, chain_malformed};
    switch (reason) {
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_WRONG_SSL_VERSION:
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_BAD_PROTOCOL_VERSION_NUMBER:
        return (struct failure){RINGSEND_E_TLS_VERSION,
                                "the peer chose a version of TLS that was not offered"};
    case SSL_R_INAPPROPRIATE_FALLBACK: /* the sentinels of RFC 8446 4.1.3 */
        return (struct failure)PROTOCOL("somebody on the way has made the version of TLS a lower "
                                        "one");
    case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC:
        return (struct failure)PROTOCOL("a record was damaged on its way (bad MAC)");
    case SSL_R_DIGEST_CHECK_FAILED:
        return (struct failure)PROTOCOL("the handshake was tampered with (bad Finished)");
    case SSL_R_BAD_SIGNATURE:
        return (struct failure){RINGSEND_E_TLS_BAD_SIGNATURE,
                                "the server does not own the key of its certificate"};
    case SSL_R_UNKNOWN_CIPHER_RETURNED:
    case SSL_R_WRONG_CIPHER_RETURNED:
        return (struct failure)PROTOCOL("the peer chose a cipher suite nobody offered");
    case SSL_R_WRONG_CERTIFICATE_TYPE:
    case SSL_R_WRONG_SIGNATURE_TYPE:
        return (struct failure)PROTOCOL("the key of the certificate does not fit the cipher "
                                        "suite");
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_ENCRYPTED_LENGTH_TOO_LONG:
    case SSL_R_DATA_LENGTH_TOO_LONG:
    case SSL_R_RECORD_LENGTH_MISMATCH:
        return (struct failure)PROTOCOL("a record has an impossible length");
    case SSL_R_EXCESSIVE_MESSAGE_SIZE:
        return (struct failure){RINGSEND_E_TLS_BAD_CHAIN, chain_too_long};
    case SSL_R_CERT_LENGTH_MISMATCH:
        return (struct failure){RINGSEND_E_TLS_BAD_CERTIFICATE, chain_malformed};
    case SSL_R_OLD_SESSION_CIPHER_NOT_RETURNED:
        return (struct failure)PROTOCOL("a resumed session came back with other parameters");
    case SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED:
        return (struct failure){RINGSEND_E_TLS_RENEGOTIATION, NULL};
    default:
        return (struct failure)PROTOCOL("a message is malformed or came at the wrong time");
    }
}
