/* Whether bytes are a certificate at all. */
#ifndef RINGSEND_TLS_FORM_H
#define RINGSEND_TLS_FORM_H

#include "tls/x509/der.h"

bool cert_has_form(struct der data);

#endif
