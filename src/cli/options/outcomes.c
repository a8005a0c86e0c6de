#include "cli/options/outcomes.h"

#include "base/errors.h"
#include "base/span.h"
#include "cli/options/values.h"

#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Three digits at the start of `text`; 0, which is no status, when they are not there. */
static int three_digits(struct ringsend_bytes text)
{
    const char *at = text.data;
    if (text.bytes < 3 || !is_digit(at[0]) || !is_digit(at[1]) || !is_digit(at[2]))
        return 0;
    return (at[0] - '0') * 100 + (at[1] - '0') * 10 + (at[2] - '0');
}

/* "200", "2xx" or "200-299". */
static bool read_statuses(struct ringsend_bytes word, int *first, int *last)
{
    if (word.bytes == 3 && is_digit(word.data[0]) && word.data[1] == 'x' && word.data[2] == 'x') {
        *first = (word.data[0] - '0') * 100;
        *last = *first + 99;
    } else {
        *first = *last = three_digits(word);
        if (word.bytes == 7 && word.data[3] == '-')
            *last = three_digits((struct ringsend_bytes){word.data + 4, 3});
        else if (word.bytes != 3)
            return false;
    }
    return *first >= 100 && *last <= 599 && *first <= *last;
}

static bool add_statuses(struct ringsend_bytes word, struct ringsend_status_set *set)
{
    int first, last;
    if (!read_statuses(word, &first, &last))
        return false;
    for (int status = first; status <= last; status++)
        set->bits[(status - 100) / 64] |= 1ull << ((status - 100) % 64);
    return true;
}

static struct ringsend_bytes next_word(const char **text)
{
    struct ringsend_bytes word = {*text, strcspn(*text, ",")};
    *text += word.bytes;
    return word;
}

void statuses_read(const char *command, const char *option, const char *text,
                   struct ringsend_status_set *set)
{
    for (const char *at = text;; at++) {
        if (!add_statuses(next_word(&at), set))
            usage_error(command,
                        "%s must be a list of statuses from 100 to 599, such as "
                        "\"200,201,3xx,400-404\", not \"%s\"",
                        option, text);
        if (!*at)
            return;
    }
}

static bool is_named(enum ringsend_error error, struct ringsend_bytes word)
{
    static const struct {
        const char *word, *phase;
    } phases[] = {{"dns", "lookup"},   {"connect", "connect"},
                  {"proxy", "tunnel"}, {"tls", "handshake"},
                  {"send", "send"},    {"head", "head"},
                  {"body", "body"},    {"no_response", "first byte"}};
    const char *name = ringsend_error_name(error);
    if (span_equal(span_of(name), word))
        return true;
    if (span_equal(SPAN("timeout"), word))
        return strncmp(name, "timeout_", 8) == 0;
    for (size_t i = 0; i < sizeof phases / sizeof *phases; i++)
        if (span_equal(span_of(phases[i].word), word))
            return strcmp(phases[i].phase, error_phase(error)) == 0;
    return false;
}

static bool add_errors(struct ringsend_bytes word, struct ringsend_outcomes *set)
{
    bool found = false;
    for (unsigned i = 1; i < RINGSEND_ERROR_COUNT; i++) {
        enum ringsend_error error = (enum ringsend_error)i;
        if (!error_is_of_attempt(error) || !is_named(error, word))
            continue;
        set->errors[i / 64] |= 1ull << (i % 64);
        found = true;
    }
    return found;
}

static void add_default(struct ringsend_outcomes *set)
{
    struct ringsend_outcomes defaults;
    ringsend_retry_on_default(&defaults);
    for (size_t i = 0; i < 8; i++)
        set->statuses.bits[i] |= defaults.statuses.bits[i];
    for (size_t i = 0; i < 2; i++)
        set->errors[i] |= defaults.errors[i];
}

void outcomes_read(const char *command, const char *option, const char *text,
                   struct ringsend_outcomes *set)
{
    if (!*text)
        return;
    for (const char *at = text;; at++) {
        struct ringsend_bytes word = next_word(&at);
        if (span_equal(word, SPAN("default")))
            add_default(set);
        else if (!add_statuses(word, &set->statuses) && !add_errors(word, set))
            usage_error(command,
                        "%s: \"%.*s\" is no status (503, 5xx, 500-504), no error of an attempt "
                        "(closed_no_response), and none of dns, connect, tls, send, no_response, "
                        "head, body, timeout, default",
                        option, (int)word.bytes, word.data);
        if (!*at)
            return;
    }
}
