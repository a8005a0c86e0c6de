/* JSON, written member by member to a stream. Errors of the stream stay in the stream: its owner
 * asks ferror once, at the end. */
#ifndef RINGSEND_CLI_JSON_OUT_H
#define RINGSEND_CLI_JSON_OUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json_out {
    FILE *out;
    bool comma;      /* a member or element stands before the next one */
    bool incomplete; /* memory was out for a part of it */
};

/* The key of a member; null for an element of an array, and for the whole. */
void json_begin(struct json_out *j, const char *key, char bracket); /* '{' or '[' */
void json_end_with(struct json_out *j, char bracket);
void json_count(struct json_out *j, const char *key, uint64_t count);
void json_real(struct json_out *j, const char *key, double number);
/* Nanoseconds as microseconds, exactly. */
void json_us(struct json_out *j, const char *key, uint64_t ns);
void json_flag(struct json_out *j, const char *key, bool flag);
/* A value that is JSON already and has been checked; null: null. */
void json_checked(struct json_out *j, const char *key, const char *json);
/* Any bytes: what is not UTF-8 becomes U+FFFD. < > & and ' are escaped, so that the JSON can stand
 * inside an HTML page. Null: null. */
void json_words(struct json_out *j, const char *key, const char *text);

#endif
