/* A name is looked for, in this order, among the options of other commands, and what rows and
 * `advices` say that other programs call a thing; what is left is taken for a slip of the finger,
 * and the nearest name by edit distance is offered, if it is near enough. Nothing that is given to
 * an option is repeated: it may be a secret. */
#include "cli/options/unknown.h"

#include "base/span.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { NAME_BYTES_MAX = 32 }; /* of names that are compared; longer ones are no slips */

/* What other programs have as an option and this one does otherwise. */
static const struct advice {
    const char *names;
    unsigned commands; /* 0: all */
    const char *text;
} advices[] = {
    {"json", COMMAND_SEND | COMMAND_CHECK,
     "a body of JSON is --data, which brings its Content-Type; results are JSON anyhow"},
    {"referer|e", 0, "it is a header: -H 'Referer: URL'"},
    {"location-trusted", 0, "credentials go to no other host; a request to it can have its own"},
    {"form|F", 0,
     "records of JSON have \"form\" and \"multipart\"; of rows a form is --data "
     "'a={{a|form}}', or {{*|form}}, with its Content-Type"},
    {"data-urlencode", 0, "a value is encoded by its filter: --data 'a={{a|form}}'"},
    {"get|G", 0, "what is asked for stands in the URL: --url 'http://HOST/?a={{a|url}}'"},
    {"head|I", 0, "it is a method: -X HEAD"},
    {"http3|http3-only", 0, "HTTP/1.1 is spoken, and HTTP/2 with --http2"},
};

/* ---- words ---- */

__attribute__((format(printf, 2, 3))) static void add(char *text, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, UNKNOWN_BYTES - used, format, arguments);
    va_end(arguments);
}

/* One of those with | between them. */
static bool is_among(const char *words, struct ringsend_bytes name)
{
    for (const char *at = words; at && *at;) {
        size_t bytes = strcspn(at, "|");
        if (span_equal((struct ringsend_bytes){at, bytes}, name))
            return true;
        at += bytes + (at[bytes] == '|');
    }
    return false;
}

/* ---- other commands ---- */

/* ": `ringsend bench` and `ringsend probe` take it", of the option, or of the letter unless it is
 * 0. False: none does. */
static bool add_others(char *text, enum option_id id, char letter)
{
    unsigned commands = 0, named = 0;
    for (size_t i = 0; i < option_rows_count; i++) {
        const struct option_row *row = &option_rows[i];
        commands |= (letter ? row->letter == letter : row->id == id) ? row->commands : 0;
    }
    unsigned count = (unsigned)__builtin_popcount(commands);
    for (size_t i = 0; i < commands_count; i++) {
        if (!(commands & (unsigned)commands_help[i].command))
            continue;
        add(text, "%s`ringsend %s`",
            named == 0           ? " here: "
            : named + 1 == count ? " and "
                                 : ", ",
            commands_help[i].name);
        named++;
    }
    add(text, "%s", count == 0 ? "" : count == 1 ? " takes it" : " take it");
    return count > 0;
}

bool unknown_find_name(const char *name, size_t bytes, enum option_id *found)
{
    unsigned count = 0;
    for (int i = 0; i < OPTIONS_COUNT; i++) {
        const char *other = option_name((enum option_id)i);
        if (strncmp(other, name, bytes) != 0)
            continue;
        *found = (enum option_id)i;
        count++;
        if (other[bytes] == '\0')
            return true;
    }
    return count == 1;
}

/* ---- which was meant ---- */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Letters put in, left out, changed, or two exchanged that stand side by side (optimal string
 * alignment), in whichever case. */
