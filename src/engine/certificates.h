/* The certificates that TLS trusts and shows, read once for all engines that share them. */
#ifndef RINGSEND_ENGINE_CERTIFICATES_H
#define RINGSEND_ENGINE_CERTIFICATES_H

#include "ringsend.h"

struct tls_config;

enum ringsend_error certificates_load(struct ringsend_tls *tls, const struct tls_config **config);
const char *certificates_message(const struct ringsend_tls *tls);

#endif
