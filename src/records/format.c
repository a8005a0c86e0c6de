#include "records/format.h"

#include <string.h>
#include <strings.h>

static const struct {
    const char *suffix;
    enum format format;
} suffixes[] = {
    {".jsonl", FORMAT_JSONL}, {".ndjson", FORMAT_JSONL}, {".json", FORMAT_JSON},
    {".csv", FORMAT_CSV},     {".tsv", FORMAT_TSV},      {".tab", FORMAT_TSV},
    {".txt", FORMAT_LINES},
};

static const char *const words[] = {
    [FORMAT_JSONL] = "jsonl", [FORMAT_JSON] = "json",   [FORMAT_VEGETA] = "vegeta",
    [FORMAT_CSV] = "csv",     [FORMAT_TSV] = "tsv",     [FORMAT_CSV_SEMICOLON] = "csv;",
    [FORMAT_COPY] = "copy",   [FORMAT_LINES] = "lines",
};

enum { FORMATS = sizeof words / sizeof *words };

static bool ends_in(const char *text, size_t bytes, const char *suffix)
{
    size_t suffix_bytes = strlen(suffix);
    return bytes > suffix_bytes &&
           strncasecmp(text + bytes - suffix_bytes, suffix, suffix_bytes) == 0;
}

enum format format_of_name(const char *path)
{
    size_t bytes = strlen(path);
    if (ends_in(path, bytes, ".gz"))
        bytes -= strlen(".gz");
    else if (ends_in(path, bytes, ".zst"))
        bytes -= strlen(".zst");
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        if (ends_in(path, bytes, suffixes[i].suffix))
            return suffixes[i].format;
    }
    return FORMAT_JSONL;
}

enum format format_of_word(const char *word)
{
    for (unsigned i = FORMAT_JSONL; i < FORMATS; i++) {
        if (strcmp(words[i], word) == 0)
            return (enum format)i;
    }
    return FORMAT_GUESS;
}

const char *format_word(enum format format)
{
    return words[format];
}

bool format_is_json(enum format format)
{
    return format == FORMAT_JSONL || format == FORMAT_JSON || format == FORMAT_VEGETA;
}

bool format_has_header(enum format format)
{
    return format == FORMAT_CSV || format == FORMAT_TSV || format == FORMAT_CSV_SEMICOLON ||
           format == FORMAT_COPY;
}

char format_delimiter(enum format format)
{
    return format == FORMAT_TSV || format == FORMAT_COPY ? '\t'
           : format == FORMAT_CSV_SEMICOLON              ? ';'
                                                         : ',';
}
