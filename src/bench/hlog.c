/* A log as most readers know it:
 *
 *   #[Histogram log format version 1.3]
 *   #[StartTime: 1700000000.000 (seconds since epoch), Tue Nov 14 22:13:20 UTC 2023]
 *   #[BaseTime: 1700000000.000 (seconds since epoch)]
 *   "StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"
 *   0.000,1.000,2.769,HISTFAAA...
 *   Tag=service,0.000,1.000,2.769,HISTFAAA...
 *
 * Seconds from the base time; the maximum in milliseconds, for people: readers take it from the
 * histogram. */
#include "bench/hlog.h"

#include "base/check.h"
#include "base/span.h"
#include "base/time.h"
#include "bench/hdr.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { NUMBER_CHARS_MAX = 63, FIELDS = 4 };

void hlog_head(char out[HLOG_HEAD_BYTES], uint64_t start_unix_ms)
{
    time_t seconds = (time_t)(start_unix_ms / 1000);
    struct tm utc;
    char date[64] = "";
    if (gmtime_r(&seconds, &utc))
        strftime(date, sizeof date, "%a %b %d %H:%M:%S UTC %Y", &utc);
    double start_s = (double)start_unix_ms / MS_PER_S;
    int bytes = snprintf(out, HLOG_HEAD_BYTES,
                         "#[Histogram log format version 1.3]\n"
                         "#[StartTime: %.3f (seconds since epoch), %s]\n"
                         "#[BaseTime: %.3f (seconds since epoch)]\n"
                         "#[Values are nanoseconds; Interval_Max is in milliseconds]\n"
                         "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_"
                         "Compressed_Histogram\"\n",
                         start_s, date, start_s);
    CHECK(bytes > 0 && bytes < HLOG_HEAD_BYTES);
}

char *hlog_line(const char *tag, uint64_t from_ns, uint64_t to_ns, const struct histogram *h)
{
    char *histogram = hdr_encode(h);
    char *line = histogram ? hlog_line_of_text(tag, from_ns, to_ns, h->max, histogram) : NULL;
    free(histogram);
    return line;
}

char *hlog_line_of_text(const char *tag, uint64_t from_ns, uint64_t to_ns, uint64_t max_ns,
                        const char *histogram)
{
    char *line;
    int bytes =
        asprintf(&line, "%s%s%s%.3f,%.3f,%.3f,%s\n", tag ? "Tag=" : "", tag ? tag : "",
                 tag ? "," : "", (double)from_ns / NS_PER_S, (double)(to_ns - from_ns) / NS_PER_S,
                 (double)max_ns / NS_PER_MS, histogram);
    return bytes < 0 ? NULL : line;
}

void hlog_init(struct hlog *log, struct ringsend_bytes text)
{
    *log = (struct hlog){.at = text.data, .end = text.data + text.bytes};
}

/* The next line without its end (LF, CR LF); false when there is none. */
static bool next_line(struct hlog *log, struct ringsend_bytes *line)
{
    if (log->at == log->end)
        return false;
    const char *feed = memchr(log->at, '\n', (size_t)(log->end - log->at));
    const char *end = feed ? feed : log->end;
    *line = (struct ringsend_bytes){log->at, (size_t)(end - log->at)};
    if (line->bytes > 0 && line->data[line->bytes - 1] == '\r')
        line->bytes--;
    log->at = feed ? feed + 1 : log->end;
    log->line++;
    return true;
}

static bool starts_with(struct ringsend_bytes text, struct ringsend_bytes start)
{
    return text.bytes >= start.bytes && memcmp(text.data, start.data, start.bytes) == 0;
}

static bool is_passed_over(struct ringsend_bytes line)
{
    return line.bytes == 0 || line.data[0] == '#' ||
           starts_with(line, SPAN("\"StartTimestamp\"")) || starts_with(line, SPAN("Timestamp"));
}

/* Takes the text up to the next comma, or all, off the line. */
static struct ringsend_bytes take_field(struct ringsend_bytes *line)
{
    const char *comma = line->bytes > 0 ? memchr(line->data, ',', line->bytes) : NULL;
    struct ringsend_bytes field = *line;
    if (comma)
        field.bytes = (size_t)(comma - line->data);
    size_t gone = field.bytes + (comma ? 1 : 0);
    line->data += gone;
    line->bytes -= gone;
    while (field.bytes > 0 && field.data[0] == ' ') {
        field.data++;
        field.bytes--;
    }
    while (field.bytes > 0 && field.data[field.bytes - 1] == ' ')
        field.bytes--;
    return field;
}

static bool read_seconds(struct ringsend_bytes text, double *seconds)
{
    char copy[NUMBER_CHARS_MAX + 1];
    if (text.bytes == 0 || text.bytes > NUMBER_CHARS_MAX)
        return false;
    memcpy(copy, text.data, text.bytes);
    copy[text.bytes] = '\0';
    char *end;
    /* strtod alone would take "inf", "0x1" and white space too. */
    if (strspn(copy, "0123456789.eE+-") != text.bytes)
        return false;
    *seconds = strtod(copy, &end);
    return *end == '\0' && isfinite(*seconds);
}

enum hlog_next hlog_next(struct hlog *log, struct hlog_interval *interval)
{
    struct ringsend_bytes line, fields[FIELDS];
    do {
        if (!next_line(log, &line))
            return HLOG_END;
    } while (is_passed_over(line));

    *interval = (struct hlog_interval){.tag = SPAN("")};
    if (starts_with(line, SPAN("Tag="))) {
        interval->tag = take_field(&line);
        interval->tag.data += 4;
        interval->tag.bytes -= 4;
    }
    for (int i = 0; i < FIELDS; i++)
        fields[i] = take_field(&line);
    interval->histogram = fields[3];
    if (!read_seconds(fields[0], &interval->start_s))
        log->error = "a line must begin with a time in seconds, behind a Tag= if it has one";
    else if (!read_seconds(fields[1], &interval->length_s) || interval->length_s < 0)
        log->error = "the length of the interval must be a time in seconds";
    else if (fields[3].bytes == 0 || line.bytes > 0)
        log->error = "a line must have four fields: start, length, maximum, histogram";
    else
        return HLOG_INTERVAL;
    return HLOG_BAD;
}
