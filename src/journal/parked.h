/* Results that came before their turn (--ordered), and were not written yet when the run was
 * stopped: they wait in a file beside the journal, so that the next run writes them, in their turn,
 * instead of sending their records again. The journal calls these records sent, or unsent; never
 * done.
 *
 * The file is made in one piece when a run ends, and only ever replaced as a whole: whatever ends
 * the next run, the results in it are still there, or done. */
#ifndef RINGSEND_JOURNAL_PARKED_H
#define RINGSEND_JOURNAL_PARKED_H

#include "base/span.h"
#include "journal/fingerprint.h"
#include "journal/journal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct parked_item {
    uint64_t number;                         /* of the record, as in records/source.h */
    struct ringsend_bytes result, write_out; /* as they are to be written */
    bool failed;                             /* its line goes to the failed ones */
};

enum parked_error {
    PARKED_OK,
    PARKED_NONE,    /* there is no such file */
    PARKED_FAILED,  /* errno */
    PARKED_FOREIGN, /* it is something else, or of another run */
    PARKED_DAMAGED
};

struct parked;

/* Reads all of it; it must be of a run with this fingerprint. */
enum parked_error parked_read(struct parked **parked, const char *path,
                              const struct fingerprint *of);
/* Null is allowed here and below, and has no items. */
void parked_free(struct parked *parked);
/* In the order of their numbers. */
const struct parked_item *parked_items(const struct parked *parked, size_t *count);
/* Null: there is none. */
const struct parked_item *parked_find(const struct parked *parked, uint64_t number);
/* Those that still wait are done for whoever counts: they are not sent again. */
void parked_count(const struct parked *parked, const struct journal *journal,
                  struct journal_counts *counts);

/* Puts these items, in the order of their numbers, in place of whatever is there; with `sync` it
 * holds through a loss of power. 0 or an errno: then the file is as it was. */
int parked_write(const char *path, const struct fingerprint *of, const struct parked_item *items,
                 size_t count, bool sync);
/* There is none, or one of any run: nothing else. */
bool parked_may_be_replaced(const char *path);
/* True: there is none now. What is something else stays. */
bool parked_remove(const char *path);

#endif
