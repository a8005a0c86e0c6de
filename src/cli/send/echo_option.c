#include "cli/send/echo_option.h"

#include "cli/options/values.h"
#include "records/filter.h"

#include <stdlib.h>
#include <string.h>

static const char command[] = "send";

static void add_name(struct echo *echo, char *name)
{
    char **names = name ? reallocarray(echo->names, echo->count + 1, sizeof *names) : NULL;
    if (!names)
        usage_error(command, "memory is out");
    for (size_t i = 0; i < echo->count; i++) {
        if (strcmp(names[i], name) == 0)
            usage_error(command, "--echo: \"%.60s\" is there twice", name);
    }
    echo->names = names;
    names[echo->count++] = name;
}

/* Up to a comma outside of double quotes. */
static size_t item_bytes(const char *text)
{
    bool quoted = false;
    size_t bytes = 0;
    while (text[bytes] && (quoted || text[bytes] != ','))
        quoted ^= text[bytes++] == '"';
    return bytes;
}

/* A column's name that has a comma in it stands in quotes, as in a header row. */
static char *column_name(struct ringsend_bytes item)
{
    char *name = strndup(item.data, item.bytes);
    if (!name || item.bytes < 2 || name[0] != '"' || name[item.bytes - 1] != '"')
        return name;
    size_t to = 0;
    for (size_t at = 1; at < item.bytes - 1; at++) {
        name[to++] = name[at];
        at += name[at] == '"' && name[at + 1] == '"';
    }
    name[to] = '\0';
    return name;
}

static void read_paths(struct echo *echo)
{
    echo->paths = calloc(echo->count, sizeof *echo->paths);
    if (!echo->paths)
        usage_error(command, "memory is out");
    for (size_t i = 0; i < echo->count; i++) {
        size_t column;
        const char *fault = json_path_read(&echo->paths[i], echo->names[i], &column);
        if (fault)
            usage_error(command, "--echo %s: column %zu: %s", echo->names[i], column, fault);
    }
}

static void read_names(struct echo *echo, const char *text, bool are_paths)
{
    for (const char *at = text;; at++) {
        size_t bytes = item_bytes(at);
        struct ringsend_bytes item = filter_trimmed((struct ringsend_bytes){at, bytes});
        if (item.bytes == 0)
            usage_error(command, "--echo \"%s\": a name is missing", text);
        add_name(echo, are_paths ? strndup(item.data, item.bytes) : column_name(item));
        at += bytes;
        if (*at == '\0')
            return;
    }
}

static bool has_name(const struct echo *echo, const char *name)
{
    for (size_t i = 0; i < echo->count; i++) {
        if (strcmp(echo_name(echo, i), name) == 0)
            return true;
    }
    return false;
}

/* Of rows `all` tells each column, and those that are asked for by name must be among them. */
static void check_write_out(struct echo *echo, const char *text, enum format format,
                            const struct write_out *write_out)
{
    const char *name;
    if (!text && write_out_wants_input(write_out))
        usage_error(command, "--write-out: %%input is what --echo tells, which is not given");
    for (size_t i = 0; (name = write_out_input(write_out, i)); i++) {
        if (has_name(echo, name) || (format == FORMAT_LINES && strcmp(name, "line") == 0))
            continue;
        if (!echo->all || !format_has_header(format))
            usage_error(command, "--write-out: %%input{%s} is not among what --echo names", name);
        add_name(echo, strdup(name));
    }
}

void echo_option_read(struct echo *echo, const char *text, enum format format,
                      const struct write_out *write_out)
{
    if (text) {
        echo->all = strcmp(text, "all") == 0;
        if (!echo->all)
            read_names(echo, text, format_is_json(format));
        if (!echo->all && format_is_json(format))
            read_paths(echo);
        if (format == FORMAT_LINES && !echo->all && strcmp(text, "line") != 0)
            usage_error(command, "--echo %s: of lines there is only the line: --echo line", text);
    }
    if (write_out)
        check_write_out(echo, text, format, write_out);
}

void echo_option_free(struct echo *echo)
{
    for (size_t i = 0; i < echo->count; i++)
        free(echo->names[i]);
    free(echo->names);
    free(echo->paths);
}
