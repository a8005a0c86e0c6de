/* Encodings of tables other than UTF-8: each byte is a character. */
#ifndef RINGSEND_RECORDS_ENCODING_H
#define RINGSEND_RECORDS_ENCODING_H

#include "base/buf.h"
#include "base/span.h"

#include <stdbool.h>

enum encoding {
    ENCODING_UTF8, /* what comes goes, whatever it is */
    ENCODING_LATIN1,
    ENCODING_WINDOWS_1252
};

/* Appends the text as UTF-8; false when memory is out. */
bool encoding_append(enum encoding encoding, struct ringsend_bytes text, struct buf_pool *pool,
                     struct buf *out);

#endif
