#include "batch/secret.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SECRET_BYTES_MIN = 4 };

static const char mask[] = "***";

/* Parts of header names, and of names of query parameters, that say that a value is a secret. */
static const char *const telling_headers[] = {
    "authorization", "cookie",     "token",   "secret",    "password",   "api-key",
    "apikey",        "access-key", "session", "signature", "credential", "x-auth",
};
static const char *const telling_parameters[] = {
    "key", "token", "secret", "password", "passwd", "signature", "sig", "credential", "auth",
};

static bool holds_one_of(struct ringsend_bytes name, const char *const *words, size_t count)
{
    for (size_t w = 0; w < count; w++) {
        size_t bytes = strlen(words[w]);
        for (size_t at = 0; at + bytes <= name.bytes; at++) {
            if (strncasecmp(name.data + at, words[w], bytes) == 0)
                return true;
        }
    }
    return false;
}

bool secret_is_header(struct ringsend_bytes name)
{
    return holds_one_of(name, telling_headers, sizeof telling_headers / sizeof *telling_headers);
}

bool secrets_add(struct secrets *secrets, struct ringsend_bytes value)
{
    if (value.bytes < SECRET_BYTES_MIN)
        return true;
    struct secret *grown = reallocarray(secrets->values, secrets->count + 1, sizeof *grown);
    if (!grown)
        return false;
    secrets->values = grown;
    char *copy = malloc(value.bytes);
    if (!copy)
        return false;
    memcpy(copy, value.data, value.bytes);
    size_t at = secrets->count++;
    for (; at > 0 && grown[at - 1].bytes < value.bytes; at--)
        grown[at] = grown[at - 1];
    grown[at] = (struct secret){copy, value.bytes};
    return true;
}

void secrets_free(struct secrets *secrets)
{
    for (size_t i = 0; i < secrets->count; i++)
        free(secrets->values[i].data);
    free(secrets->values);
    *secrets = (struct secrets){0};
}

/* Length of the known secret that starts here, 0: none. */
static size_t known_bytes(const struct secrets *secrets, struct ringsend_bytes rest)
{
    for (size_t i = 0; i < secrets->count; i++) {
        const struct secret *value = &secrets->values[i];
        if (value->bytes <= rest.bytes && memcmp(value->data, rest.data, value->bytes) == 0)
            return value->bytes;
    }
    return 0;
}

/* Length up to one of the bytes that end it, or to the end. */
static size_t bytes_until(struct ringsend_bytes rest, const char *ends)
{
    size_t bytes = 0;
    while (bytes < rest.bytes && rest.data[bytes] != '\0' && !strchr(ends, rest.data[bytes]))
        bytes++;
    return bytes;
}

/* At "//": the length of what stands before an '@' of the same authority. */
static size_t userinfo_bytes(struct ringsend_bytes rest)
{
    size_t authority = bytes_until(rest, "/?# \t\r\n\"'<>\\");
    const char *at = authority > 0 ? memrchr(rest.data, '@', authority) : NULL;
    return at ? (size_t)(at - rest.data) : 0;
}

/* At a '?' or '&': the length of "name=", when the value is a secret by it. */
static size_t telling_bytes(struct ringsend_bytes rest)
{
    size_t bytes = bytes_until(rest, "=&?# \t\r\n\"'");
    if (bytes == rest.bytes || rest.data[bytes] != '=')
        return 0;
    bool tells = holds_one_of((struct ringsend_bytes){rest.data, bytes}, telling_parameters,
                              sizeof telling_parameters / sizeof *telling_parameters);
    return tells ? bytes + 1 : 0;
}

static struct ringsend_bytes behind(struct ringsend_bytes text, size_t at)
{
    return (struct ringsend_bytes){text.data + at, text.bytes - at};
}

bool secrets_mask(const struct secrets *secrets, struct ringsend_bytes text, struct buf_pool *pool,
                  struct buf *out)
{
    size_t value_at = SIZE_MAX; /* of the query parameter we are in, when that is a secret */
    for (size_t at = 0; at < text.bytes;) {
        char c = text.data[at];
        size_t hidden = known_bytes(secrets, behind(text, at)), shown = hidden == 0;
        if (hidden == 0 && at >= value_at) {
            hidden = bytes_until(behind(text, at), "&# \t\r\n\"'");
            shown = hidden == 0;
            value_at = SIZE_MAX;
        } else if (shown && c == '/' && at > 0 && text.data[at - 1] == '/') {
            hidden = userinfo_bytes(behind(text, at + 1));
        } else if (shown && (c == '?' || c == '&')) {
            size_t name = telling_bytes(behind(text, at + 1));
            value_at = name > 0 ? at + 1 + name : SIZE_MAX;
        }
        if (!buf_append(pool, out, text.data + at, shown) ||
            (hidden > 0 && !buf_append(pool, out, mask, sizeof mask - 1)))
            return false;
        at += shown + hidden;
    }
    return true;
}
