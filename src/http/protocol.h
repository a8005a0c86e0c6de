/* Which protocol somebody speaks, by the first bytes that came: for the words of an error, where
 * another was expected; or where nothing was. Pure. */
#ifndef RINGSEND_HTTP_PROTOCOL_H
#define RINGSEND_HTTP_PROTOCOL_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

/* Cause and cure, or null when it is not known. Static text. */
const char *protocol_name(struct ringsend_bytes first);
/* In place of an HTTP response: a sentence in `text`, cut to its size. What is not known is quoted.
 */
void protocol_message(struct ringsend_bytes first, char *text, size_t text_bytes);

static inline bool protocol_is_blank(char byte)
{
    return byte == '\r' || byte == '\n';
}
/* These bytes, which nobody has asked for, might be taken for a response of HTTP/1. Not a 408, by
 * which some announce that they close (RFC 9110 15.5.9). */
bool protocol_is_answer(struct ringsend_bytes got);

#endif
