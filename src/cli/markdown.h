/* Pieces of Markdown, as GitHub and GitLab show it. */
#ifndef RINGSEND_CLI_MARKDOWN_H
#define RINGSEND_CLI_MARKDOWN_H

#include <stdbool.h>
#include <stdio.h>

/* Any text as a span of code, in a table or not: nothing in it is taken for Markdown. */
void markdown_code(FILE *out, const char *text, bool in_table);
/* A block that opens at a click, of lines as they are. */
void markdown_details(FILE *out, const char *summary, const char *lines);

#endif
