/* What is known to be wrong with io_uring of a kernel of this version. */
#ifndef RINGSEND_CLI_KERNEL_FAULT_H
#define RINGSEND_CLI_KERNEL_FAULT_H

/* By `release` and `version` of uname(2): which version has the fault mended that hangs a task in
 * io_uring_enter, beyond the reach of SIGKILL. Null: it is not known to have it. */
const char *kernel_hangs_until(const char *release, const char *version);

#endif
