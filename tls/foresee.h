/* What a server's first message will cost us, told from its bytes alone: for tls_foresee. */
#ifndef RINGSEND_TLS_FORESEE_H
#define RINGSEND_TLS_FORESEE_H

#include "tls/tls.h"

/* The first bytes of a server, and the id of the session that was offered to it; none: 0 bytes. Of
 * TLS 1.2. */
enum tls_work server_hello_foresee(const uint8_t *session_id, size_t id_bytes,
                                   const uint8_t *cipher, size_t bytes);

#endif
