/* Kernels that are warned of. */
#include "cli/kernel_fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void test_kernels_that_hang(void **state)
{
    static const struct {
        const char *release, *version, *until;
    } rows[] = {
        {"6.1.112", "#1 SMP", NULL},
        {"6.1.113", "#1 SMP", "6.1.116"},
        {"6.1.115-126.197.amzn2023.x86_64", "#1 SMP PREEMPT_DYNAMIC", "6.1.116"},
        {"6.1.116", "#1 SMP", NULL},
        {"6.6.56", "#1 SMP", NULL},
        {"6.6.57-generic", "#1 SMP", "6.6.60"},
        {"6.6.59", "#1 SMP", "6.6.60"},
        {"6.6.60", "#1 SMP", NULL},
        {"6.11.5", "#1 SMP", NULL},
        {"6.1.0-27-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.115-1 (2024-11-01)", "6.1.116"},
        {"6.1.0-28-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.119-1 (2024-11-22)", NULL},
        {"6.1.114-rt43", "#1 SMP Debian", "6.1.116"},
        {"5.14.0-503.el9.x86_64", "#1 SMP", NULL},
        {"6.6", "", NULL},
        {"unknown", "", NULL},
        {"", "", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *until = kernel_hangs_until(rows[i].release, rows[i].version);
        if (rows[i].until == NULL)
            assert_null(until);
        else
            assert_string_equal(until, rows[i].until);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kernels_that_hang)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
