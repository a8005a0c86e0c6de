/* One record of the input, read into one request (docs/ringsend-records.5).
 *
 * Of a row of CSV and of a line as such the options' templates (form.h) make the request. A record
 * of JSON says itself what is to be sent; it is an object of these keys and no others:
 *
 * - id, or custom_id: any JSON value; its very bytes come back in the result
 * - method, url: strings; absent: as the options say. A URL that begins with a slash is a path on
 *   the options' server ("/v1/...", as in OpenAI's batches)
 * - headers: {name: "value" or ["value", ...]}; a name given here takes the place of the options'
 *   header; [] takes it away
 * - data, body, data_base64, data_file, form, multipart (form_body.h): content, one of them
 *   at most
 * - header: the same as headers, in vegeta's word for it; `body` is then base64, as in its targets
 * - timeout: of an attempt: seconds, or "250ms"; 1ms to 24h
 * - tries: 1 to 100
 *
 * A string as data is sent as its text, null is no content, and any other value is sent as the
 * bytes that stand in the file, with content-type: application/json unless a header says otherwise.
 *
 * With a form (form.h) records of JSON are data as well, and templates make the request of them.
 *
 * Bare bodies. With a default URL a line that is not an object, or an object that has none of these
 * keys ("{}" included), is itself the content, sent as such data. An object that mixes the two is
 * an error that names the key. */
#ifndef RINGSEND_RECORDS_RECORD_H
#define RINGSEND_RECORDS_RECORD_H

#include "base/buf.h"
#include "base/span.h"
#include "records/form.h"
#include "records/layout.h"
#include "ringsend.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct netrc;
struct secrets;

/* What a reader has come across that its user may not have meant. Zeroed: nothing. */
struct record_notes {
    /* Of the first line that was taken for a record though it might be a body: there is a default
     * URL, and none of its keys is one that only a record has. Its keys, "id, data". */
    char taken_for_record[40];
};

/* What the options say for all records. Everything is borrowed for the life of the records. */
struct record_defaults {
    struct ringsend_bytes url;    /* empty: each record must have one */
    struct ringsend_bytes method; /* empty: GET, or POST with content */
    /* The default headers with a "content-type: application/json" behind them: the first
     * headers_count are the defaults. */
    const struct ringsend_header *headers;
    size_t headers_count;
    bool has_content_type;   /* one of the defaults is a Content-Type */
    const struct form *form; /* null when the records are JSON */
    struct netrc *netrc;     /* says who records without Authorization are of; null: none */
    struct ringsend_bytes key_header; /* gets a key of their own in records without it; empty: no */
    uint32_t flags;                   /* enum ringsend_request_flags */
    struct record_notes *notes;       /* null: nobody wants them */
    struct secrets *row_secrets;      /* gets the row's, for who shows it; null: nobody does */
};

enum { RECORD_KEY_BYTES = 36 };

enum record_form { RECORD_NO_FORM, RECORD_FORM, RECORD_MULTIPART };

/* Zeroed before its first use, and in its place from then on. The request points into the buffers,
 * which only record_release gives back. */
struct record {
    struct buf line;    /* filled by the caller before record_read: a line without its LF */
    struct buf decoded; /* texts that differ from what stands in the line */
    struct buf headers; /* struct ringsend_header; unused while the defaults' will do */
    struct buf body;    /* that was made here: of a form */
    struct buf parts;   /* what a multipart one is made of */
    struct buf url;     /* the default's origin with the record's path; unused if it has none */
    struct ringsend_request request;
    bool body_is_json;          /* by what it is made of */
    bool needs_key;             /* record_make_key is due before the request is used */
    bool has_made_key;          /* its key is, or will be, of that */
    bool no_login;              /* it says that it is to have no Authorization */
    char key[RECORD_KEY_BYTES]; /* the value of the header that was added then */
    struct ringsend_bytes id;   /* JSON; empty exactly when the record has none */
    struct ringsend_bytes
        data_file; /* path whose content is to be the body, or the next part of it;
                                        empty for none, or no more */
    enum record_form form_kind;
    struct ringsend_bytes multipart;  /* as it stands in the line */
    size_t files_loaded, files_bytes; /* of its parts */
};

#define RECORD_ALL SIZE_MAX

struct record_error {
    enum ringsend_error error; /* RINGSEND_OK: all is well */
    size_t at;        /* the byte of the line that it is about; RECORD_ALL: no certain one */
    char detail[200]; /* why, NUL-terminated; may end inside a UTF-8 sequence */
};

/* For people. A record of some formats may go over many lines: `line` counts from 0, the column,
 * in bytes, from 1. */
struct record_place {
    size_t line, column;
};

/* Reads record->line, which stands in an input of that layout. On an error the request must not be
 * submitted, but `id` is set if one could be read. */
void record_read(struct record *record, struct buf_pool *pool,
                 const struct record_defaults *defaults, const struct layout *layout,
                 struct record_error *error);
/* The Authorization that the netrc has for that URL, in requests without one. False: none, or
 * *error, which is then set. */
bool record_login(const struct record_defaults *defaults, struct ringsend_bytes url,
                  const struct ringsend_header *headers, size_t headers_count,
                  struct ringsend_header *login, struct record_error *error);
/* Writes the key of a record that needs one, once its body is known: of its id, effective method,
 * URL and body, and so the same in every try, every run, on every machine, and when its line is
 * sent again from another file. Without an id its number takes the place of that: two equal records
 * of a run have different numbers, and so keys; keys_seen.h finds those that have one id. */
void record_make_key(struct record *record, uint64_t number);
/* For a request that ringsend_submit refused with error->error: writes error->detail, the engine's
 * words (which may be null) with the name of the header that they are about. */
void record_explain(const struct record *record, const char *words, struct record_error *error);
/* Where in record->line the error is: at its start, if it is not about a certain byte. */
struct record_place record_error_place(const struct record_error *error,
                                       struct ringsend_bytes line);
/* The error's detail with that place, written to `text` if need be: room for RECORD_MESSAGE_BYTES.
 */
enum { RECORD_MESSAGE_BYTES = 260 };
const char *record_error_message(const struct record_error *error, struct ringsend_bytes line,
                                 char *text, size_t text_bytes);
/* Empties the record for the next line. */
void record_release(struct record *record, struct buf_pool *pool);

/* A record over many lines becomes one: its id is to stand in a result, and what failed in a file
 * of lines. */
void record_join_lines(struct record *record);

/* True when the record is one of vegeta's targets, and no JSON. */
bool record_is_text_target(struct ringsend_bytes line, enum format format);

/* True when the line holds nothing but white space. */
bool record_is_blank(struct ringsend_bytes line);

#endif
