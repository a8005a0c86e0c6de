/* Names of what is open already: /dev/stdout, /dev/fd/63 (a shell's >(...)), /proc/self/fd/1, and
 * links to them. Whoever writes such a name means the open file as it is, at its position: not to
 * open, cut or refuse what stands behind it. */
#ifndef RINGSEND_CLI_DESCRIPTOR_H
#define RINGSEND_CLI_DESCRIPTOR_H

/* The descriptor that the path names and that the program was given when it was started; -1: none.
 */
int descriptor_named(const char *path);

#endif
