#include "cli/terminal.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { COLUMNS_DEFAULT = 80, ROWS_DEFAULT = 24 };

/* One that obeys commands. */
static bool is_able(int fd)
{
    const char *term = getenv("TERM");
    return isatty(fd) && term && *term && strcmp(term, "dumb") != 0;
}

bool terminal_can_redraw(void)
{
    return is_able(STDERR_FILENO);
}

bool terminal_may_colour(void)
{
    const char *no_colour = getenv("NO_COLOR");
    return !no_colour || !*no_colour;
}

struct terminal_size terminal_size(void)
{
    struct winsize size;
    bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0;
    unsigned columns = known && size.ws_col > 0 ? size.ws_col : COLUMNS_DEFAULT;
    return (struct terminal_size){.columns = columns < TERMINAL_COLUMNS_MAX ? columns
                                                                            : TERMINAL_COLUMNS_MAX,
                                  .rows = known && size.ws_row > 0 ? size.ws_row : ROWS_DEFAULT};
}

unsigned terminal_columns(int fd)
{
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

const char *terminal_style(int fd, const char *style)
{
    return is_able(fd) && terminal_may_colour() ? style : "";
}

/* C1 controls (0x80 to 0x9f) are c2 80 to c2 9f. */
static bool is_plain(const char *at, unsigned bytes)
{
    unsigned char c = (unsigned char)at[0];
    if (bytes > 1)
        return c != 0xc2 || (unsigned char)at[1] >= 0xa0;
    return bytes == 1 && c >= 0x20 && c != 0x7f;
}

void terminal_print(FILE *out, struct ringsend_bytes text)
{
    for (size_t at = 0; at < text.bytes;) {
        char c = text.data[at];
        unsigned bytes = text_utf8_bytes(text.data + at, text.bytes - at);
        if (is_plain(text.data + at, bytes))
            fwrite(text.data + at, 1, bytes, out);
        else
            fputc(c == '\n' || c == '\r' || c == '\t' ? ' ' : '.', out);
        at += bytes > 0 ? bytes : 1;
    }
}

/* ---- lines ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* All but the bytes that continue a sign of UTF-8. */
static unsigned columns_of(const char *text, size_t bytes)
{
    unsigned columns = 0;
    for (size_t i = 0; i < bytes; i++)
        columns += ((unsigned char)text[i] & 0xc0) != 0x80;
    return columns;
}

static void begin_line(struct wrapped *w)
{
    fprintf(w->out, "\n%*s", (int)w->indent, "");
    w->at = w->indent;
}

void wrapped_print(struct wrapped *w, struct ringsend_bytes text)
{
    for (size_t at = 0; at < text.bytes;) {
        size_t bytes = 0;
        while (at < text.bytes && is_blank(text.data[at]))
            at++;
        while (at + bytes < text.bytes && !is_blank(text.data[at + bytes]))
            bytes++;
        if (bytes == 0)
            return;
        unsigned columns = columns_of(text.data + at, bytes);
        if (w->at > w->indent && w->at + 1 + columns > w->columns)
            begin_line(w);
        if (w->at > w->indent) {
            fputc(' ', w->out);
            w->at++;
        }
        terminal_print(w->out, (struct ringsend_bytes){text.data + at, bytes});
        w->at += columns;
        at += bytes;
    }
}

void wrapped_end(struct wrapped *w)
{
    if (w->at > 0)
        fputc('\n', w->out);
    w->at = 0;
}
