/* Commands for people to paste into a shell. */
#ifndef RINGSEND_CLI_SHELL_H
#define RINGSEND_CLI_SHELL_H

#include "records/secret.h"

#include <stdio.h>

/* Quoted if need be. */
void shell_print_quoted(FILE *out, struct ringsend_bytes text);
/* The same of a word, behind a space. */
void shell_print_word(FILE *out, const char *word);
/* The same with what is secret in it as "***", to be filled in by hand. */
void shell_print_masked(FILE *out, const struct secrets *secrets, const char *word);
/* A copy without what is secret in it; null: memory is out. */
char *shell_masked(const struct secrets *secrets, const char *text);
/* The same of the name of a file: never taken for an option. */
void shell_print_path(FILE *out, const char *path);

#endif
