/* Assertions, on in release builds too: a broken invariant stops the program before it sends a
 * record twice. They guard our own logic only; bytes from the network or a file never reach one.
 *
 * CHECK        cheap conditions, always compiled in
 * CHECK_SLOW   whole-structure walks, only with RINGSEND_SLOW_CHECKS (simulated ring, debug builds)
 * UNREACHABLE  a place the control flow cannot come to, with the reason */
#ifndef RINGSEND_BASE_CHECK_H
#define RINGSEND_BASE_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                  \
    do {                                                  \
        if (__builtin_expect(!(condition), 0))            \
            check_failed(__FILE__, __LINE__, #condition); \
    } while (0)

#ifdef RINGSEND_SLOW_CHECKS
#define CHECK_SLOW(condition) CHECK(condition)
#else
#define CHECK_SLOW(condition) ((void)sizeof(condition))
#endif

#define UNREACHABLE(why) check_failed(__FILE__, __LINE__, "unreachable: " why)

__attribute__((noreturn, cold)) static inline void check_failed(const char *file, int line,
                                                                const char *what)
{
    fprintf(stderr, "ringsend: internal error at %s:%d: %s\n", file, line, what);
    abort();
}

#endif
