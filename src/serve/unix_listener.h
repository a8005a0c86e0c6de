/* A listening unix socket. */
#ifndef RINGSEND_SERVE_UNIX_LISTENER_H
#define RINGSEND_SERVE_UNIX_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/un.h>

enum { UNIX_PATH_BYTES = sizeof((struct sockaddr_un *)NULL)->sun_path };

struct unix_listener {
    char path[UNIX_PATH_BYTES]; /* empty: there is no file to remove */
    dev_t device;
    ino_t inode;
};

/* The descriptor, or a negated errno with a sentence. The path is shorter than UNIX_PATH_BYTES. */
int unix_listener_open(struct unix_listener *l, const char *path, bool is_abstract, char *error,
                       size_t error_bytes);
/* Removes the file, if it is still the same one. */
void unix_listener_close(struct unix_listener *l);

#endif
