#include "cli/json_out.h"

#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static void put_words(FILE *out, const char *text)
{
    size_t left = strlen(text);
    fputc('"', out);
    while (left > 0) {
        unsigned bytes = text_utf8_bytes(text, left);
        unsigned char byte = (unsigned char)text[0];
        if (bytes == 0)
            fputs("\\ufffd", out);
        else if (bytes > 1)
            fwrite(text, 1, bytes, out);
        else if (byte < 0x20 || strchr("\"\\<>&'\x7f", byte))
            fprintf(out, "\\u%04x", byte);
        else
            fputc(byte, out);
        bytes += bytes == 0;
        text += bytes;
        left -= bytes;
    }
    fputc('"', out);
}

static void start(struct json_out *j, const char *key)
{
    if (j->comma)
        fputc(',', j->out);
    j->comma = true;
    if (key) {
        put_words(j->out, key);
        fputc(':', j->out);
    }
}

void json_begin(struct json_out *j, const char *key, char bracket)
{
    start(j, key);
    fputc(bracket, j->out);
    j->comma = false;
}

void json_end_with(struct json_out *j, char bracket)
{
    fputc(bracket, j->out);
    j->comma = true;
}

void json_count(struct json_out *j, const char *key, uint64_t count)
{
    start(j, key);
    fprintf(j->out, "%" PRIu64, count);
}

void json_real(struct json_out *j, const char *key, double number)
{
    start(j, key);
    if (isfinite(number))
        fprintf(j->out, "%.9g", number);
    else
        fputs("null", j->out);
}

void json_us(struct json_out *j, const char *key, uint64_t ns)
{
    start(j, key);
    fprintf(j->out, "%" PRIu64, ns / 1000);
    if (ns % 1000 != 0)
        fprintf(j->out, ".%03u", (unsigned)(ns % 1000));
}

void json_flag(struct json_out *j, const char *key, bool flag)
{
    start(j, key);
    fputs(flag ? "true" : "false", j->out);
}

/* Outside of strings none of these can stand, and inside they may as well be escaped. */
void json_checked(struct json_out *j, const char *key, const char *json)
{
    start(j, key);
    for (const char *at = json ? json : "null"; *at; at++) {
        if (strchr("<>&'", *at))
            fprintf(j->out, "\\u%04x", (unsigned char)*at);
        else
            fputc(*at, j->out);
    }
}

void json_words(struct json_out *j, const char *key, const char *text)
{
    start(j, key);
    if (text)
        put_words(j->out, text);
    else
        fputs("null", j->out);
}
