/* Readers of option values. Each takes the whole text or refuses it: half of a value such as "40x"
 * would do something nobody asked for. */
#include "cli/options/values.h"

#include "base/duration.h"
#include "base/rate.h"
#include "base/span.h"
#include "ringsend.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void show_help(const char *help)
{
    fputs(help, stdout);
    exit(EXIT_OK);
}

void show_version(void)
{
    printf("ringsend %s\n", ringsend_version());
    exit(EXIT_OK);
}

void usage_error(const char *command, const char *format, ...)
{
    fprintf(stderr, "ringsend %s: ", command);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\nTry 'ringsend %s --help'.\n", command);
    exit(EXIT_USAGE);
}

/* The options that begin with `word`, as " --a, --b"; returns how many. */
static int find_options(const struct option *options, const char *word, size_t word_bytes,
                        char *names, size_t names_bytes)
{
    int count = 0;
    size_t at = 0;
    names[0] = '\0';
    for (; options->name; options++) {
        if (strncmp(options->name, word, word_bytes) != 0)
            continue;
        int bytes =
            snprintf(names + at, names_bytes - at, "%s --%s", count > 0 ? "," : "", options->name);
        at = (size_t)bytes < names_bytes - at ? at + (size_t)bytes : names_bytes - 1;
        count++;
    }
    return count;
}

void option_error(const char *command, const struct option *options, char *const *argv, int answer)
{
    /* What getopt looked at: of a long option and of a missing value this word. */
    const char *word = argv[optind - 1];
    if (answer == ':' && strncmp(word, "--", 2) == 0)
        usage_error(command, "%s needs a value", word);
    if (answer == ':')
        usage_error(command, "-%c needs a value", optopt);
    if (optopt == 0) {
        char names[256];
        size_t word_bytes = strcspn(word, "=");
        if (find_options(options, word + 2, word_bytes - 2, names, sizeof names) > 1)
            usage_error(command, "%.*s may be%s: write it out", (int)word_bytes, word, names);
        usage_error(command, "there is no option %.*s", (int)word_bytes, word);
    }
    for (; options->name; options++) {
        if (options->val == optopt) /* it exists, and was given as --NAME=VALUE */
            usage_error(command, "--%s takes no value", options->name);
    }
    usage_error(command, "there is no option -%c", optopt);
}

/* Decimal digits at the start; false when there are none or too many for a uint64_t. */
static bool read_digits(const char **text, uint64_t *number)
{
    const char *at = *text;
    uint64_t total = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (__builtin_mul_overflow(total, 10, &total) ||
            __builtin_add_overflow(total, (uint64_t)(*at - '0'), &total))
            return false;
    }
    if (at == *text)
        return false;
    *text = at;
    *number = total;
    return true;
}

uint64_t value_count(const char *command, const char *option, const char *text, uint64_t min,
                     uint64_t max)
{
    const char *at = text;
    uint64_t number;
    if (!read_digits(&at, &number) || *at || number < min || number > max)
        usage_error(command, "%s must be a whole number from %llu to %llu, not \"%s\"", option,
                    (unsigned long long)min, (unsigned long long)max, text);
    return number;
}

/* The way a person would write it: in the largest unit that divides it. */
static void print_duration(char *out, size_t out_bytes, uint64_t ns)
{
    static const struct {
        uint64_t ns;
        const char *name;
    } units[] = {{3600000000000, "h"}, {60000000000, "m"}, {1000000000, "s"},
                 {1000000, "ms"},      {1000, "us"},       {1, "ns"}};
    size_t i = 0;
    while (ns % units[i].ns != 0 || (ns == 0 && units[i].name[0] != 's'))
        i++;
    snprintf(out, out_bytes, "%llu%s", (unsigned long long)(ns / units[i].ns), units[i].name);
}

