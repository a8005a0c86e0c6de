/* What the library's options are when they are zero, once for all: the engine fills them in
 * from here, and the command line reads its defaults, and tells them in its help, from here as
 * well. The bounds are in limits.h. */
#ifndef RINGSEND_BASE_DEFAULTS_H
#define RINGSEND_BASE_DEFAULTS_H

#include "base/time.h"

#define DEFAULT_CONNECTIONS 40
#define DEFAULT_STREAMS_MAX 100
#define DEFAULT_TRIES 4
#define DEFAULT_CONNECT_TIMEOUT_NS (10 * NS_PER_S)
#define DEFAULT_HANDSHAKE_TIMEOUT_NS (10 * NS_PER_S)
#define DEFAULT_PROXY_TIMEOUT_NS (60 * NS_PER_S)
#define DEFAULT_FIRST_BYTE_TIMEOUT_NS (30 * NS_PER_S)
#define DEFAULT_ATTEMPT_TIMEOUT_NS (60 * NS_PER_S)
#define DEFAULT_BACKOFF_MIN_NS (250 * NS_PER_MS)
#define DEFAULT_BACKOFF_MAX_NS (30 * NS_PER_S)
#define DEFAULT_RETRY_AFTER_MAX_NS (60 * NS_PER_S)
#define DEFAULT_IDLE_TIMEOUT_NS (4 * NS_PER_S)
#define DEFAULT_BODY_MAX_BYTES (64ull << 20)
#define DEFAULT_HEAD_MAX_BYTES (64u << 10)
#define DEFAULT_HEAD_MAX_LINES 256
#define DEFAULT_RATE_PER_NS NS_PER_S
#define DEFAULT_RETRY_BUDGET_PERCENT 20
#define DEFAULT_RETRY_BUDGET_PER_S 10

#endif
