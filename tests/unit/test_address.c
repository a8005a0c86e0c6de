/* Lists of IP addresses, as people write them and as they do not. */
#include "base/address.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { MAX = 3 };

static void lists_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *addresses[MAX];
    } cases[] = {
        {"192.0.2.1", {"192.0.2.1"}},
        {"::1", {"::1"}},
        {"[2001:db8::1]", {"2001:db8::1"}},
        {"192.0.2.1,[2001:db8::1],2001:db8::2", {"192.0.2.1", "2001:db8::1", "2001:db8::2"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct address got[MAX];
        uint32_t count, wanted = 0;
        assert_null(addresses_read(cases[i].text, got, MAX, &count));
        for (; wanted < MAX && cases[i].addresses[wanted]; wanted++) {
            char text[INET6_ADDRSTRLEN];
            const void *bytes = got[wanted].any.sa_family == AF_INET6
                                    ? (const void *)&got[wanted].v6.sin6_addr
                                    : (const void *)&got[wanted].v4.sin_addr;
            assert_non_null(inet_ntop(got[wanted].any.sa_family, bytes, text, sizeof text));
            assert_string_equal(text, cases[i].addresses[wanted]);
            assert_int_equal(got[wanted].v4.sin_port, 0);
        }
        assert_int_equal(count, wanted);
    }
}

static void anything_else_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {"",
                                        ",",
                                        "192.0.2.1,",
                                        ",192.0.2.1",
                                        "192.0.2",
                                        "192.0.2.1:80",
                                        " 192.0.2.1",
                                        "192.0.2.1, 192.0.2.2",
                                        "[192.0.2.1]",
                                        "[::1",
                                        "[]",
                                        "::1%lo",
                                        "localhost",
                                        "192.0.2.1,192.0.2.2,192.0.2.3,192.0.2.4",
                                        "1111111111111111111111111111111111111111111111111111"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct address got[MAX];
        uint32_t count;
        if (!addresses_read(cases[i], got, MAX, &count))
            fail_msg("\"%s\" was taken", cases[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_read),
        cmocka_unit_test(anything_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
