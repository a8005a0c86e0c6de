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
/* Adds a sentence that does not say that anything failed. The text is NUL-terminated. */
__attribute__((format(printf, 2, 3))) void message_note(struct message m, const char *format, ...);

/* What can be read from its beginning to its end: a file, a FIFO, an open descriptor by its name
 * (/dev/fd/63). It is read once: its second reader would find nothing. */
struct tls_file {
    struct bytes content;
    bool is_regular;
    unsigned mode; /* of a regular one, its permissions */
};

/* what: "CA file". tls_file_wipe, also after a failure. */
bool tls_file_read(const char *path, const char *what, struct tls_file *file,
                   struct message message);
/* The content of all regular files in some directories, named with colons between them, each file
 * beginning a line. Nothing, of those that are not there. False: memory is out. */
bool tls_file_read_directories(const char *paths, struct bytes *content);
/* Overwrites and frees. Harmless on zeroed ones. */
void bytes_wipe(struct bytes *b);
void tls_file_wipe(struct tls_file *file);

enum { FILE_WORD_BYTES = 512 };

/* The path as a word of a shell's command; of what cannot be read a second time, "FILE". */
const char *tls_file_word(const char *path, const struct tls_file *file, char out[FILE_WORD_BYTES]);

#endif
