/* nghttp2's memory: base/memory.h's, counted, under a cap of the session's. */
#ifndef RINGSEND_HTTP2_MEMORY_H
#define RINGSEND_HTTP2_MEMORY_H

#include "base/memory.h"
#include "http2/library.h"

#include <stddef.h>

struct h2_memory {
    struct memory *memory; /* null: the C library's */
    size_t used_bytes, max_bytes;
};

/* In its terms; `m` outlives all that is taken. */
nghttp2_mem h2_memory_functions(struct h2_memory *m);

#endif
