/* Two questions. Is this name one of a secret? And where in a text do secrets stand?
 *
 * Names. One word of a name tells (a token, a password ...), unless the last word says that the
 * value is something about it (a token's type). "key" is the hard one: it tells at the end of a
 * name, unless the word before it says what sort of key it is (a partition's). Words that are
 * written in one, such as "apikey", tell by how they end; "monkey" does not. */
#include "records/secret.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SECRET_BYTES_MIN = 4, NAME_BYTES_MAX = 128, WORDS_MAX = 16 };

static const char mask[] = "***";

static const char *const telling[] = {
    "assertion",     "auth",        "authentication",
    "authorization", "bearer",      "cookie",
    "cookies",       "cred",        "creds",
    "credential",    "credentials", "csrf",
    "cvc",           "cvv",         "dpop",
    "hdnea",         "hmac",        "jwt",
    "oauth",         "oidc",        "otp",
    "passcode",      "passphrase",  "passwd",
    "password",      "passwords",   "pat",
    "psk",           "pw",          "pwd",
    "saml",          "sas",         "secret",
    "secrets",       "session",     "sid",
    "skey",          "sig",         "signature",
    "tok",           "token",       "totp",
    "xsrf",
};

/* In data these are words like others: a zodiac sign, a pin on a map. */
static const char *const telling_but_in_data[] = {"pin", "sign", "ticket"};

/* What a code, or a verifier, is for that opens something. */
static const char *const opening_codes[] = {
    "access", "activation", "auth", "code", "device", "recovery", "security", "verification",
};

