/* SHA-256 by the CPU's own instructions, where it has them, behind BearSSL's class of hash
 * functions: a resumed handshake is some sixty blocks of it, and 0.6's portable code takes 0.3 us
 * for each, this 0.04 us. */
#ifndef RINGSEND_TLS_SHA256_H
#define RINGSEND_TLS_SHA256_H

#include <bearssl.h>

struct sha256 {
    const br_hash_class *hash;
    br_tls_prf_impl prf; /* of TLS 1.2, RFC 5246 5 */
};

/* The CPU's own where it has them, else BearSSL's. Asks with CPUID, which traps in a virtual
 * machine: to be called once, not for each connection. */
struct sha256 sha256_choose(void);

#endif
