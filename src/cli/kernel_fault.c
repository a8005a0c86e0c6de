/* Kernels whose io_uring hangs a task.
 *
 * The stable releases 6.1.113 and 6.6.57 took over "io_uring: check if we need to reschedule during
 * overflow flush" (upstream eac2ca2d682f) without the change that it builds upon. Whoever empties
 * an overflown completion queue then gives up a mutex that is not held, and a task waits for it in
 * io_uring_enter for ever; SIGKILL does not reach it. "io_uring: always lock
 * __io_cqring_overflow_flush" (upstream 8d09a88ef9d3), in 6.1.116 and 6.6.60, mends it. Sources:
 * the lists of changes of these versions; the thread "io_uring hang causing uninterruptible sleep
 * state on 6.6.59" of the io-uring list, November 2024; liburing issue 1289 (Debian's 6.1.115);
 * bottlerocket issue 4308 and amazon-linux-2023 issues 840 and 856 (6.1.115).
 *
 * Distributors may have mended theirs without another number; so this is a warning. */
#include "cli/kernel_fault.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct number {
    unsigned long major, minor, patch;
};

static bool number_read(const char *text, struct number *n)
{
    unsigned long numbers[3] = {0};
    for (int i = 0; i < 3 && text; i++) {
        char *end;
        numbers[i] = strtoul(text, &end, 10);
        if (end == text && i < 2)
            return false;
        text = *end == '.' ? end + 1 : NULL;
    }
    *n = (struct number){numbers[0], numbers[1], numbers[2]};
    return numbers[0] > 0;
}

const char *kernel_hangs_until(const char *release, const char *version)
{
    static const struct {
        struct number first;
        unsigned long mended; /* in this patch level of the same series */
        const char *until;
    } rows[] = {{{6, 1, 113}, 116, "6.1.116"}, {{6, 6, 57}, 60, "6.6.60"}};
    static const char debian[] = "Debian ";
    struct number n;
    /* Debian's release has the patch level of the series' first, its version the true one. */
    const char *own = strstr(version, debian);
    if (!(own && number_read(own + strlen(debian), &n)) && !number_read(release, &n))
        return NULL;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (n.major == rows[i].first.major && n.minor == rows[i].first.minor &&
            n.patch >= rows[i].first.patch && n.patch < rows[i].mended)
            return rows[i].until;
    return NULL;
}
