/* What a run was made of: its inputs, and the options that shape its requests. A journal keeps it,
 * so that the run is only ever gone on with over the same records.
 *
 * It holds digests, no content, and these start from a salt that is drawn for each run: options may
 * be secret, and a short one must not be looked up in a table, or be seen to be that of another
 * run. Who may read the salt can still try values one by one: a journal is its user's alone. */
#ifndef RINGSEND_JOURNAL_FINGERPRINT_H
#define RINGSEND_JOURNAL_FINGERPRINT_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FINGERPRINT_OPTIONS_MAX = 32,
    FINGERPRINT_NAME_BYTES = 24, /* with its NUL */
    FINGERPRINT_DIGEST_BYTES = 16
};

/* Several values under one name count in their order; an option that was not given has none. */
struct fingerprint_option {
    char name[FINGERPRINT_NAME_BYTES]; /* as people write it: "--url" */
    unsigned char digest[FINGERPRINT_DIGEST_BYTES];
};

/* A regular file by its size, its time of change and its first and last 64 KiB; nothing is known of
 * other inputs, which cannot be read twice: all zero. */
struct fingerprint_input {
    uint64_t bytes;
    int64_t changed_ns;
    uint64_t start; /* where its records begin: standard input may have been read from before */
    unsigned char digest[FINGERPRINT_DIGEST_BYTES];
    /* Not compared, as a copy of the file will do. While these are the same as well, nobody has
     * touched it, for which a time of change alone is no proof: that can be set. */
    uint64_t inode;
    int64_t touched_ns;
};

struct fingerprint {
    unsigned char salt[FINGERPRINT_DIGEST_BYTES];
    struct fingerprint_option options[FINGERPRINT_OPTIONS_MAX];
    size_t options_count;
    struct fingerprint_input *inputs; /* owned */
    size_t inputs_count;
};

/* Begins one, with the salt of the fingerprint that it is to be compared with; null: with a new
 * one. 0 or an errno. */
int fingerprint_begin(struct fingerprint *f, const struct fingerprint *like);
/* Adds a value that shapes requests. */
void fingerprint_add(struct fingerprint *f, const char *name, struct ringsend_bytes value);
/* Looks at open files, whose positions stay. 0, or an errno and the input it is about. */
int fingerprint_take_inputs(struct fingerprint *f, const int *fds, size_t count,
                            size_t *failed_input);
void fingerprint_free(struct fingerprint *f);

enum fingerprint_difference {
    FINGERPRINT_SAME,
    FINGERPRINT_OPTION,       /* *name: the option that was changed, added or left out */
    FINGERPRINT_INPUTS_COUNT, /* more or fewer inputs */
    FINGERPRINT_INPUT         /* *input: the first one that was changed */
};
enum fingerprint_difference fingerprint_compare(const struct fingerprint *before,
                                                const struct fingerprint *now, const char **name,
                                                size_t *input);
/* Of those that compare as the same: how many of the inputs, from the first one on, are files that
 * nobody has touched since. */
size_t fingerprint_untouched(const struct fingerprint *before, const struct fingerprint *now);

#endif
