/* The caller's options, of whatever size. */
#ifndef RINGSEND_ENGINE_OPTIONS_H
#define RINGSEND_ENGINE_OPTIONS_H

struct ringsend_options;

int options_copy(struct ringsend_options *to, const struct ringsend_options *from);
/* The same with the defaults filled in, and checked; on an error the caller's message tells why. */
int options_read(struct ringsend_options *to, const struct ringsend_options *from);

#endif
