#include "cli/junit.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* Neither control characters nor U+FFFE and U+FFFF may stand in XML 1.0, escaped neither. */
static bool is_allowed(const char *at, unsigned bytes)
{
    if (bytes == 1)
        return (unsigned char)*at >= ' ' || strchr("\t\n\r", *at);
    return bytes != 3 || memcmp(at, "\xef\xbf", 2) != 0 || (unsigned char)at[2] < 0xbe;
}

static const char *escaped(char c, bool in_attribute)
{
    switch (c) {
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '&':
        return "&amp;";
    case '"':
        return "&quot;";
    case '\n':
        return in_attribute ? "&#10;" : NULL;
    case '\t':
        return in_attribute ? "&#9;" : NULL;
    case '\r':
        return "&#13;";
    default:
        return NULL;
    }
}

static void put_text(FILE *out, const char *text, bool in_attribute)
{
    size_t left = strlen(text);
    for (unsigned bytes; left > 0; text += bytes, left -= bytes) {
        bytes = text_utf8_bytes(text, left);
        const char *as = escaped(*text, in_attribute);
        if (bytes == 0 || !is_allowed(text, bytes))
            as = REPLACEMENT;
        bytes = bytes == 0 ? 1 : bytes;
        if (as)
            fputs(as, out);
        else
            fwrite(text, 1, bytes, out);
    }
}

static void put_attribute(FILE *out, const char *name, const char *value)
{
    fprintf(out, " %s=\"", name);
    put_text(out, value, true);
    fputc('"', out);
}

void junit_begin(struct junit *j, const char *name)
{
    *j = (struct junit){.name = name};
    j->cases = open_memstream(&j->text, &j->bytes);
}

void junit_case(struct junit *j, double seconds, enum junit_outcome outcome, const char *name,
                const char *message)
{
    static const char *const elements[] = {NULL, "failure", "error", "skipped"};
    if (!j->cases)
        return;
    j->counts[outcome]++;
    fputs("    <testcase", j->cases);
    put_attribute(j->cases, "classname", j->name);
    put_attribute(j->cases, "name", name);
    fprintf(j->cases, " time=\"%.3f\"", seconds);
    if (outcome == JUNIT_PASSED) {
        fputs("/>\n", j->cases);
        return;
    }
    fprintf(j->cases, ">\n      <%s", elements[outcome]);
    put_attribute(j->cases, "message", message);
    fputs("/>\n    </testcase>\n", j->cases);
}

static void put_counts(const struct junit *j, FILE *out, double seconds)
{
    unsigned all = 0;
    for (int i = 0; i < JUNIT_OUTCOMES; i++)
        all += j->counts[i];
    fprintf(out, " tests=\"%u\" failures=\"%u\" errors=\"%u\" skipped=\"%u\" time=\"%.3f\"", all,
            j->counts[JUNIT_FAILED], j->counts[JUNIT_ERROR], j->counts[JUNIT_SKIPPED], seconds);
}

bool junit_end(struct junit *j, FILE *out, double seconds, int64_t started_s, const char *text)
{
    time_t started = (time_t)started_s;
    struct tm utc;
    char stamp[32];
    if (!j->cases || fclose(j->cases) != 0) {
        free(j->text);
        return false;
    }
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites", out);
    put_attribute(out, "name", j->name);
    put_counts(j, out, seconds);
    fputs(">\n  <testsuite", out);
    put_attribute(out, "name", j->name);
    put_counts(j, out, seconds);
    if (started_s > 0 && gmtime_r(&started, &utc) &&
        strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc) > 0)
        put_attribute(out, "timestamp", stamp);
    fputs(">\n", out);
    fwrite(j->text, 1, j->bytes, out);
    if (text) {
        fputs("    <system-out>", out);
        put_text(out, text, false);
        fputs("</system-out>\n", out);
    }
    fputs("  </testsuite>\n</testsuites>\n", out);
    free(j->text);
    return text && !j->incomplete;
}
