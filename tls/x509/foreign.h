/* Files of certificates and keys in other forms than PEM, and what makes PEM of them. */
#ifndef RINGSEND_TLS_X509_FOREIGN_H
#define RINGSEND_TLS_X509_FOREIGN_H

#include "tls/file.h"

enum foreign_use { FOREIGN_TRUST, FOREIGN_CHAIN, FOREIGN_KEY };

/* Writes what form the file has and the command that converts it. False: it is none that is known,
 * and nothing is written. */
bool foreign_explain(const char *path, const struct tls_file *file, enum foreign_use use,
                     struct message message);

#endif
