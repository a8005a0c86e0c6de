/* Results in a form of the user's: text with variables, by the names that curl's --write-out has
 * for them where it has one.
 *
 *   %{variable}     see the table in write_out.c, and the help of `ringsend send`
 *   %header{name}   the first value of that header, empty when there is none
 *   %input{name}    what is told of the record (echo.h) under that name; empty when it is not known
 *   %csv{variable}, %csv{header:name}, %csv{input:name}   the same as a field of CSV
 *   %%              a percent sign; \n \r \t \\ as in C
 *
 * Secrets in URLs are masked. Unknown variables are errors of the format. Times are seconds with
 * six decimals. */
#ifndef RINGSEND_RESULTS_WRITE_OUT_H
#define RINGSEND_RESULTS_WRITE_OUT_H

#include "records/secret.h"
#include "results/result_line.h"

struct write_out;

/* 0; RINGSEND_E_INVALID with what is wrong in `message`; RINGSEND_E_NO_MEMORY. The format is
 * copied. */
enum ringsend_error write_out_compile(struct write_out **w, const char *format, char *message,
                                      size_t message_bytes);
void write_out_free(struct write_out *w);
/* Some variable is about the input. */
bool write_out_wants_input(const struct write_out *w);
/* The names of %input, from index 0 on; null behind the last. */
const char *write_out_input(const struct write_out *w, size_t index);
/* What %{url} is to show as "***". Borrowed as long as the format is used. */
void write_out_hide(struct write_out *w, const struct secrets *secrets);
/* Some variable is about headers, which must have been stored. */
bool write_out_wants_headers(const struct write_out *w);

/* Appends the text for a result; false when memory is out, and *out is as it was. */
bool write_out_put(const struct write_out *w, const struct result_line *result,
                   struct buf_pool *pool, struct buf *out);

#endif
