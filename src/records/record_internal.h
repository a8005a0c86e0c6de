/* What the two readers of records, of JSON and of text with templates, have in common. */
#ifndef RINGSEND_RECORDS_RECORD_INTERNAL_H
#define RINGSEND_RECORDS_RECORD_INTERNAL_H

#include "base/json.h"
#include "records/record.h"

#include <stdarg.h>

/* Sets the error, of which the first one sticks. */
void record_refuse(struct record_error *error, enum ringsend_error code, const char *format,
                   va_list arguments) __attribute__((format(printf, 3, 0)));

/* As much of a name as a message shows, cut between characters. */
int record_shown_bytes(struct ringsend_bytes name);

/* Room for `bytes` more behind record->decoded, which is reserved once, as large as the line. Null:
 * memory is out. */
char *record_decoded_room(struct record *record, struct buf_pool *pool, size_t bytes);
/* A string of the line as text; false when memory is out. */
bool record_decode(struct record *record, struct buf_pool *pool, struct json_string string,
                   struct ringsend_bytes *text);

bool record_header_named(const struct ringsend_header *header, struct ringsend_bytes name);

/* The URL that the record gives itself; one that is a path belongs to the default's origin. Null,
 * or what is wrong with it, and *error. */
const char *record_take_url(struct record *record, struct buf_pool *pool,
                            const struct record_defaults *defaults, struct ringsend_bytes url,
                            enum ringsend_error *error);

/* A header that the record gives itself; null as its data says that there is to be none of that
 * name. RINGSEND_E_BAD_HEADER: there are too many. */
enum ringsend_error record_add_header(struct record *record, struct buf_pool *pool,
                                      struct ringsend_bytes name, struct ringsend_bytes value);
bool record_has_header(const struct record *record, struct ringsend_bytes name);
/* The request gets these, and those of the defaults whose names are not among them. False when
 * memory is out. */
bool record_merge_headers(struct record *record, struct buf_pool *pool,
                          const struct record_defaults *defaults);

/* Reads record->line as JSON. The request has its defaults. */
void record_read_json(struct record *record, struct buf_pool *pool,
                      const struct record_defaults *defaults, const struct layout *layout,
                      struct record_error *error);
/* Reads it as a target of vegeta's that is text. The same. */
void record_read_target(struct record *record, struct buf_pool *pool,
                        const struct record_defaults *defaults, struct record_error *error);
/* Fills the templates of defaults->form with it, a row or a line. The same. */
void record_read_text(struct record *record, struct buf_pool *pool,
                      const struct record_defaults *defaults, const struct layout *layout,
                      struct record_error *error);
/* For an error of a body that is one column's value: where that stands. */
void record_point_at_body(const struct record *record, const struct form *form,
                          const struct layout *layout, struct record_error *error);

#endif
