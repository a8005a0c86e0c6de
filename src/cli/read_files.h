/* The files that a command reads because its command line, or its environment, names them. None of
 * them is ever written to by the same command: each output asks here first. Files are the same by
 * device and inode, so by any name or link. */
#ifndef RINGSEND_CLI_READ_FILES_H
#define RINGSEND_CLI_READ_FILES_H

#include <stddef.h>
#include <sys/stat.h>

/* `what` reads the file of that path (-: standard input): an option, or null for an input. Both
 * texts stay. What is not there, or is no regular file, has nothing to lose. */
void read_files_add(const char *what, const char *path);
/* Why a file that is such a one is not written to, as what is said behind its name, or null. */
const char *read_files_why_not(const struct stat *about);
const char *read_files_why_not_open(int fd);
/* Ends the program in a usage error when `option` would write to one. The path may be - for
 * standard output, or name a descriptor that is open. */
void read_files_refuse(const char *command, const char *option, const char *path);
/* The path of each, by its number; null behind the last one. */
const char *read_files_path(size_t number);
/* At the end of the program. */
void read_files_free(void);

#endif
