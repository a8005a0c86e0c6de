/* Files of options, in curl's manner: one on a line, "rate = 50/s", with or without its dashes. */
#ifndef RINGSEND_CLI_OPTIONS_CONFIG_H
#define RINGSEND_CLI_OPTIONS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

enum { CONFIG_FAULT_BYTES = 256 };

struct config {
    const char *path;
    char *at;            /* what was not read yet */
    const char *section; /* "bench probe": the commands that the lines are for; null: all */
    const char *name;    /* of the line just read, without dashes */
    const char *value;   /* null: none */
    bool is_letter;      /* "-o" */
    unsigned line;       /* its number, from 1 */
    char fault[CONFIG_FAULT_BYTES];
};

/* Names the file of every run: $XDG_CONFIG_HOME/ringsend/config, or that below ~/.config; null:
 * neither variable is set, or there is none. */
const char *config_default_path(void);
/* Reads it, or returns errno. What it holds stays until config_free. */
int config_open(struct config *config, const char *path);
/* The next option. False: the end, or `fault` says what is wrong with `line`. */
bool config_next(struct config *config);
/* Whether the section, if there is one, names the command. */
bool config_is_for(const struct config *config, const char *command);
/* At the program's end: values of options point into what was read. */
void config_free(void);

#endif
