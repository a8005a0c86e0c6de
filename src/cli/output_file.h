/* A file that a command writes because its command line names it: results, failed lines, reports.
 * Opened so that nothing is overwritten unasked, and so that what was there stays until the command
 * itself changes it. */
#ifndef RINGSEND_CLI_OUTPUT_FILE_H
#define RINGSEND_CLI_OUTPUT_FILE_H

#include <stdbool.h>
#include <sys/stat.h>

struct output_file {
    int fd;           /* -1: none */
    const char *path; /* null: standard output */
    bool created;     /* by us: to be removed again when nothing is written after all */
    bool regular;     /* opened by its path, and a regular file */
    bool given;       /* the path names what the program was given open: it stays as it is */
};

/* Opens what `path` names; `mode` is for one that is not there yet. Null, or why it cannot be
 * written to, as what is said behind its name. */
const char *output_file_open(struct output_file *output, mode_t mode);
/* Why it is not written to without --force, likewise. Null: nothing would be lost. */
const char *output_file_why_not_over(const struct output_file *output, bool force);
/* Two open descriptors, or the same file by two names. Terminals and other devices are none. */
bool output_file_is_one(const struct stat *a, const struct stat *b);
bool output_file_is_same(int a, int b);
/* Closes it; unused, it is removed if it is ours. 0, or the error by which a write was lost, which
 * some file systems tell only now. */
int output_file_close(struct output_file *output, bool unused);

#endif
