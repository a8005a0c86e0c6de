/* Small files read whole, and where to say what went wrong with them. */
#ifndef RINGSEND_TLS_FILE_H
#define RINGSEND_TLS_FILE_H

#include "tls/tls.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FILE_BYTES_MAX = 16 << 20 };

struct bytes {
    uint8_t *data;
    size_t bytes;
};

/* The caller's buffer for a sentence; may have no room at all. */
struct message {
    char *text;
    size_t room;
};

/* Writes the sentence, cut off where the room ends; always returns false. */
__attribute__((format(printf, 2, 3))) bool message_fail(struct message m, const char *format, ...);

/* what: "CA file". The memory is the caller's: bytes_wipe. */
bool pem_file_read(const char *path, const char *what, struct bytes *content,
                   struct message message);
/* Overwrites and frees. Harmless on zeroed ones. */
void bytes_wipe(struct bytes *b);

#endif
