/* The caller's options, of whatever size. */
#ifndef RINGSEND_ENGINE_OPTIONS_H
#define RINGSEND_ENGINE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct ringsend_options;

/* A struct of a later version asks for nothing that this one lacks: what goes beyond it is zero. */
bool struct_is_zero_beyond(const void *from, size_t known_bytes, size_t bytes);
int options_copy(struct ringsend_options *to, const struct ringsend_options *from);
/* The same with the defaults filled in, and checked; on an error the caller's message tells why. */
int options_read(struct ringsend_options *to, const struct ringsend_options *from);

/* Tells the caller who asked for it. */
void options_message(const struct ringsend_options *o, const char *text);
/* Behind what stands there; an empty one adds nothing. */
void options_message_add(const struct ringsend_options *o, const char *text);

#endif
