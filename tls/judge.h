/* The verdict on a peer's chain, whichever library received it. */
#ifndef RINGSEND_TLS_JUDGE_H
#define RINGSEND_TLS_JUDGE_H

#include "tls/config.h"
#include "tls/x509/path.h"

enum {
    CHAIN_CERTS_MAX = 64,        /* that a peer may send; bridge authorities come to 36 */
    CHAIN_BYTES_MAX = 128 << 10, /* all of them together; OpenSSL's default is 100 KiB */
};

extern const char chain_too_long[], chain_malformed[];

/* chain: the certificates in the order they came, up to CHAIN_CERTS_MAX. key: the peer's, whenever
 * there is no error; points into the chain. */
void chain_judge(const struct tls_config *config, const struct crypto *crypto,
                 const struct host *host, const struct der *chain, size_t count,
                 struct public_key *key, struct path_verdict *verdict);

#endif
