/* What an input holds, and how its records stand in it. */
#ifndef RINGSEND_RECORDS_FORMAT_H
#define RINGSEND_RECORDS_FORMAT_H

#include <stdbool.h>

enum format {
    FORMAT_GUESS,         /* by the name of the input */
    FORMAT_JSONL,         /* a record of JSON a line */
    FORMAT_JSON,          /* an array of such records, or one after another, over any lines */
    FORMAT_VEGETA,        /* as JSONL, each a target of vegeta's */
    FORMAT_CSV,           /* RFC 4180 with a header row; templates make requests of the rows */
    FORMAT_TSV,           /* the same with tabs */
    FORMAT_CSV_SEMICOLON, /* with semicolons, as spreadsheets do where the comma is in numbers */
    FORMAT_COPY,          /* with tabs, as databases write tables: escapes and no quotes */
    FORMAT_LINES          /* a line is a record; templates take it as {{line}}, or it is the body */
};

/* By the end of the name, a ".gz" or ".zst" behind it left out: .json, .csv, .tsv or .tab, .txt;
 * else, and for standard input, JSONL. */
enum format format_of_name(const char *path);
/* Of the word that --format takes; FORMAT_GUESS when it is none. */
enum format format_of_word(const char *word);
const char *format_word(enum format format);
/* Records are JSON, and say themselves what is to be sent; else templates do. */
bool format_is_json(enum format format);
/* There is a header row. */
bool format_has_header(enum format format);
char format_delimiter(enum format format);

#endif
