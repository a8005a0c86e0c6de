/* Where in the structure of its text each column of a template stands. A value may change what is
 * asked, never whom, and never what the template's own literals say of the structure: so the place
 * is found when the template is compiled, out of the literals alone, and decides what is made of
 * each value (guard.h).
 *
 *   URL     Scheme, host and port are literals, and so is the byte that ends them. Behind it stand
 *           path and query. Or the template begins with a column: then the URL, or its beginning,
 *           is the record's, as in records of JSON.
 *   file    A path whose beginning is a literal, or the record's, in the same way.
 *   JSON    One value or several, one after another. A column stands inside the quotes of a string,
 *           or in place of a value; not in a member's name. In a string whose text is JSON once
 *           more it stands likewise; of what is JSON in a string of that, nothing is known.
 *   form    name=value&name=value (application/x-www-form-urlencoded).
 *   parts   multipart/form-data and its kind: heads and bodies between lines of a boundary.
 *   XML     Columns stand in text, and in attributes between their quotes.
 *   cookie  name=value; name=value, of the header of that name.
 *   text    Whatever else: it has no structure that we know.
 *
 * A template that is nothing but one column has no structure either: the whole text is the
 * record's. */
#ifndef RINGSEND_RECORDS_PLACE_H
#define RINGSEND_RECORDS_PLACE_H

#include "records/template.h"

#include <stdbool.h>

/* Gives each part of a compiled template its place. TEMPLATE_BODY and TEMPLATE_HEADER become what
 * they look like. False: `message` (TEMPLATE_MESSAGE_BYTES) says why a column cannot stand where it
 * does. */
bool place_columns_of(struct template *t, enum template_use use, const struct template_names *names,
                      char *message);

#endif
