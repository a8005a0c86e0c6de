/* Two questions. Is this name one of a secret? And where in a text do secrets stand?
 *
 * Names. One word of a name tells (a token, a password ...), unless the last word says that the
 * value is something about it (a token's type). "key" is the hard one: it tells at the end of a
 * name, unless the word before it says what sort of key it is (a partition's). Words that are
 * written in one, such as "apikey", tell by how they end; "monkey" does not. */
#include "batch/secret.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SECRET_BYTES_MIN = 4, NAME_BYTES_MAX = 128, WORDS_MAX = 16 };

static const char mask[] = "***";

static const char *const telling[] = {
    "assertion", "auth",       "authentication", "authorization", "bearer",  "cookie",
    "cookies",   "credential", "credentials",    "csrf",          "hmac",    "jwt",
    "oauth",     "otp",        "passcode",       "passphrase",    "passwd",  "password",
    "passwords", "pwd",        "saml",           "secret",        "secrets", "session",
    "sid",       "sig",        "signature",      "token",         "xsrf",
};

/* Of words written in one. */
static const char *const telling_ends[] = {
    "accesskey",     "accountkey",      "apikey",     "apitoken",   "appkey",     "authkey",
    "authorization", "cookie",          "credential", "encryptkey", "jwt",        "licensekey",
    "masterkey",     "passwd",          "passphrase", "password",   "privatekey", "pwd",
    "secret",        "secretkey",       "sessid",     "sessionid",  "sharedkey",  "signature",
    "signingkey",    "subscriptionkey", "token",
};

/* Last words that make a name one of something else. */
static const char *const about[] = {
    "age",    "alg",        "algorithm", "at",     "count",  "date",     "duration", "expires",
    "expiry", "expiration", "format",    "hint",   "issuer", "length",   "limit",    "max",
    "method", "min",        "mode",      "policy", "realm",  "required", "scheme",   "scope",
    "size",   "status",     "ttl",       "type",   "uri",    "url",      "version",
};

/* Sorts of keys that open nothing. */
static const char *const plain_keys[] = {
    "cache", "column",      "composite", "dedup",     "deduplication", "foreign", "group",
    "hash",  "idempotency", "index",     "lookup",    "message",       "natural", "object",
    "order", "partition",   "primary",   "public",    "range",         "routing", "row",
    "s",     "shard",       "sort",      "surrogate", "translation",   "unique",  "socket",
};

#define LIST(words) words, sizeof(words) / sizeof *(words)

struct words {
    char text[NAME_BYTES_MAX]; /* in lower case, each with a NUL behind it */
    const char *words[WORDS_MAX];
    size_t count;
};

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* "userId" has two words, "AWSKey" as well. */
static bool begins_word(struct ringsend_bytes name, size_t at)
{
    if (at == 0 || !is_upper(name.data[at]))
        return at == 0;
    bool next_is_lower =
        at + 1 < name.bytes && name.data[at + 1] >= 'a' && name.data[at + 1] <= 'z';
    return is_lower(name.data[at - 1]) || (is_upper(name.data[at - 1]) && next_is_lower);
}

/* Ends the word that the text ends in. "token2" is "token". */
static size_t end_word(struct words *w, size_t to)
{
    size_t start = (size_t)(w->words[w->count - 1] - w->text), kept = to;
    while (kept > start && w->text[kept - 1] >= '0' && w->text[kept - 1] <= '9')
        kept--;
    to = kept > start ? kept : to;
    w->text[to] = '\0';
    return to + 1;
}

/* A percent-encoding parts words: those of letters are not looked for. Of a longer name the end
 * counts. */
static void take_apart(struct words *w, struct ringsend_bytes name)
{
    size_t room = sizeof w->text / 2, to = 0;
    if (name.bytes > room)
        name = (struct ringsend_bytes){name.data + name.bytes - room, room};
    w->count = 0;
    bool inside = false;
    for (size_t i = 0; i < name.bytes; i++) {
        char c = name.data[i];
        bool is_word = is_lower(c) || is_upper(c);
        if (inside && (!is_word || begins_word(name, i))) {
            to = end_word(w, to);
            inside = false;
        }
        if (!is_word) {
            i += c == '%' && name.bytes - i > 2 ? 2 : 0;
            continue;
        }
        if (!inside && w->count == WORDS_MAX)
            break;
        if (!inside)
            w->words[w->count++] = w->text + to;
        inside = true;
        w->text[to++] = is_upper(c) ? (char)(c | 0x20) : c;
    }
    if (inside)
        end_word(w, to);
}

static bool is_one_of(const char *word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(word, words[i]) == 0)
            return true;
    }
    return false;
}

static bool ends_in_one_of(const char *word, const char *const *ends, size_t count)
{
    size_t bytes = strlen(word);
    for (size_t i = 0; i < count; i++) {
        size_t end_bytes = strlen(ends[i]);
        if (bytes >= end_bytes && strcmp(word + bytes - end_bytes, ends[i]) == 0)
            return true;
    }
    return false;
}

static bool is_number(const char *word)
{
    return word[strspn(word, "0123456789")] == '\0';
}

/* A name that is "key", or ends in it. */
static bool is_key(enum secret_kind kind, const struct words *w, size_t last)
{
    if (strcmp(w->words[last], "key") != 0 && strcmp(w->words[last], "keys") != 0)
        return false;
    if (last == 0)
        return kind != SECRET_MEMBER;
    return !is_one_of(w->words[last - 1], LIST(plain_keys));
}