/* Of words written in one. */
static const char *const telling_ends[] = {
    "accesskey",     "accountkey", "apikey",          "apitoken",   "appkey",     "authkey",
    "authorization", "cookie",     "credential",      "encryptkey", "jwt",        "licensekey",
    "masterkey",     "passwd",     "passphrase",      "password",   "privatekey", "pwd",
    "secret",        "secretkey",  "sessid",          "sessionid",  "sessionkey", "sharedkey",
    "signature",     "signingkey", "subscriptionkey", "token",
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

/* An access code, a code_verifier. */
static bool is_opening_code(const struct words *w, size_t last)
{
    return last > 0 &&
           (strcmp(w->words[last], "code") == 0 || strcmp(w->words[last], "verifier") == 0) &&
           is_one_of(w->words[last - 1], LIST(opening_codes));
}

bool secret_is_name(enum secret_kind kind, struct ringsend_bytes name)
{
    struct words w;
    take_apart(&w, name);
    if (w.count == 0)
        return false;
    if (span_equal_nocase(name, SPAN("DPoP"))) /* which is no three words */
        return true;
    size_t last = w.count - 1;
    while (last > 0 && is_number(w.words[last]))
        last--;
    if (last == 0 && kind == SECRET_PARAMETER &&
        (strcmp(w.words[0], "code") == 0 || strcmp(w.words[0], "pass") == 0))
        return true;
    if (strcmp(w.words[last], "pass") == 0 && last > 0)
        return true;
    if (is_key(kind, &w, last) || is_opening_code(&w, last))
        return true;
    if (kind != SECRET_MEMBER && is_one_of(w.words[last], LIST(telling_but_in_data)))
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

/* Length up to one of the bytes that end it, or to the end of the text. */
static size_t bytes_until(struct ringsend_bytes rest, const char *ends)
{
    size_t bytes = 0;
    while (bytes < rest.bytes && (rest.data[bytes] == '\0' || !strchr(ends, rest.data[bytes])))
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

/* At the start, or behind a '?', '&', ';' or '#': the length of "name=", when the value is a secret
 * by it. */
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

/* A quote of JSON with its backslashes: none, one in JSON that a string of JSON holds, then three.
 */
static bool is_quote(struct ringsend_bytes rest, size_t at, size_t backslashes)
{
    size_t k = 0;
    while (k < backslashes && at + k < rest.bytes && rest.data[at + k] == '\\')
        k++;
    return k == backslashes && at + k < rest.bytes && rest.data[at + k] == '"';
}

/* Behind such a quote: the length up to the value, when what begins here is a member of a JSON
 * object whose value is a secret by its name. */
static size_t member_bytes(struct ringsend_bytes rest, size_t backslashes)
{
    size_t name = bytes_until(rest, "\"\\\r\n"), at = name + backslashes + 1;
    if (name == 0 || name > NAME_BYTES_MAX || !is_quote(rest, name, backslashes))
        return 0;
    at += spaces_at(rest, at);
    if (at >= rest.bytes || rest.data[at] != ':')
        return 0;
    at++;
    at += spaces_at(rest, at);
    bool is_string = is_quote(rest, at, backslashes);
    bool is_value = is_string || (at < rest.bytes && memchr("-0123456789[{", rest.data[at], 13));
    if (!is_value || !secret_is_name(SECRET_MEMBER, (struct ringsend_bytes){rest.data, name}))
        return 0;
    return at + (is_string ? backslashes + 1 : 0);
}

/* Up to the quote that ends the string that we are in, or the one that this string is in. */
static size_t string_bytes(struct ringsend_bytes rest, size_t backslashes)
{
    size_t run = 0;
    for (size_t at = 0; at < rest.bytes; at++) {
        if (rest.data[at] == '\\') {
            run++;
            continue;
        }
        /* A backslash of the string's own text is twice as many as its quote has, and two. */
        bool ends = run < backslashes || (run - backslashes) % (2 * (backslashes + 1)) == 0;
        if (rest.data[at] == '"' && ends)
            return at - (run < backslashes ? run : backslashes);
        run = 0;
    }
    return rest.bytes;
}

/* An object or array, or as much of it as there is. */
static size_t container_bytes(struct ringsend_bytes rest, size_t backslashes)
{
    size_t depth = 0;
    for (size_t at = 0; at < rest.bytes; at++) {
        char c = rest.data[at];
        if (is_quote(rest, at, backslashes)) {
            at += backslashes + 1;
            at +=
                string_bytes((struct ringsend_bytes){rest.data + at, rest.bytes - at}, backslashes);
            at += backslashes;
        } else if (c == '"') {
            return at; /* of the string that holds it all */
        }
        depth += c == '[' || c == '{';
        depth -= c == ']' || c == '}';
        if (depth == 0)
            return at + 1;
    }
    return rest.bytes;
}

/* Behind '<': the length up to the text of that element, when it is a secret by its name. */
static size_t element_bytes(struct ringsend_bytes rest)
{
    size_t name = bytes_until(rest, "> \t\r\n/\"'<=&;"), tag = bytes_until(rest, "><");
    if (name == 0 || name > NAME_BYTES_MAX || tag == rest.bytes || rest.data[tag] != '>' ||
        rest.data[tag - 1] == '/')
        return 0;
    const char *colon = memchr(rest.data, ':', name);
    size_t prefix = colon ? (size_t)(colon - rest.data) + 1 : 0;
    struct ringsend_bytes local = {rest.data + prefix, name - prefix};
    return secret_is_name(SECRET_MEMBER, local) ? tag + 1 : 0;
}

static size_t text_bytes(struct ringsend_bytes rest)
{
    static const char begin[] = "<![CDATA[", end[] = "]]>";
    if (rest.bytes < sizeof begin - 1 || memcmp(rest.data, begin, sizeof begin - 1) != 0)
        return bytes_until(rest, "<");
    const char *at = memmem(rest.data, rest.bytes, end, sizeof end - 1);
    return at ? (size_t)(at - rest.data) + sizeof end - 1 : rest.bytes;
}

/* Behind white space: the length up to the value of name="value", which a tag has, and a header's
 * parameters, when it is a secret by its name. */
static size_t attribute_bytes(struct ringsend_bytes rest)
{
    size_t name = bytes_until(rest, "= \t\r\n<>\"'&;,\\");
    if (name == 0 || name > NAME_BYTES_MAX || rest.bytes - name < 2 || rest.data[name] != '=' ||
        !memchr("\"'", rest.data[name + 1], 2))
        return 0;
    return secret_is_name(SECRET_MEMBER, (struct ringsend_bytes){rest.data, name}) ? name + 2 : 0;
}

static struct ringsend_bytes behind(struct ringsend_bytes text, size_t at)
{
    return (struct ringsend_bytes){text.data + at, text.bytes - at};
}

enum value_kind {
    VALUE_PARAMETER,
    VALUE_STRING, /* these three of JSON */
    VALUE_NUMBER,
    VALUE_CONTAINER,
    VALUE_TEXT, /* of an XML element */
    VALUE_ATTRIBUTE
};

/* Goes through a text. */
struct masker {
    struct ringsend_bytes text;
    size_t at;
    size_t value_at; /* where the next value begins that is a secret by its name; SIZE_MAX: none */
    enum value_kind value;
    size_t backslashes; /* before the quotes of that value's JSON */
    size_t run;         /* of backslashes that we are behind */
    bool in_query;      /* and not in a path, whose segments have parameters as well */
};

/* How much is hidden at that value. */
static size_t value_bytes(const struct masker *m)
{
    struct ringsend_bytes rest = behind(m->text, m->at);
    switch (m->value) {
    case VALUE_PARAMETER:
        return bytes_until(rest, m->in_query ? "&;# \t\r\n\"'" : "&;#?/ \t\r\n\"'");
    case VALUE_STRING:
        return string_bytes(rest, m->backslashes);
    case VALUE_NUMBER:
        return bytes_until(rest, ",]}\"\\ \t\r\n");
    case VALUE_CONTAINER:
        return container_bytes(rest, m->backslashes);
    case VALUE_TEXT:
        return text_bytes(rest);
    case VALUE_ATTRIBUTE:
        return bytes_until(rest, (char[]){m->text.data[m->at - 1], '\0'});
    }
    return rest.bytes;
}

/* A place of a template (template.h) is not yet a value. */
static bool is_place(struct ringsend_bytes value)
{
    static const char ends[] = "}}";
    if (value.bytes <= 4 || memcmp(value.data, "{{", 2) != 0 || value.data[2] == '{')
        return false;
    const char *end = memmem(value.data, value.bytes, ends, 2);
    return end && (size_t)(end - value.data) == value.bytes - 2;
}

static enum value_kind member_kind(const struct masker *m)
{
    if (m->text.data[m->value_at - 1] == '"')
        return VALUE_STRING;
    return memchr("[{", m->text.data[m->value_at], 2) ? VALUE_CONTAINER : VALUE_NUMBER;
}

/* What begins behind the byte that we are at. */
static void look_ahead(struct masker *m, char c)
{
    size_t run = m->run, bytes = 0, next = m->at + 1;
    m->run = c == '\\' ? run + 1 : 0;
    m->in_query = m->in_query || memchr("?&#", c, 3);
    if (m->value_at != SIZE_MAX)
        return;
    struct ringsend_bytes rest = behind(m->text, next);
    if (c == '"')
        bytes = member_bytes(rest, run);
    else if (memchr("?&;#", c, 4))
        bytes = parameter_bytes(rest);
    else if (c == '<')
        bytes = element_bytes(rest);
    else if (memchr(" \t\r\n", c, 4))
        bytes = attribute_bytes(rest);
    if (bytes == 0)
        return;
    m->value_at = next + bytes;
    m->backslashes = run;
    m->value = c == '"'               ? member_kind(m)
               : memchr("?&;#", c, 4) ? VALUE_PARAMETER
               : c == '<'             ? VALUE_TEXT
                                      : VALUE_ATTRIBUTE;
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
            if (is_place((struct ringsend_bytes){text.data + m.at, hidden}))
                hidden = 0;
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
