/* A word ends at white space and at what the shell gives a meaning to, quotes among it: a value
 * of several words, as a sentence, is not one secret, but each of its words is looked at. */
#include "cli/credentials/command_secrets.h"

#include "base/span.h"

#include <string.h>

#define ENDS " \t\r\n'\"`;|&()<>"

enum { RANDOM_BYTES_MIN = 20 };

static struct ringsend_bytes without_dashes(struct ringsend_bytes word)
{
    while (word.bytes > 0 && word.data[0] == '-') {
        word.data++;
        word.bytes--;
    }
    return word;
}

static bool is_among(struct ringsend_bytes word, const char *const *names)
{
    for (; *names; names++)
        if (span_equal_nocase(word, span_of(*names)))
            return true;
    return false;
}

/* The word behind it is a secret. */
static bool announces(struct ringsend_bytes word)
{
    static const char *const schemes[] = {"Basic", "Bearer", "Token", NULL};
    static const char *const logins[] = {"-u", "--user", "-p", "--pass", NULL};
    if (is_among(word, schemes) || is_among(word, logins))
        return true;
    if (word.bytes > 1 && word.data[word.bytes - 1] == ':')
        return secret_is_header((struct ringsend_bytes){word.data, word.bytes - 1});
    return word.bytes > 1 && word.data[0] == '-' &&
           secret_is_name(SECRET_PARAMETER, without_dashes(word));
}

/* NAME=VALUE with such a name: the value. */
static bool is_assignment(struct ringsend_bytes word, struct ringsend_bytes *value)
{
    const char *sign = memchr(word.data, '=', word.bytes);
    if (!sign)
        return false;
    struct ringsend_bytes name = {word.data, (size_t)(sign - word.data)};
    *value = (struct ringsend_bytes){sign + 1, word.bytes - name.bytes - 1};
    return secret_is_name(SECRET_PARAMETER, without_dashes(name));
}

/* Letters and digits, both, and no name of a file or host. */
static bool looks_random(struct ringsend_bytes word)
{
    bool digit = false, letter = false;
    for (size_t i = 0; i < word.bytes; i++) {
        char c = word.data[i];
        if (c == '/' || c == '.' || c == ':' || c == '=')
            return false;
        digit |= c >= '0' && c <= '9';
        letter |= (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
    }
    return word.bytes >= RANDOM_BYTES_MIN && digit && letter;
}

static bool add(struct secrets *secrets, struct ringsend_bytes value)
{
    const char *colon = memchr(value.data, ':', value.bytes);
    if (value.bytes == 0 || strchr("$@-/.~", value.data[0]))
        return true;
    if (colon &&
        !secrets_add(secrets, (struct ringsend_bytes){colon + 1, value.bytes - 1 -
                                                                     (size_t)(colon - value.data)}))
        return false;
    return secrets_add(secrets, value);
}

bool command_secrets_add(struct secrets *secrets, const char *command)
{
    struct ringsend_bytes before = {0}, value;
    bool good = true;
    while (good && *(command += strspn(command, ENDS))) {
        struct ringsend_bytes word = {command, strcspn(command, ENDS)};
        command += word.bytes;
        if (is_assignment(word, &value))
            good = add(secrets, value);
        else if (announces(before) ? !announces(word) : looks_random(word))
            good = add(secrets, word);
        before = word;
    }
    return good;
}
