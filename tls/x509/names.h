/* Which host a certificate is for (RFC 6125, RFC 9525), and which names an authority may vouch for
 * (RFC 5280 4.2.1.10). */
#ifndef RINGSEND_TLS_NAMES_H
#define RINGSEND_TLS_NAMES_H

#include "tls/x509/cert.h"

struct host {
    char name[TLS_HOST_BYTES_MAX + 1]; /* as given, without a trailing dot */
    size_t name_bytes;
    uint8_t address[16];
    size_t address_bytes; /* 4 or 16 when the host is an IP address, else 0 */
};

/* False when the text is empty or too long. */
bool host_parse(const char *text, struct host *host);
/* By subjectAltName alone: dNSName for names, iPAddress for addresses. */
bool host_matches(const struct host *host, const struct cert *cert);
/* The alternative names, for people. */
void host_list(const struct cert *cert, char *out, size_t room);

enum constraints_verdict {
    CONSTRAINTS_ALLOW,
    CONSTRAINTS_REFUSE,
    CONSTRAINTS_UNJUDGED, /* both have names of a kind that is not understood here */
    CONSTRAINTS_BAD,      /* malformed */
    CONSTRAINTS_ENDLESS,  /* the budget is used up */
};

/* May an authority with these constraints vouch for all names of the certificate? *budget bounds
 * the comparisons. kind: with UNJUDGED, what kind of name it is, for people. */
enum constraints_verdict constraints_check(struct der constraints, const struct cert *cert,
                                           uint32_t *budget, const char **kind);
/* Are they in form: some subtrees, none of the two lists empty (RFC 5280 4.2.1.10)? */
bool constraints_are_sound(struct der constraints);

#endif
