#include "cli/shell.h"

#include "base/span.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

void shell_print_quoted(FILE *out, struct ringsend_bytes text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-+./:,@%=";
    size_t at = 0;
    while (at < text.bytes && strchr(plain, text.data[at]))
        at++;
    if (at == text.bytes && at > 0) {
        fwrite(text.data, 1, text.bytes, out);
        return;
    }
    fputc('\'', out);
    for (at = 0; at < text.bytes; at++) {
        if (text.data[at] == '\'')
            fputs("'\\''", out);
        else
            fputc(text.data[at], out);
    }
    fputc('\'', out);
}

void shell_print_word(FILE *out, const char *word)
{
    fputc(' ', out);
    shell_print_quoted(out, span_of(word));
}

char *shell_masked(const struct secrets *secrets, const char *text)
{
    struct buf_pool pool;
    struct buf shown = {0};
    buf_pool_init(&pool);
    bool masked = secrets_mask(secrets, (struct ringsend_bytes){text, strlen(text)}, &pool, &shown);
    char *copy = masked ? strndup(shown.data ? shown.data : "", shown.bytes) : NULL;
    buf_release(&pool, &shown);
    buf_pool_free(&pool);
    return copy;
}

void shell_print_masked(FILE *out, const struct secrets *secrets, const char *word)
{
    char *shown = shell_masked(secrets, word);
    shell_print_word(out, shown ? shown : "***");
    free(shown);
}

void shell_print_path(FILE *out, const char *path)
{
    char dotted[PATH_MAX + 3];
    if (path[0] == '-') {
        snprintf(dotted, sizeof dotted, "./%s", path);
        path = dotted;
    }
    shell_print_word(out, path);
}
