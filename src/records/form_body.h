/* Bodies that forms need, of records of JSON (ringsend-records(5)):
 *
 *   "form": {name: value or [values]}     application/x-www-form-urlencoded
 *   "multipart": [part ...]               multipart/form-data (RFC 7578)
 *
 * A part is an object: "name", one of "value", "value_base64" and "file", and "filename" and "type"
 * if need be. The files of parts are loaded one after another into one buffer, by whoever has the
 * record in hand; then the body is made as a whole, so that its length is known before anything is
 * sent. Its boundary is made of what the parts hold, so that a record has the same body in every
 * run, and stands in none of them. */
#ifndef RINGSEND_RECORDS_FORM_BODY_H
#define RINGSEND_RECORDS_FORM_BODY_H

#include "records/record.h"

enum { FORM_BODY_BYTES_MAX = 256 << 20 }; /* of a body of parts */

/* Takes the value of the key, as it stands in record->line. */
void form_body_read(struct record *record, struct buf_pool *pool, struct ringsend_bytes value,
                    struct record_error *error);
void multipart_read(struct record *record, struct buf_pool *pool, struct ringsend_bytes value,
                    struct record_error *error);
/* The Content-Type that such a record has, unless it says one itself; empty: it is no such. */
struct ringsend_bytes form_body_type(const struct record *record);

/* The path of the file of the nth part that has one; empty: there is none. */
struct ringsend_bytes multipart_file(const struct record *record, size_t n);
/* The file at record->data_file was loaded behind what `data` held before, which is empty for the
 * first one. MORE: the next one is due. DONE: the request has its body, which may be in `data`. */
enum record_file_next { RECORD_FILE_MORE, RECORD_FILE_DONE, RECORD_FILE_BAD };
enum record_file_next record_file_loaded(struct record *record, struct buf_pool *pool,
                                         struct buf *data, struct record_error *error);
/* It could not be, as the error says: then it says of which part as well. */
void record_file_failed(const struct record *record, struct record_error *error);

#endif