static size_t distance(struct ringsend_bytes a, struct ringsend_bytes b)
{
    size_t rows[3][NAME_BYTES_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    if (a.bytes > NAME_BYTES_MAX || b.bytes > NAME_BYTES_MAX)
        return SIZE_MAX;
    for (size_t k = 0; k <= b.bytes; k++)
        last[k] = k;
    for (size_t i = 1; i <= a.bytes; i++) {
        now[0] = i;
        for (size_t k = 1; k <= b.bytes; k++) {
            size_t changed = last[k - 1] + (tolower((unsigned char)a.data[i - 1]) !=
                                            tolower((unsigned char)b.data[k - 1]));
            now[k] = least(changed, least(last[k], now[k - 1]) + 1);
            if (i > 1 && k > 1 && a.data[i - 1] == b.data[k - 2] && a.data[i - 2] == b.data[k - 1])
                now[k] = least(now[k], before[k - 2] + 1);
        }
        size_t *oldest = before;
        before = last;
        last = now;
        now = oldest;
    }
    return last[b.bytes];
}

/* A third of its letters may be wrong, and one always. */
struct nearest {
    struct ringsend_bytes name;
    size_t distance;
    const char *found; /* null: nothing is near enough */
};

static void nearest_begin(struct nearest *n, struct ringsend_bytes name)
{
    *n = (struct nearest){.name = name, .distance = name.bytes < 6 ? 2 : name.bytes / 3 + 1};
}

static void nearest_try(struct nearest *n, struct ringsend_bytes other, const char *means)
{
    size_t d = other.bytes > 1 ? distance(n->name, other) : n->distance;
    if (d < n->distance) {
        n->distance = d;
        n->found = means;
    }
}

static void nearest_try_all(struct nearest *n, const char *words, const char *means)
{
    for (const char *at = words; at && *at;) {
        size_t bytes = strcspn(at, "|");
        nearest_try(n, (struct ringsend_bytes){at, bytes}, means);
        at += bytes + (at[bytes] == '|');
    }
}

/* The name of the option whose row that is, if this command has it, by whichever row. */
static const char *name_here(const struct options *o, size_t i)
{
    enum option_id id = option_rows[i].id;
    return o->rows[id] ? option_long(id) : NULL;
}

/* The option of this command that other programs call so. */
static const char *find_other_name(const struct options *o, struct ringsend_bytes name)
{
    for (size_t i = 0; i < option_rows_count; i++) {
        if (name_here(o, i) && is_among(option_rows[i].others, name))
            return name_here(o, i);
    }
    return NULL;
}

static const char *find_advice(const struct options *o, struct ringsend_bytes name)
{
    for (size_t i = 0; i < sizeof advices / sizeof *advices; i++) {
        const struct advice *a = &advices[i];
        if ((a->commands == 0 || a->commands & (unsigned)o->command) && is_among(a->names, name))
            return a->text;
    }
    return NULL;
}

static bool is_known(const struct options *o, struct ringsend_bytes name)
{
    return find_other_name(o, name) || find_advice(o, name);
}

bool unknown_is_other(const struct options *o, const char *name, size_t bytes, enum option_id found)
{
    struct ringsend_bytes word = {name, bytes};
    const char *meant = find_other_name(o, word);
    return meant ? strcmp(meant, option_long(found)) != 0 : find_advice(o, word) != NULL;
}

static const char *find_near(const struct options *o, struct ringsend_bytes name)
{
    struct nearest n;
    nearest_begin(&n, name);
    for (size_t i = 0; i < option_rows_count && name.bytes > 1; i++) {
        const char *here = name_here(o, i);
        if (!here)
            continue;
        nearest_try(&n, span_of(here + 2), here);
        nearest_try_all(&n, option_rows[i].others, here);
    }
    return n.found;
}

/* How a thing is called here. A name that others have is no slip. */
static void add_meant(char *text, const struct options *o, struct ringsend_bytes name,
                      bool others_have)
{
    const char *before = others_have ? "; " : ": ";
    const char *advice = find_advice(o, name), *meant = find_other_name(o, name);
    if (!meant && !advice && !others_have)
        meant = find_near(o, name);
    if (advice)
        add(text, "%s%s", before, advice);
    else if (meant)
        add(text, "%sdid you mean %s?", before, meant);
}

/* Those of this command that begin so; returns how many. */
static int add_beginnings(char *text, const struct options *o, struct ringsend_bytes name)
{
    int count = 0;
    for (size_t i = 0; i < option_rows_count; i++) {
        const struct option_row *row = &option_rows[i];
        if (o->rows[row->id] != row || strncmp(option_name(row->id), name.data, name.bytes) != 0)
            continue;
        add(text, count++ > 0 ? ", %s" : " %s", option_long(row->id));
    }
    return count;
}

void unknown_option(const struct options *o, const char *name, size_t bytes,
                    char text[static UNKNOWN_BYTES])
{
    struct ringsend_bytes word = {name, bytes};
    enum option_id id = OPTION_HELP;
    snprintf(text, UNKNOWN_BYTES, "--%.*s may be", (int)bytes, name);
    if (add_beginnings(text, o, word) > 1) {
        add(text, ": write it out");
        if (bytes > 1)
            add_meant(text, o, word, true);
        return;
    }
    bool is_others = bytes > 0 && unknown_find_name(name, bytes, &id) && !o->rows[id] &&
                     (strlen(option_name(id)) == bytes || !is_known(o, word));
    snprintf(text, UNKNOWN_BYTES, "there is no option --%.*s", is_others ? 0 : (int)bytes, name);
    if (is_others)
        add(text, "%s", option_name(id));
    bool others_have = is_others && add_others(text, id, 0);
    add_meant(text, o, is_others ? span_of(option_name(id)) : word, others_have);
}

void unknown_letter(const struct options *o, char letter, char text[static UNKNOWN_BYTES])
{
    snprintf(text, UNKNOWN_BYTES, "there is no option -%c", letter);
    bool others_have = add_others(text, OPTION_HELP, letter);
    add_meant(text, o, (struct ringsend_bytes){&letter, 1}, others_have);
}

/* ---- commands ---- */

const char *unknown_command(const char *name)
{
    struct nearest n;
    nearest_begin(&n, span_of(name));
    for (size_t i = 0; i < commands_count; i++) {
        nearest_try(&n, span_of(commands_help[i].name), commands_help[i].name);
        nearest_try_all(&n, commands_help[i].others, commands_help[i].name);
    }
    return n.found;
}
