/* By whom requests go: --proxy and what is about it, --gate, and the environment by curl's rules.
 */
#ifndef RINGSEND_CLI_OPTIONS_PROXY_OPTIONS_H
#define RINGSEND_CLI_OPTIONS_PROXY_OPTIONS_H

#include "cli/options/options.h"
#include "cli/options/request_options.h"

/* Takes what was given, behind request_options_take. */
void proxy_options_take(struct request_options *o, const struct options *given);
/* To standard error: which proxies requests may go by, and why, without a secret; a line each, or
 * nothing. */
void proxy_options_tell(const struct request_options *o);

#endif
