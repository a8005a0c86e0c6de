/* Templates, what they refuse, and what secrets become. Values: {{a}} is "x", {{b}} is the row's. */
#include "batch/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct buf_pool pool;

struct row {
    const char *source, *b, *becomes; /* null: refused, and `fault` is part of why */
    const char *fault;
    enum template_use use;
};

static const struct row rows[] = {
    {"", "", "", NULL, TEMPLATE_TEXT},
    {"plain }} text {", "", "plain }} text {", NULL, TEMPLATE_TEXT},
    {"{{a}}", "", "x", NULL, TEMPLATE_TEXT},
    {"{{a}}{{b}}{{a}}", "-", "x-x", NULL, TEMPLATE_TEXT},
    {"<{{ b }}>", "any {{a}} \n", "<any {{a}} \n>", NULL, TEMPLATE_TEXT},
    {"{{{{a}}", "", "{{a}}", NULL, TEMPLATE_TEXT},
    {"{{{{{{a}}}}", "", "{{x}}", NULL, TEMPLATE_TEXT},
    {"{\"k\":{{b|json}}}", "q\"\\\n\x01\xc3\xa9", "{\"k\":\"q\\\"\\\\\\n\\u0001\xc3\xa9\"}", NULL,
     TEMPLATE_TEXT},
    {"{{b|json}}", "", "\"\"", NULL, TEMPLATE_TEXT},
    {"{{b|json}}", "\xff", NULL, "is not UTF-8", TEMPLATE_TEXT},
    {"{{b|url}}", "a-._~Z09 /?%\xc3\xa9", "a-._~Z09%20%2F%3F%25%C3%A9", NULL, TEMPLATE_TEXT},
    {"{{b|b64}}", "ab", "YWI=", NULL, TEMPLATE_TEXT},
    {"{{b|b64}}", "", "", NULL, TEMPLATE_TEXT},
    {"{{b|trim}}", " \t a b\r\n", "a b", NULL, TEMPLATE_TEXT},
    {"{{ b | trim|b64 | json }}", " ab ", "\"YWI=\"", NULL, TEMPLATE_TEXT},
    {"{{b|url|url}}", "/", "%252F", NULL, TEMPLATE_TEXT},
    /* URLs */
    {"http://h/{{b}}", "a/b:c,d;e!f$g'h(i)j*k-._~", "http://h/a/b:c,d;e!f$g'h(i)j*k-._~", NULL,
     TEMPLATE_URL},
    {"http://h/{{b|url}}", "?#&", "http://h/%3F%23%26", NULL, TEMPLATE_URL},
    {"http://h/{{b}}", "a?b", NULL, "change the URL", TEMPLATE_URL},
    {"http://h/{{b|b64}}", "~~~??", NULL, "change the URL", TEMPLATE_URL},
    {"http://h/{{b|url|json}}", "a", NULL, "change the URL", TEMPLATE_URL},
    {"{{b}}/x", "http://h/?a=b&c#d", "http://h/?a=b&c#d/x", NULL, TEMPLATE_URL},
    {"{{a}}{{b}}", "?", NULL, "change the URL", TEMPLATE_URL},
};

static struct template_names names;
static struct secrets secrets;

static void compile(struct template *t, const char *source)
{
    char told[TEMPLATE_TOLD_BYTES];
    if (!template_compile(t, source, &names, &secrets, told))
        fail_msg("%s: %s", source, told);
}

static void test_filling_in(void **state)
{
    (void)state;
    struct template both;
    compile(&both, "{{a}}{{b}}"); /* so that their places are known */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        struct template t;
        compile(&t, row->source);
        struct ringsend_bytes values[] = {SPAN("x"), span_of(row->b)};
        struct buf out = {0};
        struct template_fault fault = {0};
        enum template_result result = template_fill(&t, row->use, values, &pool, &out, &fault);
        struct ringsend_bytes text = {out.data, out.bytes};
        if (row->becomes) {
            if (result != TEMPLATE_FILLED || !span_equal(text, span_of(row->becomes)))
                fail_msg("%s: \"%.*s\", not \"%s\"", row->source, (int)text.bytes, text.data,
                         row->becomes);
        } else {
            assert_int_equal(result, TEMPLATE_BAD_VALUE);
            assert_int_equal(fault.name, 1);
            assert_non_null(strstr(fault.why, row->fault));
        }
        buf_release(&pool, &out);
        template_free(&t);
    }
    template_free(&both);
    template_names_free(&names);
}

