/* References against a base: the examples of RFC 3986 5.4, and what servers send besides. */
#include "guard.h"
#include "http/redirect.h"
#include "http/reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct row {
    const char *reference, *is;
};

static const char base_of_rfc[] = "http://a/b/c/d;p?q";

static const struct row rfc_rows[] = {
    /* 5.4.1 */
    {"g:h", "g:h"},
    {"g", "http://a/b/c/g"},
    {"./g", "http://a/b/c/g"},
    {"g/", "http://a/b/c/g/"},
    {"/g", "http://a/g"},
    {"//g", "http://g"},
    {"?y", "http://a/b/c/d;p?y"},
    {"g?y", "http://a/b/c/g?y"},
    {"#s", "http://a/b/c/d;p?q#s"},
    {"g#s", "http://a/b/c/g#s"},
    {"g?y#s", "http://a/b/c/g?y#s"},
    {";x", "http://a/b/c/;x"},
    {"g;x", "http://a/b/c/g;x"},
    {"g;x?y#s", "http://a/b/c/g;x?y#s"},
    {"", "http://a/b/c/d;p?q"},
    {".", "http://a/b/c/"},
    {"./", "http://a/b/c/"},
    {"..", "http://a/b/"},
    {"../", "http://a/b/"},
    {"../g", "http://a/b/g"},
    {"../..", "http://a/"},
    {"../../", "http://a/"},
    {"../../g", "http://a/g"},
    /* 5.4.2 */
    {"../../../g", "http://a/g"},
    {"../../../../g", "http://a/g"},
    {"/./g", "http://a/g"},
    {"/../g", "http://a/g"},
    {"g.", "http://a/b/c/g."},
    {".g", "http://a/b/c/.g"},
    {"g..", "http://a/b/c/g.."},
    {"..g", "http://a/b/c/..g"},
    {"./../g", "http://a/b/g"},
    {"./g/.", "http://a/b/c/g/"},
    {"g/./h", "http://a/b/c/g/h"},
    {"g/../h", "http://a/b/c/h"},
    {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
    {"g;x=1/../y", "http://a/b/c/y"},
    {"g?y/./x", "http://a/b/c/g?y/./x"},
    {"g?y/../x", "http://a/b/c/g?y/../x"},
    {"g#s/./x", "http://a/b/c/g#s/./x"},
    {"g#s/../x", "http://a/b/c/g#s/../x"},
    {"http:g", "http:g"},
    /* Others. */
    {"https://b:8443/x/../y?z", "https://b:8443/y?z"},
    {"//b/..//x", "http://b//x"},
    {"//b?y", "http://b?y"},
    {"?", "http://a/b/c/d;p?"},
    {"#", "http://a/b/c/d;p?q#"},
    {"a b?c d", "http://a/b/c/a%20b?c%20d"},
    {"/\xc3\xa4?\xff", "http://a/%C3%A4?%FF"},
    {"1:x", "http://a/b/c/1:x"},
    {"/a:b", "http://a/a:b"},
    {"%2e%2e/g", "http://a/b/c/%2e%2e/g"},
    {"//u:p@b/", "http://u:p@b/"},
    {"javascript:alert(1)", "javascript:alert(1)"},
    {"\\\\b\\c", "http://a/b/c/\\\\b\\c"},
};

static struct guard bases, references;

static void expect(const char *base, const char *reference, const char *is)
{
    struct ringsend_bytes from = {guard_put(&bases, base, strlen(base)), strlen(base)};
    struct ringsend_bytes text = {guard_put(&references, reference, strlen(reference)),
                                  strlen(reference)};
    char *out = malloc(reference_room(from, text));
    size_t bytes = reference_resolve(from, text, out);
    if (bytes != strlen(is) || memcmp(out, is, bytes) != 0)
        fail_msg("%s behind %s: %.*s, not %s", reference, base, (int)bytes, out, is);
    free(out);
}

static void each_is_what_the_rfc_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rfc_rows / sizeof *rfc_rows; i++)
        expect(base_of_rfc, rfc_rows[i].reference, rfc_rows[i].is);
}

static void a_base_may_lack_a_path_and_give_its_fragment(void **state)
{
    (void)state;
    expect("http://a", "g", "http://a/g");
    expect("http://a?q", "../g", "http://a/g");
    expect("http://a?q", "", "http://a?q");
    expect("http://a", "..", "http://a/");
    expect("http://a/b#f", "c", "http://a/c#f");
    expect("http://a/b#f", "c#g", "http://a/c#g");
    expect("http://[::1]:8/b", "c", "http://[::1]:8/c");
}

static void methods_become_get_as_with_curl(void **state)
{
    static const char *const methods[] = {"GET",   "HEAD",   "POST",   "PUT",
                                          "PATCH", "DELETE", "OPTIONS"};
    static const int statuses[] = {301, 302, 303, 307, 308};
    (void)state;
    for (size_t m = 0; m < 7; m++) {
        for (size_t s = 0; s < 5; s++) {
            bool becomes = (statuses[s] == 303 && m > 1) || (statuses[s] < 303 && m == 2);
            assert_true(redirect_is(statuses[s]));
            assert_int_equal(redirect_to_get(statuses[s], span_of(methods[m])), becomes);
        }
    }
    for (int status = 100; status < 600; status++)
        assert_int_equal(redirect_is(status), status == 301 || status == 302 || status == 303 ||
                                                  status == 307 || status == 308);
}

static void fields_go_along_or_not(void **state)
{
    (void)state;
    assert_true(redirect_keeps(SPAN("Authorization"), true, false));
    assert_false(redirect_keeps(SPAN("AUTHORIZATION"), false, true));
    assert_false(redirect_keeps(SPAN("Cookie"), false, true));
    assert_false(redirect_keeps(SPAN("Host"), false, true));
    assert_false(redirect_keeps(SPAN("X-Api-Key"), false, true));
    assert_true(redirect_keeps(SPAN("Content-Type"), false, true));
    assert_false(redirect_keeps(SPAN("Content-Type"), true, false));
    assert_true(redirect_keeps(SPAN("Idempotency-Key"), true, true));
    assert_true(redirect_keeps(SPAN("X-Other"), true, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_what_the_rfc_says),
        cmocka_unit_test(a_base_may_lack_a_path_and_give_its_fragment),
        cmocka_unit_test(methods_become_get_as_with_curl),
        cmocka_unit_test(fields_go_along_or_not),
    };
    guard_open(&bases, 256);
    guard_open(&references, 256);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
