/* A file that others look at while we write it: what is there is always whole. It is written beside
 * and renamed. */
#ifndef RINGSEND_CLI_REPLACED_FILE_H
#define RINGSEND_CLI_REPLACED_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/* Why `path` will not be replaced, as what is said behind its name; null: it will. What stands
 * there and does not begin with `ours`, a text that all we write begins with, needs `force`. */
const char *replaced_file_why_not(const char *path, const char *ours, bool force);
/* 0 or an errno: what was there is still there. Its permissions stay; those of a new file are the
 * umask's. */
int replaced_file_write(const char *path, const char *text, size_t bytes);

#endif
