#include "cli/markdown.h"

#include <string.h>

/* The longest row of backticks: a fence must be longer than that. */
static int longest_row(const char *text)
{
    int longest = 0, row = 0;
    for (; *text; text++) {
        row = *text == '`' ? row + 1 : 0;
        longest = row > longest ? row : longest;
    }
    return longest;
}

static void put_fence(FILE *out, int ticks)
{
    while (ticks-- > 0)
        fputc('`', out);
}

void markdown_code(FILE *out, const char *text, bool in_table)
{
    int ticks = longest_row(text) + 1;
    size_t bytes = strlen(text);
    bool is_padded = bytes == 0 || text[0] == '`' || text[bytes - 1] == '`';
    put_fence(out, ticks);
    if (is_padded)
        fputc(' ', out);
    for (; *text; text++) {
        if (*text == '|' && in_table)
            fputc('\\', out); /* cells are cut before code is seen */
        fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
    }
    if (is_padded)
        fputc(' ', out);
    put_fence(out, ticks);
}

void markdown_details(FILE *out, const char *summary, const char *lines)
{
    int ticks = longest_row(lines) + 1;
    ticks = ticks < 3 ? 3 : ticks;
    fprintf(out, "<details><summary>%s</summary>\n\n", summary);
    put_fence(out, ticks);
    fprintf(out, "\n%s", lines);
    put_fence(out, ticks);
    fputs("\n\n</details>\n", out);
}