uint64_t value_duration_ns(const char *command, const char *option, const char *text,
                           uint64_t min_ns, uint64_t max_ns)
{
    uint64_t ns;
    if (duration_parse(span_of(text), &ns) && ns >= min_ns && ns <= max_ns)
        return ns;
    char min[32], max[32];
    print_duration(min, sizeof min, min_ns);
    print_duration(max, sizeof max, max_ns);
    usage_error(command,
                "%s must be a time from %s to %s, such as \"250ms\", \"2s\" or \"1.5m\" "
                "(a bare number is seconds), not \"%s\"",
                option, min, max, text);
}

static void print_bytes(char *out, size_t out_bytes, uint64_t bytes)
{
    static const char letters[] = {0, 'k', 'M', 'G', 'T'};
    unsigned i = 0;
    while (i + 1 < sizeof letters && bytes > 0 && bytes % 1024 == 0) {
        bytes /= 1024;
        i++;
    }
    if (letters[i])
        snprintf(out, out_bytes, "%llu%c", (unsigned long long)bytes, letters[i]);
    else
        snprintf(out, out_bytes, "%llu", (unsigned long long)bytes);
}

uint64_t value_bytes(const char *command, const char *option, const char *text, uint64_t min,
                     uint64_t max)
{
    static const char letters[] = "kKmMgG";
    const char *at = text;
    uint64_t number;
    bool valid = read_digits(&at, &number);
    const char *letter = valid && *at ? strchr(letters, *at) : NULL;
    if (letter) {
        unsigned shift = 10 * (unsigned)((letter - letters) / 2 + 1);
        valid = !__builtin_mul_overflow(number, (uint64_t)1 << shift, &number);
        at++;
    }
    if (valid && strcmp(at, "") != 0)
        valid = strcmp(at, "B") == 0 || (letter && strcmp(at, "iB") == 0);
    if (valid && number >= min && number <= max)
        return number;
    char min_text[32], max_text[32];
    print_bytes(min_text, sizeof min_text, min);
    print_bytes(max_text, sizeof max_text, max);
    usage_error(command,
                "%s must be a size from %s to %s, such as \"4096\", \"64k\" or \"16M\", not \"%s\"",
                option, min_text, max_text, text);
}

double value_share(const char *command, const char *option, const char *text)
{
    /* Digits and one point only: strtod alone would take "inf", "0x1" and white space too. */
    size_t digits = strspn(text, "0123456789.");
    const char *end = text + digits;
    char *number_end = NULL;
    double share = digits > 0 ? strtod(text, &number_end) : -1;
    bool percent = *end == '%';
    if (percent) {
        share /= 100;
        end++;
    }
    if (digits == 0 || number_end != text + digits || *end || share < 0 || share > 1)
        usage_error(command,
                    "%s must be a share from 0%% to 100%%, such as \"2%%\" or \"0.02\", not \"%s\"",
                    option, text);
    return share;
}

void value_rate(const char *command, const char *option, const char *text, uint32_t count_max,
                uint64_t per_max_ns, uint32_t *count, uint64_t *per_ns)
{
    struct rate rate;
    if (!rate_parse(span_of(text), &rate) || rate.count > count_max || rate.per_ns > per_max_ns) {
        char longest[32];
        print_duration(longest, sizeof longest, per_max_ns);
        usage_error(
            command,
            "%s must be a number per time, such as \"50/s\", \"100/m\" or \"5/15s\", from 1 "
            "to %u in 1ns to %s, not \"%s\"",
            option, count_max, longest, text);
    }
    *count = (uint32_t)rate.count;
    *per_ns = rate.per_ns;
}

double value_rate_per_s(const char *command, const char *option, struct ringsend_bytes text,
                        double max)
{
    struct rate rate;
    bool read = rate_parse(text, &rate);
    double per_s = read ? rate_per_s(&rate) : 0;
    if (!read || per_s < 1 / 3600.0 || per_s > max)
        usage_error(
            command,
            "%s must be a number per time, such as \"50/s\", \"100/m\" or \"5/15s\" (a bare "
            "number is per second), from 1/h to %.0f/s, not \"%.*s\"",
            option, max, (int)text.bytes, text.data);
    return per_s;
}