static void test_what_names_no_column_is_constant(void **state)
{
    (void)state;
    struct template t;
    compile(&t, "a {{{{b}} {{env.TEMPLATE_TEST|trim|json}}");
    assert_true(template_is_constant(&t));
    assert_string_equal(t.text, "a {{b}} \"of the env\"");
    template_free(&t);
    compile(&t, "{{env}}");
    assert_false(template_is_constant(&t));
    template_free(&t);
    template_names_free(&names);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"{{a", "without \"}}\""},
        {"a {{}}", "names no column"},
        {"{{ }}", "names no column"},
        {"{{|json}}", "names no column"},
        {"{{{a}}", "names no column"},
        {"{{a|}}", "no filter \"\""},
        {"{{a|Json}}", "no filter \"Json\""},
        {"{{a|trim|trim|trim|trim|trim}}", "at most 4"},
        {"{{env.NOT_IN_THE_ENVIRONMENT}}", "no variable \"NOT_IN_THE_ENVIRONMENT\""},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct template t;
        char told[TEMPLATE_TOLD_BYTES];
        assert_false(template_compile(&t, bad[i][0], &names, &secrets, told));
        if (!strstr(told, bad[i][1]))
            fail_msg("%s: \"%s\", not \"%s\"", bad[i][0], told, bad[i][1]);
        template_free(&t);
    }
    template_names_free(&names);
}

static void expect_masked(const char *text, const char *wanted)
{
    struct buf out = {0};
    assert_true(secrets_mask(&secrets, span_of(text), &pool, &out));
    if (!span_equal((struct ringsend_bytes){out.data, out.bytes}, span_of(wanted)))
        fail_msg("%s: \"%.*s\", not \"%s\"", text, (int)out.bytes, out.data, wanted);
    buf_release(&pool, &out);
}

static void test_secrets_are_masked(void **state)
{
    (void)state;
    secrets_free(&secrets);
    assert_true(secrets_add(&secrets, SPAN("hidden")));
    assert_true(secrets_add(&secrets, SPAN("hidden more")));
    assert_true(secrets_add(&secrets, SPAN("abc"))); /* too short */
    expect_masked("", "");
    expect_masked("abc hidden", "abc ***");
    expect_masked("hidden more, hidden, hidde", "***, ***, hidde");
    expect_masked("http://user:pass@h/a@b", "http://***@h/a@b");
    expect_masked("http://h/a@b?c=//d@e/", "http://h/a@b?c=//***@e/");
    expect_masked("/x?api_key=1&a=2&X-Token=3#f", "/x?api_key=***&a=2&X-Token=***#f");
    expect_masked("?key", "?key");
    expect_masked("?key=&b=1", "?key=&b=1");
    expect_masked("?keyhidden=1&b", "?key***=***&b");
    expect_masked("?key=hidden1&b", "?key=******&b");
    static const char *const telling[] = {"Authorization", "PROXY-AUTHORIZATION", "Cookie",
                                          "Set-Cookie",    "X-Api-Key",           "X-Auth-Token"};
    for (size_t i = 0; i < sizeof telling / sizeof *telling; i++)
        assert_true(secret_is_header(span_of(telling[i])));
    static const char *const plain[] = {"Accept", "Idempotency-Key", "Content-Type", "Host", ""};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        assert_false(secret_is_header(span_of(plain[i])));
    secrets_free(&secrets);
}

static void test_the_environment_is_a_secret(void **state)
{
    (void)state;
    struct template t;
    compile(&t, "{{env.TEMPLATE_TEST|b64}}");
    expect_masked("< of the env >", "<***>");
    expect_masked(t.text, "***");
    template_free(&t);
    secrets_free(&secrets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filling_in),
        cmocka_unit_test(test_what_names_no_column_is_constant),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_secrets_are_masked),
        cmocka_unit_test(test_the_environment_is_a_secret),
    };
    setenv("TEMPLATE_TEST", " of the env ", 1);
    buf_pool_init(&pool);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    secrets_free(&secrets);
    buf_pool_free(&pool);
    return failed;
}
