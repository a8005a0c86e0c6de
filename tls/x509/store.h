/* Where systems keep the certificates of authorities. */
#ifndef RINGSEND_TLS_X509_STORE_H
#define RINGSEND_TLS_X509_STORE_H

#include <stdbool.h>
#include <stddef.h>

/* The first of them that is there: a file of many certificates, else a directory of files (then
 * *is_directory). root: "" but for tests, what stands before all of them. False: there is none. */
bool store_find(const char *root, char *path, size_t room, bool *is_directory);

#endif
