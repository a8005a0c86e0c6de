/* Failures by their cause: an error with its words, or a status with the beginning of its body, in
 * which digits and hexadecimal runs (numbers, ids, hashes, times) count as one and the same.
 * Bounded: causes beyond GROUPS_MAX are only counted. */
#ifndef RINGSEND_RESULTS_FAILURE_GROUPS_H
#define RINGSEND_RESULTS_FAILURE_GROUPS_H

#include "results/result_line.h"

#include <stdint.h>

enum {
    GROUPS_MAX = 32,
    GROUP_IDS = 3,
    GROUP_ID_BYTES = 48,
    GROUP_LOOKED_BYTES = 200, /* of a text: what tells one cause from another */
    GROUP_SAMPLE_BYTES = 600, /* of the first one's text: what is kept, to be told */
};

struct group_id {
    char text[GROUP_ID_BYTES]; /* JSON, as in the result, NUL-terminated; empty: it is too long */
};

struct group {
    uint64_t fingerprint;
    uint64_t count;
    enum ringsend_error error; /* RINGSEND_OK: by status */
    int status;
    uint32_t ids_count; /* of the first ones */
    struct group_id ids[GROUP_IDS];
    uint32_t sample_bytes; /* of the first one's detail or body */
    char sample[GROUP_SAMPLE_BYTES];
};

struct failure_groups {
    struct group list[GROUPS_MAX]; /* in the order of their first one */
    uint32_t count;
    uint64_t others; /* failures of causes that have no place in the list */
};

/* Takes in a result that is not ok. */
void groups_count(struct failure_groups *groups, const struct result_line *line);
/* Indices of the list, the largest group first; of equal ones the earlier. */
void failure_groups_order(const struct failure_groups *groups, uint32_t order[GROUPS_MAX]);

/* The text with each run of digits, or of hexadecimal digits and dashes that holds a digit, as one
 * '#', and each run of white space as one space; to `out`, which has room for as many bytes.
 * Returns how many it wrote. */
size_t failure_groups_fold(struct ringsend_bytes text, char *out);

#endif
