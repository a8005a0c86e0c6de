/* Distinguished names compared (RFC 5280 7.1): texts of any string type by their characters, ASCII
 * letters without case, spaces around them and runs of spaces within as if they were not or one. */
#ifndef RINGSEND_TLS_X509_DN_H
#define RINGSEND_TLS_X509_DN_H

#include "tls/x509/der.h"

/* All of whole Names, with their headers. What is no Name equals only the same bytes. */
bool dn_equal(struct der a, struct der b);
/* Is the base the beginning of the name, or all of it? */
bool dn_within(struct der name, struct der base);
bool dn_is_empty(struct der name);
/* A value that is what its string type says. */
bool dn_is_text(uint8_t tag, struct der value);
/* The same for names that are equal. */
uint64_t dn_hash(struct der name);

#endif
