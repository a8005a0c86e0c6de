#ifndef RINGSEND_BASE_WHOLE_FILE_H
#define RINGSEND_BASE_WHOLE_FILE_H

#include <stddef.h>

/* What a file, or a pipe, holds, and a NUL: the caller frees it. Null with errno set; EFBIG: it
 * holds `bytes_max` or more; ETIMEDOUT: it is a FIFO, which nobody has opened to write. */
char *whole_file_read(const char *path, size_t bytes_max, size_t *bytes);
/* That errno in words. */
const char *whole_file_fault(int error);

#endif
