/* From a head as lines, which head.h or a server's answer.h has written, to the fields of HTTP/2
 * (RFC 9113 8.2 and 8.3). The lines are ours, and well formed.
 *
 * What may be a secret is never put into the compression's table, here or by who passes it on (RFC
 * 7541 7.1.3): a stranger who can put lines of his own beside it could find it out by what they
 * cost. So is what differs from request to request, which would only push others out. */
#include "base/ascii.h"
#include "base/check.h"
#include "http2/session.h"

#include <string.h>

struct line {
    char *name;
    size_t name_bytes;
    char *value;
    size_t value_bytes;
};

static bool is_secret(const struct line *line)
{
    static const char *const words[] = {"auth",    "cookie",   "token",      "key",      "secret",
                                        "session", "password", "credential", "signature"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (memmem(line->name, line->name_bytes, words[i], strlen(words[i])))
            return true;
    return false;
}

static bool is(const struct line *line, const char *name)
{
    return line->name_bytes == strlen(name) && memcmp(line->name, name, line->name_bytes) == 0;
}

/* Of the connection and not of the message (RFC 9113 8.2.2). */
static bool is_of_connection(const struct line *line)
{
    return is(line, "connection") || is(line, "keep-alive") || is(line, "proxy-connection") ||
           is(line, "transfer-encoding") || is(line, "upgrade");
}

static bool put(struct h2 *h, struct line line)
{
    const nghttp2_nv field = {.name = (uint8_t *)line.name,
                              .namelen = line.name_bytes,
                              .value = (uint8_t *)line.value,
                              .valuelen = line.value_bytes,
                              .flags = is_secret(&line) ? NGHTTP2_NV_FLAG_NO_INDEX
                                                        : NGHTTP2_NV_FLAG_NONE};
    return buf_append(h->pool, &h->fields, &field, sizeof field);
}

static bool put_pseudo(struct h2 *h, struct ringsend_bytes name, const char *value,
                       size_t value_bytes)
{
    const nghttp2_nv field = {.name = (uint8_t *)(uintptr_t)name.data,
                              .namelen = name.bytes,
                              .value = (uint8_t *)(uintptr_t)value,
                              .valuelen = value_bytes};
    return buf_append(h->pool, &h->fields, &field, sizeof field);
}

/* Copies the head to where its names can be put in lower case. Returns the first line behind the
 * start line; null: memory is out. */
static char *begin(struct h2 *h, struct ringsend_bytes head)
{
    h->text.bytes = h->fields.bytes = 0;
    CHECK(head.bytes > 4 && memcmp(head.data + head.bytes - 4, "\r\n\r\n", 4) == 0);
    if (!buf_append(h->pool, &h->text, head.data, head.bytes))
        return NULL;
    char *end = memchr(h->text.data, '\r', h->text.bytes);
    CHECK(end);
    return end + 2;
}

/* Takes the line at *at, and moves behind it. False: that was the last one. */
static bool next(char **at, struct line *line)
{
    char *name = *at, *end = strchr(name, '\r'), *colon = name;
    if (end == name)
        return false;
    for (; *colon != ':'; colon++) {
        CHECK(colon < end);
        *colon = ascii_lower(*colon);
    }
    char *value = colon + 1, *stop = end;
    while (value < stop && (*value == ' ' || *value == '\t'))
        value++;
    while (stop > value && (stop[-1] == ' ' || stop[-1] == '\t'))
        stop--;
    *line = (struct line){name, (size_t)(colon - name), value, (size_t)(stop - value)};
    *at = end + 2;
    return true;
}

static bool put_lines(struct h2 *h, char *at)
{
    struct line line;
    while (next(&at, &line)) {
        if (is_of_connection(&line) || is(&line, "host"))
            continue;
        if (!put(h, line))
            return false;
    }
    return true;
}

bool h2_fields_of_request(struct h2 *h, struct ringsend_bytes head)
{
    static const char https[] = "https", http[] = "http";
    char *lines = begin(h, head), *at = lines;
    struct line line;
    if (!lines)
        return false;
    char *target = strchr(h->text.data, ' ') + 1, *behind = strchr(target, ' ');
    bool is_put =
        put_pseudo(h, SPAN(":method"), h->text.data, (size_t)(target - h->text.data) - 1) &&
        put_pseudo(h, SPAN(":scheme"), h->options.secure ? https : http, h->options.secure ? 5 : 4);
    while (is_put && next(&at, &line))
        if (is(&line, "host"))
            is_put = put_pseudo(h, SPAN(":authority"), line.value, line.value_bytes);
    return is_put && put_pseudo(h, SPAN(":path"), target, (size_t)(behind - target)) &&
           put_lines(h, lines);
}

bool h2_fields_of_response(struct h2 *h, struct ringsend_bytes head)
{
    char *lines = begin(h, head);
    if (!lines)
        return false;
    char *status = strchr(h->text.data, ' ') + 1;
    return put_pseudo(h, SPAN(":status"), status, 3) && put_lines(h, lines);
}
