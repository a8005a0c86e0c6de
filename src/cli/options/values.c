/* Readers of option values. Each takes the whole text or refuses it: half of a value such as
 * "40x" would do something nobody asked for. */
#include "cli/options/values.h"

#include "base/duration.h"
#include "base/limits.h"
#include "base/span.h"
#include "base/time.h"
#include "cli/terminal.h"
#include "ringsend.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void end_printed(void)
{
    bool written = fflush(stdout) == 0 && !ferror(stdout);
    if (!written)
        fputs("ringsend: standard output could not be written\n", stderr);
    exit(written ? EXIT_OK : EXIT_OUTPUT);
}

void show_version(void)
{
    char libraries[300];
    ringsend_tls_libraries(libraries, sizeof libraries);
    printf("ringsend %s\nTLS by %s\n", ringsend_version(), libraries);
    end_printed();
}

/* Options that files have, by which message is about which line. */
static struct origin {
    struct origin *next;
    const char *option, *file;
    unsigned line;
} * origins;

void usage_error_origin(const char *option, const char *file, unsigned line)
{
    struct origin *origin = malloc(sizeof *origin);
    if (!origin)
        return;
    *origin = (struct origin){origins, option, file, line};
    origins = origin;
}

void usage_error_forget_origins(void)
{
    while (origins) {
        struct origin *origin = origins;
        origins = origin->next;
        free(origin);
    }
}

/* Of the option that a message begins with, the last that was said of it. */
static const struct origin *origin_of(const char *message)
{
    for (const struct origin *o = origins; o; o = o->next) {
        size_t bytes = strspn(message, "-abcdefghijklmnopqrstuvwxyz0123456789");
        if (strlen(o->option) == bytes && memcmp(message, o->option, bytes) == 0)
            return o;
    }
    return NULL;
}

/* To the line's end, or as many lines as the terminal needs. */
static void print_behind(size_t columns, const char *message)
{
    struct wrapped w = {
        .out = stderr, .columns = terminal_columns(STDERR_FILENO), .at = (unsigned)columns};
    if (w.columns == 0) {
        fprintf(stderr, " %s\n", message);
        return;
    }
    wrapped_print(&w, span_of(message));
    wrapped_end(&w);
}

void usage_error(const char *command, const char *format, ...)
{
    char *message = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&message, format, arguments) < 0)
        message = NULL;
    va_end(arguments);
    const struct origin *origin = message ? origin_of(message) : NULL;
    fprintf(stderr, "%sringsend %s:%s", terminal_style(STDERR_FILENO, TERMINAL_BOLD), command,
            terminal_style(STDERR_FILENO, TERMINAL_PLAIN));
    size_t columns = sizeof "ringsend :" - 1 + strlen(command);
    if (origin)
        columns += (size_t)fprintf(stderr, " %s, line %u:", origin->file, origin->line);
    print_behind(columns, message ? message : "memory is out");
    fprintf(stderr, "Try 'ringsend %s --help'.\n", command);
    exit(EXIT_USAGE);
}

bool value_is_url(const char *text)
{
    return strncasecmp(text, "http://", 7) == 0 || strncasecmp(text, "https://", 8) == 0;
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

void value_print_duration(char out[static VALUE_TEXT_BYTES], uint64_t ns)
{
    static const struct {
        uint64_t ns;
        const char *name;
    } units[] = {{NS_PER_HOUR, "h"}, {NS_PER_MINUTE, "m"}, {NS_PER_S, "s"},
                 {NS_PER_MS, "ms"},  {NS_PER_US, "us"},    {1, "ns"}};
    size_t i = 0;
    while (ns % units[i].ns != 0 || (ns == 0 && units[i].name[0] != 's') ||
           (units[i].name[0] == 'm' && ns == units[i].ns && units[i].name[1] == '\0'))
        i++;
    snprintf(out, VALUE_TEXT_BYTES, "%llu%s", (unsigned long long)(ns / units[i].ns),
             units[i].name);
}

uint64_t value_duration_ns(const char *command, const char *option, const char *text,
                           uint64_t min_ns, uint64_t max_ns)
{
    uint64_t ns;
    if (duration_parse(span_of(text), &ns) && ns >= min_ns && ns <= max_ns)
        return ns;
    char min[VALUE_TEXT_BYTES], max[VALUE_TEXT_BYTES];
    value_print_duration(min, min_ns);
    value_print_duration(max, max_ns);
    usage_error(command,
                "%s must be a time from %s to %s, such as \"250ms\", \"2s\" or \"1.5m\" "
                "(a bare number is seconds), not \"%s\"",
                option, min, max, text);
}

void value_print_bytes(char out[static VALUE_TEXT_BYTES], uint64_t bytes)
{
    static const char letters[] = {0, 'k', 'M', 'G', 'T'};
    unsigned i = 0;
    while (i + 1 < sizeof letters && bytes > 0 && bytes % 1024 == 0) {
        bytes /= 1024;
        i++;
    }
    if (letters[i])
        snprintf(out, VALUE_TEXT_BYTES, "%llu%c", (unsigned long long)bytes, letters[i]);
    else
        snprintf(out, VALUE_TEXT_BYTES, "%llu", (unsigned long long)bytes);
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
    char min_text[VALUE_TEXT_BYTES], max_text[VALUE_TEXT_BYTES];
    value_print_bytes(min_text, min);
    value_print_bytes(max_text, max);
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

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    while (b > 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static bool is_in_bounds(const struct rate *rate)
{
    return rate->count <= LIMIT_RATE_COUNT && rate->per_ns <= LIMIT_RATE_PER_NS;
}

/* "1.5/h", which is 15 in ten hours, becomes 1 in 40 minutes; what has no form within bounds
 * gets less, by not a nanosecond for each. */
static bool bring_into_bounds(struct rate *rate)
{
    if (is_in_bounds(rate))
        return true;
    uint64_t divisor = common_divisor(rate->count, rate->per_ns);
    rate->count /= divisor;
    rate->per_ns /= divisor;
    if (!is_in_bounds(rate))
        *rate = (struct rate){1, rate->per_ns / rate->count + (rate->per_ns % rate->count != 0)};
    return is_in_bounds(rate);
}

struct rate value_rate(const char *command, const char *option, struct ringsend_bytes text,
                       uint64_t max_per_s)
{
    struct rate rate;
    if (!rate_parse(text, &rate) || rate_per_s(&rate) > (double)max_per_s ||
        !bring_into_bounds(&rate))
        usage_error(
            command,
            "%s must be a number per time, such as \"50/s\", \"100/m\" or \"5/15s\" (a bare "
            "number is per second), from 1/h to %llu/s, not \"%.*s\"",
            option, (unsigned long long)max_per_s, (int)text.bytes, text.data);
    return rate;
}
