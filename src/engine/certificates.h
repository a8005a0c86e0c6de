/* The certificates that TLS trusts and shows, read once for all engines that share them. */
#ifndef RINGSEND_ENGINE_CERTIFICATES_H
#define RINGSEND_ENGINE_CERTIFICATES_H

#include "ringsend.h"

struct tls_config;

/* As ringsend_tls_new; on success nothing is written to options->message. */
int certificates_new(struct ringsend_tls **tls, const struct ringsend_options *options);
enum ringsend_error certificates_load(struct ringsend_tls *tls, const struct tls_config **config);
/* Why they cannot be loaded; once they are, what is to be known all the same, or empty. */
const char *certificates_message(const struct ringsend_tls *tls);

/* For ringsend_tls_origin and ringsend_tls_move. */
size_t certificates_origin(struct ringsend_tls *tls, size_t number, char *text, size_t text_bytes);
size_t certificates_move(struct ringsend_tls *tls, size_t number, char *text, size_t text_bytes);

#endif
