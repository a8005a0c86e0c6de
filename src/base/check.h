/* Assertions, on in release builds too: a broken invariant stops the program before it sends a
 * record twice. They guard our own logic only; bytes from the network or a file never reach one.
 *
 * CHECK        cheap conditions, always compiled in (walks: engine/invariants.c)
 * UNREACHABLE  a place the control flow cannot come to, with the reason */
#ifndef RINGSEND_BASE_CHECK_H
#define RINGSEND_BASE_CHECK_H

#define CHECK(condition)                                  \
    do {                                                  \
        if (__builtin_expect(!(condition), 0))            \
            check_failed(__FILE__, __LINE__, #condition); \
    } while (0)

#define UNREACHABLE(why) check_failed(__FILE__, __LINE__, "unreachable: " why)

__attribute__((noreturn, cold)) void check_failed(const char *file, int line, const char *what);

#endif
