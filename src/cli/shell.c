#include "cli/shell.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

void shell_print_word(FILE *out, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-+./:,@%=";
    if (*word && word[strspn(word, plain)] == '\0') {
        fprintf(out, " %s", word);
        return;
    }
    fputs(" '", out);
    for (; *word; word++) {
        if (*word == '\'')
            fputs("'\\''", out);
        else
            fputc(*word, out);
    }
    fputc('\'', out);
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
