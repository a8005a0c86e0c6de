/* The lines of a file are taken apart in place: names and values end with a NUL where a separator,
 * a quote or the line's end was.
 *
 *   name = value     also with ':' or white space between, and -x or --name
 *   name             a flag
 *   "a value"        with blanks, and \" \\ \n \r \t
 *   [bench probe]    what follows is for these commands alone
 *   # a comment      also behind a value */
#include "cli/options/config.h"

#include "base/whole_file.h"
#include "cli/read_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BYTES_MAX ((size_t)1 << 20)

/* All texts that were read, each a link of a list. */
static struct text {
    struct text *next;
    char *text;
} * texts;

static char default_path[4096];

/* A directory that may not be looked into has no file for us. */
const char *config_default_path(void)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    struct stat about;
    int bytes = -1;
    if (config && config[0] == '/')
        bytes = snprintf(default_path, sizeof default_path, "%s/ringsend/config", config);
    else if (home && home[0] == '/')
        bytes = snprintf(default_path, sizeof default_path, "%s/.config/ringsend/config", home);
    bool is_there =
        bytes > 0 && (size_t)bytes < sizeof default_path && stat(default_path, &about) == 0;
    return is_there ? default_path : NULL;
}

int config_open(struct config *c, const char *path)
{
    size_t bytes = 0;
    *c = (struct config){.path = path};
    struct text *text = malloc(sizeof *text);
    if (!text)
        return ENOMEM;
    text->text = whole_file_read(strcmp(path, "-") == 0 ? "/dev/stdin" : path, BYTES_MAX, &bytes);
    if (!text->text) {
        free(text);
        return errno;
    }
    text->next = texts;
    texts = text;
    read_files_add("--config", path);
    c->at = text->text;
    /* No value can hold one, and what is behind it would be lost. */
    if (memchr(c->at, '\0', bytes))
        return EILSEQ;
    if (strncmp(c->at, "\xef\xbb\xbf", 3) == 0)
        c->at += 3;
    return 0;
}

void config_free(void)
{
    while (texts) {
        struct text *text = texts;
        texts = text->next;
        free(text->text);
        free(text);
    }
}

/* ---- lines ---- */

static char *skip_blanks(char *at)
{
    return at + strspn(at, " \t");
}

static bool fail(struct config *c, const char *fault)
{
    snprintf(c->fault, sizeof c->fault, "%s", fault);
    return false;
}

/* The line without its end and the blanks around it; null: there is none. */
static char *next_line(struct config *c)
{
    if (!*c->at)
        return NULL;
    char *line = c->at, *end = line + strcspn(line, "\n");
    c->at = *end ? end + 1 : end;
    c->line++;
    while (end > line && strchr(" \t\r", end[-1]))
        end--;
    *end = '\0';
    return skip_blanks(line);
}

static bool is_end(const char *at)
{
    return *at == '\0' || *at == '#';
}

static bool read_section(struct config *c, char *at)
{
    char *end = strchr(at, ']');
    if (!end || !is_end(skip_blanks(end + 1)))
        return fail(c, "a section is the names of commands in brackets, as [bench]");
    *end = '\0';
    c->section = at + 1;
    return true;
}

static char unescaped(char c)
{
    return c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
}

static bool read_quoted(struct config *c, char *at)
{
    char *to = at;
    c->value = to;
    for (at++; *at != '"'; at++) {
        bool is_escaped = *at == '\\';
        at += is_escaped;
        if (!*at)
            return fail(c, "the value has no quote at its end");
        *to++ = is_escaped ? unescaped(*at) : *at;
    }
    bool ends = is_end(skip_blanks(at + 1));
    *to = '\0';
    return ends ? true : fail(c, "there is more behind the value's quote");
}

static bool read_plain(struct config *c, char *at)
{
    char *end = at + strcspn(at, " \t");
    if (!is_end(skip_blanks(end)))
        return fail(c, "a value with blanks in it stands in double quotes");
    *end = '\0';
    c->value = at;
    return true;
}

static bool read_option(struct config *c, char *at)
{
    bool is_long = strncmp(at, "--", 2) == 0;
    c->is_letter = at[0] == '-' && !is_long;
    at += is_long ? 2 : c->is_letter;
    c->name = at;
    c->value = NULL;
    char *end = at + (c->is_letter && !strchr(" \t", *at) ? 1 : strcspn(at, " \t=:"));
    if (end == at)
        return fail(c, "a line is the name of an option, and its value if it has one");
    at = skip_blanks(end);
    bool parted = *at == '=' || *at == ':';
    at = parted ? skip_blanks(at + 1) : at;
    if (at == end && *at)
        return fail(c,
                    "one dash has one letter behind it, and a blank before its value, as -r 5/s");
    bool is_done = !parted && is_end(at) ? true
                   : *at == '"'          ? read_quoted(c, at)
                                         : read_plain(c, at);
    *end = '\0';
    return is_done;
}

bool config_next(struct config *c)
{
    for (char *line; (line = next_line(c));) {
        if (is_end(line))
            continue;
        if (*line != '[')
            return read_option(c, line);
        if (!read_section(c, line))
            return false;
    }
    return false;
}

bool config_is_for(const struct config *c, const char *command)
{
    size_t wanted = strlen(command);
    for (const char *at = c->section; at && *at;) {
        size_t bytes = strcspn(at, " \t");
        if (bytes == wanted && memcmp(at, command, bytes) == 0)
            return true;
        at += bytes + strspn(at + bytes, " \t");
    }
    return c->section == NULL;
}
