/* The file that people keep their passwords for hosts in, ~/.netrc, by curl's rules (7.88),
 * as it is shared with curl:
 *
 *   machine HOST login NAME password SECRET      any number of words on a line
 *   default login NAME password SECRET           for every other host; what follows it is not read
 *   macdef NAME                                  passed over, up to an empty line
 *
 * Words are separated by spaces and tabs; one that begins with # begins a comment; one in double
 * quotes may hold spaces, and \n, \r, \t and \" as escapes. Names of hosts and keywords in any
 * case. The first entry for a host that says anything counts; what it lacks is empty. */
#ifndef RINGSEND_RECORDS_NETRC_H
#define RINGSEND_RECORDS_NETRC_H

#include "base/span.h"

#include <stdbool.h>

struct netrc;
struct secrets;

/* Takes a copy. Null: *fault says why, static text, and *line in which line; 0: memory is out. */
struct netrc *netrc_read(struct ringsend_bytes text, const char **fault, unsigned *line);
void netrc_free(struct netrc *netrc);
/* False when memory is out. */
bool netrc_add_secrets(const struct netrc *netrc, struct secrets *secrets);

enum netrc_result {
    NETRC_FOUND,
    NETRC_NONE,
    NETRC_FAULT, /* *fault says why: static text */
    NETRC_NO_MEMORY
};
/* *value gets what Authorization says for a URL's host, "Basic ...", which lives as long as the
 * netrc does. */
enum netrc_result netrc_find(struct netrc *netrc, struct ringsend_bytes url,
                             struct ringsend_bytes *value, const char **fault);

#endif