bool secret_is_name(enum secret_kind kind, struct ringsend_bytes name)
{
    struct words w;
    take_apart(&w, name);
    if (w.count == 0)
        return false;
    size_t last = w.count - 1;
    while (last > 0 && is_number(w.words[last]))
        last--;
    if (last == 0 && kind == SECRET_PARAMETER &&
        (strcmp(w.words[0], "code") == 0 || strcmp(w.words[0], "pass") == 0))
        return true;
    if (is_key(kind, &w, last))
        return true;
    if (is_one_of(w.words[last], LIST(about)))
        return false;
    for (size_t i = 0; i <= last; i++) {
        if (is_one_of(w.words[i], LIST(telling)) || ends_in_one_of(w.words[i], LIST(telling_ends)))
            return true;
    }
    return false;
}

bool secret_is_header(struct ringsend_bytes name)
{
    return secret_is_name(SECRET_HEADER, name);
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

/* At the start, or behind a '?', '&', ';' or '#': the length of "name=", when the value is a secret by it. */
static size_t parameter_bytes(struct ringsend_bytes rest)
{
    size_t bytes = bytes_until(rest, "=&;?# \t\r\n\"'");
    if (bytes == rest.bytes || rest.data[bytes] != '=')
        return 0;
    return secret_is_name(SECRET_PARAMETER, (struct ringsend_bytes){rest.data, bytes}) ? bytes + 1
                                                                                       : 0;
}

static size_t spaces_at(struct ringsend_bytes rest, size_t at)
{
    size_t start = at;
    while (at < rest.bytes && memchr(" \t\r\n", rest.data[at], 4))
        at++;
    return at - start;
}

/* Behind a quote: the length up to the value, when what begins here is a member of a JSON object
 * whose value, a string or a number, is a secret by its name. */
static size_t member_bytes(struct ringsend_bytes rest)
{
    size_t name = bytes_until(rest, "\"\\\r\n"), at = name + 1;
    if (name == 0 || name > NAME_BYTES_MAX || at >= rest.bytes || rest.data[name] != '"')
        return 0;
    at += spaces_at(rest, at);
    if (at >= rest.bytes || rest.data[at] != ':')
        return 0;
    at++;
    at += spaces_at(rest, at);
    bool is_value = at < rest.bytes && memchr("\"-0123456789", rest.data[at], 12);
    if (!is_value || !secret_is_name(SECRET_MEMBER, (struct ringsend_bytes){rest.data, name}))
        return 0;
    return at + (rest.data[at] == '"');
}

/* Up to the quote that ends the string that we are in. */
static size_t string_bytes(struct ringsend_bytes rest)
{
    size_t at = 0;
    while (at < rest.bytes && rest.data[at] != '"')
        at += rest.data[at] == '\\' && at + 1 < rest.bytes ? 2 : 1;
    return at;
}

static struct ringsend_bytes behind(struct ringsend_bytes text, size_t at)
{
    return (struct ringsend_bytes){text.data + at, text.bytes - at};
}

/* Goes through a text. */
struct masker {
    struct ringsend_bytes text;
    size_t at;
    size_t value_at; /* where the next value begins that is a secret by its name; SIZE_MAX: none */
    bool in_query;   /* and not in a path, whose segments have parameters as well */
    enum { VALUE_PARAMETER, VALUE_STRING, VALUE_NUMBER } value; /* its kind; the latter of JSON */
};

/* How much is hidden at that value. */
static size_t value_bytes(const struct masker *m)
{
    struct ringsend_bytes rest = behind(m->text, m->at);
    return m->value == VALUE_STRING   ? string_bytes(rest)
           : m->value == VALUE_NUMBER ? bytes_until(rest, ",]} \t\r\n")
           : m->in_query              ? bytes_until(rest, "&;# \t\r\n\"'")
                                      : bytes_until(rest, "&;#?/ \t\r\n\"'");
}

/* What begins behind the byte that we are at. */
static void look_ahead(struct masker *m, char c)
{
    bool is_member = c == '"';
    m->in_query = m->in_query || memchr("?&#", c, 3);
    size_t bytes = 0, next = m->at + 1;
    if (m->value_at != SIZE_MAX)
        return;
    if (is_member)
        bytes = member_bytes(behind(m->text, next));
    else if (memchr("?&;#", c, 4))
        bytes = parameter_bytes(behind(m->text, next));
    if (bytes == 0)
        return;
    m->value_at = next + bytes;
    m->value = !is_member                             ? VALUE_PARAMETER
               : m->text.data[m->value_at - 1] == '"' ? VALUE_STRING
                                                      : VALUE_NUMBER;
}

bool secrets_mask(const struct secrets *secrets, struct ringsend_bytes text, struct buf_pool *pool,
                  struct buf *out)
{
    size_t first = text.bytes > 0 ? parameter_bytes(text) : 0;
    struct masker m = {
        .text = text, .value_at = first > 0 ? first : SIZE_MAX, .in_query = first > 0};
    while (m.at < text.bytes) {
        char c = text.data[m.at];
        size_t hidden = known_bytes(secrets, behind(text, m.at)), shown = hidden == 0;
        if (hidden == 0 && m.at >= m.value_at) {
            hidden = value_bytes(&m);
            shown = hidden == 0;
            m.value_at = SIZE_MAX;
        } else if (shown && c == '/' && m.at > 0 && text.data[m.at - 1] == '/') {
            hidden = userinfo_bytes(behind(text, m.at + 1));
        }
        if (shown)
            look_ahead(&m, c);
        if (!buf_append(pool, out, text.data + m.at, shown) ||
            (hidden > 0 && !buf_append(pool, out, mask, sizeof mask - 1)))
            return false;
        m.at += shown + hidden;
    }
    return true;
}
