/* The end of a file that an earlier sync may have lost. */
#ifndef RINGSEND_RESULTS_TAIL_H
#define RINGSEND_RESULTS_TAIL_H

#include <stdint.h>

/* Makes durable what stands in the file from `from` up to `to`, its end, even when a sync of it has
 * failed before: it is written once more, byte for byte, so that a crash on the way changes
 * nothing. The file must be open for reading, too, unless there is nothing between. 0 or an errno.
 */
int tail_sync(int fd, uint64_t from, uint64_t to);

#endif
