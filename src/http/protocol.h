/* Which protocol somebody speaks who was expected to speak another, by the first bytes that came:
 * for the words of an error. Pure. */
#ifndef RINGSEND_HTTP_PROTOCOL_H
#define RINGSEND_HTTP_PROTOCOL_H

#include "base/span.h"

#include <stddef.h>

/* Cause and cure, or null when it is not known. Static text. */
const char *protocol_name(struct ringsend_bytes first);
/* In place of an HTTP response: a sentence in `text`, cut to its size. What is not known is quoted.
 */
void protocol_message(struct ringsend_bytes first, char *text, size_t text_bytes);

#endif
