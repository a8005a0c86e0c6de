/* Templates, what they refuse, and that the environment is a secret. Values: {{a}} is "x", {{b}} is
 * the row's. */
#include "records/template.h"

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

static const struct row texts[] = {
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
    {"{{b|form}}", "a b*~&=+\xc3\xa9", "a+b*%7E%26%3D%2B%C3%A9", NULL, TEMPLATE_TEXT},
    {"{{b|default: x y }}", "", "x y", NULL, TEMPLATE_TEXT},
    {"{{b|default:x}}", " ", " ", NULL, TEMPLATE_TEXT},
    {"{{b|trim|default:x}}", " ", "x", NULL, TEMPLATE_TEXT},
    {"{{b|json|default:x:y}}", "", "\"x:y\"", NULL, TEMPLATE_TEXT},
    {"{{b|default:}}", "", "", NULL, TEMPLATE_TEXT},
    {"{{env.NOT_IN_THE_ENVIRONMENT|default:x}}", "", "x", NULL, TEMPLATE_TEXT},
};

/* What has a type is that type, or refused. */
static const struct row typed[] = {
    {"{{b|number}}", "0", "0", NULL, TEMPLATE_BODY},
    {"{{b|number}}", "-1.5e+300", "-1.5e+300", NULL, TEMPLATE_BODY},
    {"{{b|trim|number}}", " 7 ", "7", NULL, TEMPLATE_BODY},
    {"{{b|number}}", "12345678901234567890123", "12345678901234567890123", NULL, TEMPLATE_BODY},
    {"{{b|number}}", "007", NULL, "no number", TEMPLATE_BODY},
    {"{{b|number}}", "NaN", NULL, "no number", TEMPLATE_BODY},
    {"{{b|number}}", "+1", NULL, "no number", TEMPLATE_BODY},
    {"{{b|number}}", "1,5", NULL, "no number", TEMPLATE_BODY},
    {"{{b|number}}", " 7", NULL, "no number", TEMPLATE_BODY},
    {"{{b|number}}", "7\n", NULL, "no number", TEMPLATE_BODY},
    {"{{b|number}}", "0x10", NULL, "no number", TEMPLATE_BODY},
    {"{{b|number}}", "5,\"admin\":true", NULL, "no number", TEMPLATE_BODY},
    {"{{b|number}}", "", NULL, "is empty", TEMPLATE_BODY},
    {"{\"a\":{{b|number}}}", "", NULL, "is empty", TEMPLATE_BODY},
    {"{\"a\":{{b|number|null}}}", "", "{\"a\":null}", NULL, TEMPLATE_BODY},
    {"{\"a\":{{b|null|number}}}", "3", "{\"a\":3}", NULL, TEMPLATE_BODY},
    {"{\"a\":{{b|number|default:0}}}", "", "{\"a\":0}", NULL, TEMPLATE_BODY},
    {"{\"a\":{{b|number|default:x}}}", "", NULL, "no number", TEMPLATE_BODY},
    {"{\"a\":{{b|json|null}}}", "", "{\"a\":null}", NULL, TEMPLATE_BODY},
    {"{\"a\":{{b|json|null}}}", "null", "{\"a\":\"null\"}", NULL, TEMPLATE_BODY},
    {"{\"a\":{{b|null}}}", "x", NULL, "is no JSON", TEMPLATE_BODY},
    {"{\"t\":\"{\\\"a\\\":{{b|json|null}}}\"}", "", "{\"t\":\"{\\\"a\\\":null}\"}", NULL,
     TEMPLATE_BODY},
    {"{\"a\":{{b|bool}}}", "TRUE", "{\"a\":true}", NULL, TEMPLATE_BODY},
    {"{{b|bool}}", "0", "false", NULL, TEMPLATE_BODY},
    {"{{b|bool}}", "Y", "true", NULL, TEMPLATE_BODY},
    {"{{b|bool}}", "off", "false", NULL, TEMPLATE_BODY},
    {"{{b|bool}}", "2", NULL, "neither true nor false", TEMPLATE_BODY},
    {"{{b|bool}}", "", NULL, "is empty", TEMPLATE_BODY},
    {"{{b|bool}}", "tru", NULL, "neither true nor false", TEMPLATE_BODY},
    {"q={{b|form}}", "a b&c", "q=a+b%26c", NULL, TEMPLATE_BODY},
    {"http://h/?q={{b|form}}", "a b&c", "http://h/?q=a+b%26c", NULL, TEMPLATE_URL},
    {"http://h/{{b|form}}", "a b", NULL, "change the URL", TEMPLATE_URL},
};

#define DOTS "leads to another path"
#define EMPTY "path empty"
#define ENCODE "change the URL"

/* Scheme, host and port are the template's, and so is where the path goes. */
static const struct row urls[] = {
    {"http://h/{{b}}", "a/b:c,d!e$f'g(h)i*j-._~", "http://h/a/b:c,d!e$f'g(h)i*j-._~", NULL,
     TEMPLATE_URL},
    {"http://h/{{b|url}}", "?#&;@\\", "http://h/%3F%23%26%3B%40%5C", NULL, TEMPLATE_URL},
    {"http://h/{{b|url}}", "http://x//y", "http://h/http%3A%2F%2Fx%2F%2Fy", NULL, TEMPLATE_URL},
    {"http://h/{{b|url}}", "...", "http://h/...", NULL, TEMPLATE_URL},
    {"http://h/{{b}}", ".well-known/..a/a../.b", "http://h/.well-known/..a/a../.b", NULL,
     TEMPLATE_URL},
    {"http://h/a{{b}}/c", "", "http://h/a/c", NULL, TEMPLATE_URL},
    {"http://h/../{{b}}//x", "v", "http://h/../v//x", NULL, TEMPLATE_URL},
    {"http://h/p?q={{b}}", "", "http://h/p?q=", NULL, TEMPLATE_URL},
    {"http://h?{{b}}", "../..//x", "http://h?../..//x", NULL, TEMPLATE_URL},
    {"http://h/x#{{b}}", "..", "http://h/x#..", NULL, TEMPLATE_URL},
    {"http://h/{{a}}/../{{b}}", "v", "http://h/x/../v", NULL, TEMPLATE_URL},
    {"HTTPS://h:1/{{b}}", "v", "HTTPS://h:1/v", NULL, TEMPLATE_URL},

    {"http://h/{{b}}", "a?b", NULL, ENCODE, TEMPLATE_URL},
    {"http://h/{{b}}", "a#b", NULL, ENCODE, TEMPLATE_URL},
    {"http://h/{{b}}", "a;b", NULL, ENCODE, TEMPLATE_URL},
    {"http://h/{{b}}", "\\x", NULL, ENCODE, TEMPLATE_URL},
    {"http://h/{{b}}", "@x", NULL, ENCODE, TEMPLATE_URL},
    {"http://h/{{b}}", "a\r\nb", NULL, ENCODE, TEMPLATE_URL},
    {"http://h/{{b}}", "%2e%2e", NULL, ENCODE, TEMPLATE_URL},
    {"http://h/?q={{b}}", "1&admin=1", NULL, ENCODE, TEMPLATE_URL},
    {"http://h/?q={{b}}", "1;admin", NULL, ENCODE, TEMPLATE_URL},
    {"http://h/{{b|b64}}", "~~~??", NULL, ENCODE, TEMPLATE_URL},
    {"http://h/{{b|url|json}}", "a", NULL, ENCODE, TEMPLATE_URL},

    {"http://h/{{b|url}}", "..", NULL, DOTS, TEMPLATE_URL},
    {"http://h/{{b|url}}", ".", NULL, DOTS, TEMPLATE_URL},
    {"http://h/u/{{b}}", "1/../../admin", NULL, DOTS, TEMPLATE_URL},
    {"http://h/u/{{b|url}}", "1/../../admin", NULL, DOTS, TEMPLATE_URL},
    {"http://h/u/{{b|url}}", "..\\admin", NULL, DOTS, TEMPLATE_URL},
    {"http://h/u/{{b|url}}", "..;/admin", NULL, DOTS, TEMPLATE_URL},
    {"http://h/u/{{b|url}}", "%2e%2e", NULL, DOTS, TEMPLATE_URL},
    {"http://h/u/{{b|url|url}}", ".%2E/x", NULL, DOTS, TEMPLATE_URL},
    {"http://h/u/{{b}}", "./x", NULL, DOTS, TEMPLATE_URL},
    {"http://h/.{{b}}/x", ".", NULL, DOTS, TEMPLATE_URL},
    {"http://h/.{{b}}/x", "", NULL, DOTS, TEMPLATE_URL},
    {"http://h/%2e{{b}}/x", ".", NULL, DOTS, TEMPLATE_URL},
    {"http://h/{{b}}%2E?x", ".", NULL, DOTS, TEMPLATE_URL},
    {"http://h/{{b}}{{b}}/x", ".", NULL, DOTS, TEMPLATE_URL},
    {"http://h/{{b}}%2fx", "..", NULL, DOTS, TEMPLATE_URL},
    {"http://h/{{b}};v=1/x", "..", NULL, DOTS, TEMPLATE_URL},
    {"http://h/index/{{b}}", "", NULL, EMPTY, TEMPLATE_URL},
    {"http://h/{{b|trim}}?x", " ", NULL, EMPTY, TEMPLATE_URL},
    {"http://h/{{b}}/x", "", NULL, EMPTY, TEMPLATE_URL},
    {"http://h/{{b}}", "/evil/x", NULL, EMPTY, TEMPLATE_URL},
    {"http://h/{{b}}", "a/", NULL, EMPTY, TEMPLATE_URL},
    {"http://h/{{b}}", "a//b", NULL, EMPTY, TEMPLATE_URL},
    {"http://h/{{b}};v=1", "", NULL, EMPTY, TEMPLATE_URL},

    /* or the URL, or its beginning, is the record's */
    {"{{b}}", "http://any/../where?a=b&c#d", "http://any/../where?a=b&c#d", NULL, TEMPLATE_URL},
    {"{{b}}/x/{{a}}", "http://h", "http://h/x/x", NULL, TEMPLATE_URL},
    {"{{b}}&c={{a}}", "http://h/?a", "http://h/?a&c=x", NULL, TEMPLATE_URL},
    {"{{b}}/x", "http://h/?a=b", NULL, "has a query", TEMPLATE_URL},
    {"{{b}}/x", "http://h#d", NULL, "has a fragment", TEMPLATE_URL},
    {"{{b}}/x", "http:/", NULL, "ends in a slash", TEMPLATE_URL},
    {"{{b}}?x", "http://h?a", NULL, "has a query", TEMPLATE_URL},
    {"{{b}}&x", "http://h", NULL, "has no query", TEMPLATE_URL},
};

static const struct row files[] = {
    {"up/{{b}}", "a/..b.txt", "up/a/..b.txt", NULL, TEMPLATE_FILE},
    {"up/{{b}}.txt", "%2e%2e", "up/%2e%2e.txt", NULL, TEMPLATE_FILE},
    {"{{b}}", "../../x", "../../x", NULL, TEMPLATE_FILE},
    {"{{b}}/in/{{a}}", "..", "../in/x", NULL, TEMPLATE_FILE},
    {"up/{{b}}", "../../x", NULL, DOTS, TEMPLATE_FILE},
    {"up/{{b}}", "a/./x", NULL, DOTS, TEMPLATE_FILE},
    {"up/.{{b}}/x", ".", NULL, DOTS, TEMPLATE_FILE},
    {"up/{{b}}", "/etc/passwd", NULL, EMPTY, TEMPLATE_FILE},
    {"up/{{b}}", "", NULL, EMPTY, TEMPLATE_FILE},
};

#define PLAIN "no JSON number"

static const struct row bodies[] = {
    {"{\"n\": \"{{b}}\"}", "q\"\\\n\x01\xc3\xa9", "{\"n\": \"q\\\"\\\\\\n\\u0001\xc3\xa9\"}", NULL,
     TEMPLATE_BODY},
    {"{\"n\": \"a {{b}} and {{b|url}}, {{b|b64}}\"}", "\"", "{\"n\": \"a \\\" and %22, Ig==\"}",
     NULL, TEMPLATE_BODY},
    {"{\"n\": \"\\\"{{b}}\\\\\"}", "", "{\"n\": \"\\\"\\\\\"}", NULL, TEMPLATE_BODY},
    {"{\"n\": {{b}}}", "-5.0e3", "{\"n\": -5.0e3}", NULL, TEMPLATE_BODY},
    {"{\"n\": {{b}}}", "null", "{\"n\": null}", NULL, TEMPLATE_BODY},
    {"{\"n\": {{b}}}", "\"a\\\"\"", "{\"n\": \"a\\\"\"}", NULL, TEMPLATE_BODY},
    {"{\"n\": {{b|json}}}", "5,\"x\":1", "{\"n\": \"5,\\\"x\\\":1\"}", NULL, TEMPLATE_BODY},
    {"{\"i\":{}}\n{\"n\":\"{{b}}\"}\n", "\n", "{\"i\":{}}\n{\"n\":\"\\n\"}\n", NULL, TEMPLATE_BODY},
    {"\"{{b}}\"", "\"", "\"\\\"\"", NULL, TEMPLATE_BODY},
    {"{\"n\": {{b}}}", "5,\"admin\":true", NULL, PLAIN, TEMPLATE_BODY},
    {"{\"n\": {{b}}}", "5}", NULL, PLAIN, TEMPLATE_BODY},
    {"{\"n\": {{b}}}", "", NULL, PLAIN, TEMPLATE_BODY},
    {"{\"n\": {{b}}}", "007", NULL, PLAIN, TEMPLATE_BODY},
    {"{\"n\": {{b}}}", "5\n", NULL, PLAIN, TEMPLATE_BODY},
    {"{\"n\": {{b}}}", "Ann", NULL, PLAIN, TEMPLATE_BODY},
    {"{\"n\": {{b}}}", "{\"a\":1}", NULL, "object or array", TEMPLATE_BODY},
    {"[{{b}}]", "[1]", NULL, "object or array", TEMPLATE_BODY},
    {"[{{b}}]", "1,2", NULL, PLAIN, TEMPLATE_BODY},
    {"{\"n\": \"{{b}}\"}", "\xff", NULL, "is not UTF-8", TEMPLATE_BODY},
    /* a body that is a column is the record's, and text has no structure */
    {"{{b}}", "{\"any\"", "{\"any\"", NULL, TEMPLATE_JSON},
    {"{ x(id: {{b}}) }", "}", "{ x(id: }) }", NULL, TEMPLATE_TEXT},
    {"\"{{a}}\",\"{{b}}\"", "\"", "\"x\",\"\"\"", NULL, TEMPLATE_BODY},
    {"n = {{b}}", "a&b", "n = a&b", NULL, TEMPLATE_BODY},
    {"a=1&b={{b}}", "v", "a=1&b=v", NULL, TEMPLATE_BODY},
    {"a=1&b={{b|url}}", "1&admin=1", "a=1&b=1%26admin%3D1", NULL, TEMPLATE_BODY},
    {"a=1&b={{b}}", "1&admin=1", NULL, "change the form", TEMPLATE_BODY},
    {"a=1&b={{b}}", "a b", NULL, "change the form", TEMPLATE_BODY},
    {"{{a}}={{b}}", "a&b", NULL, "change the form", TEMPLATE_FORM},
    {"{{a}}={{b}}\n", "v", "x=v\n", NULL, TEMPLATE_BODY},
    {"{{a}}={{b}}\n", "1&admin=1", NULL, "change the form", TEMPLATE_BODY},
    {"scope=https://h/x,y&m=a@b.c&v={{b}}", "1&admin=1", NULL, "change the form", TEMPLATE_BODY},
    {"cpu,host={{a}} value={{b}}", "a&b", "cpu,host=x value=a&b", NULL, TEMPLATE_BODY},
    {"={{b}}", "a&b", "=a&b", NULL, TEMPLATE_BODY},
    /* JSON in a string of JSON */
    {"{\"p\": \"{\\\"n\\\": \\\"{{b}}\\\"}\"}", "\"\\",
     "{\"p\": \"{\\\"n\\\": \\\"\\\\\\\"\\\\\\\\\\\"}\"}", NULL, TEMPLATE_BODY},
    {"{\"p\": \"{\\u0022n\\u0022: \\u0022{{b}}\\u0022}\"}", "\"",
     "{\"p\": \"{\\u0022n\\u0022: \\u0022\\\\\\\"\\u0022}\"}", NULL, TEMPLATE_BODY},
    {"{\"p\": \"{\\\"n\\\": {{b|json}}}\", \"q\": \"{{b}}\"}", "\"",
     "{\"p\": \"{\\\"n\\\": \\\"\\\\\\\"\\\"}\", \"q\": \"\\\"\"}", NULL, TEMPLATE_BODY},
    {"{\"p\": \"{\\\"n\\\": {{b}}}\"}", "-1.5", "{\"p\": \"{\\\"n\\\": -1.5}\"}", NULL,
     TEMPLATE_BODY},
    {"{\"p\": \"{\\\"n\\\": {{b}}}\"}", "1,\"x\":2", NULL, PLAIN, TEMPLATE_BODY},
    {"{\"a\": {{a|json}}, \"p\": \"[\\\"{{b}}\\\"]\"}", "\"",
     "{\"a\": \"x\", \"p\": \"[\\\"\\\\\\\"\\\"]\"}", NULL, TEMPLATE_BODY},
    {"{\"t\": \"[{{b}}] {{{{x}} {\\\"{{a}}\\\"}\", \"u\": \"[{{b}}]\"}", "\"",
     "{\"t\": \"[\\\"] {{x}} {\\\"x\\\"}\", \"u\": \"[\\\"]\"}", NULL, TEMPLATE_BODY},
    /* parts */
    {"--x\r\nA: f=\"{{a}}\"\r\n\r\n{{b}}\r\n--x--\r\n", "\"--\r\n--y a--x",
     "--x\r\nA: f=\"x\"\r\n\r\n\"--\r\n--y a--x\r\n--x--\r\n", NULL, TEMPLATE_MULTIPART},
    {"--x\r\nA: f=\"{{b}}\"\r\n\r\n1\r\n--x--\r\n", "a\"; g=\"", NULL, "head of its part",
     TEMPLATE_MULTIPART},
    {"--x\r\nA: b\r\n\r\n1\r\n--x\nA: {{b}}\n\n2", "a\r\nB: c", NULL, "head of its part",
     TEMPLATE_MULTIPART},
    {"--x\r\nA: f=\"{{b|url}}\"\r\n\r\n1\r\n--x--\r\n", "\"",
     "--x\r\nA: f=\"%22\"\r\n\r\n1\r\n--x--\r\n", NULL, TEMPLATE_MULTIPART},
    {"--x\r\n\r\n{{b}}\r\n--x--\r\n", "1\r\n--x\r\nA: b", NULL, "the boundary", TEMPLATE_MULTIPART},
    {"--x\r\n\r\n{{b}}\r\n--x--\r\n", "--x--", NULL, "the boundary", TEMPLATE_MULTIPART},
    {"--x\r\n\r\n-{{b}}\r\n--x--\r\n", "-x", NULL, "the boundary", TEMPLATE_MULTIPART},
    {"a {{b}}", "\r\n--x", "a \r\n--x", NULL, TEMPLATE_MULTIPART},
    {"<a b='{{b}}'>{{b}}</a>", "'<&>\"",
     "<a b='&#39;&lt;&amp;&gt;&quot;'>&#39;&lt;&amp;&gt;&quot;</a>", NULL, TEMPLATE_BODY},
    {"<a>{{b}}</a>", "\x01", NULL, "control character", TEMPLATE_BODY},
    {"a={{b}}; c=d", "v|1", "a=v|1; c=d", NULL, TEMPLATE_COOKIE},
    {"a={{b}}; c=d", "v; admin=1", NULL, "change the cookies", TEMPLATE_COOKIE},
    {"{\"p\": \"/{{b}}\"}", "\",\"x\":\"", "{\"p\": \"/\\\",\\\"x\\\":\\\"\"}", NULL,
     TEMPLATE_HEADER},
    {"[{{b}}", "x", "[x", NULL, TEMPLATE_HEADER},
};

static const struct {
    const char *source, *why;
    enum template_use use;
} misplaced[] = {
    {"http://{{a}}/", "scheme, host or port", TEMPLATE_URL},
    {"http://{{a}}.api.test/v1", "scheme, host or port", TEMPLATE_URL},
    {"http://api.test{{a}}", "scheme, host or port", TEMPLATE_URL},
    {"http://api.test:80{{a}}", "scheme, host or port", TEMPLATE_URL},
    {"http://api.test:{{a}}/", "scheme, host or port", TEMPLATE_URL},
    {"http://api.test\\{{a}}", "scheme, host or port", TEMPLATE_URL},
    {"http://u:{{a}}@api.test/", "scheme, host or port", TEMPLATE_URL},
    {"http://[::{{a}}]/", "scheme, host or port", TEMPLATE_URL},
    {"http{{a}}://api.test/", "scheme, host or port", TEMPLATE_URL},
    {"//api.test/{{a}}", "scheme, host or port", TEMPLATE_URL},
    {"{{a}}://api.test/", "begins the URL", TEMPLATE_URL},
    {"{{a}}.api.test/", "begins the URL", TEMPLATE_URL},
    {"{{a}}{{b}}/", "begins the URL", TEMPLATE_URL},
    {"http://h/%{{a}}", "percent-encoding", TEMPLATE_URL},
    {"http://h/?q=%2{{a}}", "percent-encoding", TEMPLATE_URL},
    {"a=%2{{a}}", "percent-encoding", TEMPLATE_BODY},
    {"{\"n\": \"{{a|json}}\"}", "brings its own", TEMPLATE_BODY},
    {"[\"{\\\"n\\\": \\\"{{a|json}}\\\"}\"]", "brings its own", TEMPLATE_BODY},
    {"{\"{{a}}\": 1}", "member's name", TEMPLATE_BODY},
    {"{\"x{{a}}y\" : \"{{b}}\"}", "member's name", TEMPLATE_BODY},
    {"{ {{a|json}}: 1}", "member's name", TEMPLATE_BODY},
    {"[1{{a}}]", "stand alone", TEMPLATE_BODY},
    {"[{{a}}{{b}}]", "stand alone", TEMPLATE_BODY},
    {"[\"\\{{a}}\"]", "escape", TEMPLATE_BODY},
    {"[\"\\u00{{a}}{{a}}\"]", "Content-Type", TEMPLATE_BODY},
    {"{\"n\": {{a}}", "Content-Type", TEMPLATE_BODY},
    {"{ x(id: {{a}}) }", "Content-Type", TEMPLATE_BODY},
    {"n={{a}}", "Content-Type", TEMPLATE_JSON},
    {"<{{a}}/>", "in text", TEMPLATE_BODY},
    {"<a {{a}}/>", "in text", TEMPLATE_BODY},
    {"<a><![CDATA[{{a}}]]></a>", "in text", TEMPLATE_BODY},
    {"<!-- {{a}} -->", "in text", TEMPLATE_XML},
};

static struct template_names names;
static struct secrets secrets;

static void compile(struct template *t, const char *source, enum template_use use)
{
    char message[TEMPLATE_MESSAGE_BYTES];
    if (!template_compile(t, source, use, &names, &secrets, message))
        fail_msg("%s: %s", source, message);
}

static void check_row(const struct row *row)
{
    struct template t;
    compile(&t, row->source, row->use);
    struct ringsend_bytes values[] = {SPAN("x"), span_of(row->b)};
    struct buf out = {0};
    struct template_fault fault = {0};
    enum template_result result = template_fill(&t, values, &pool, &out, &fault);
    struct ringsend_bytes text = {out.data, out.bytes};
    if (row->becomes) {
        if (result != TEMPLATE_FILLED || !span_equal(text, span_of(row->becomes)))
            fail_msg("%s of \"%s\": \"%.*s\" (%s), not \"%s\"", row->source, row->b,
                     (int)text.bytes, text.data, fault.why ? fault.why : "", row->becomes);
    } else {
        if (result != TEMPLATE_BAD_VALUE)
            fail_msg("%s takes \"%s\": \"%.*s\"", row->source, row->b, (int)text.bytes, text.data);
        assert_int_equal(fault.name, 1);
        if (!strstr(fault.why, row->fault))
            fail_msg("%s of \"%s\": it %s", row->source, row->b, fault.why);
    }
    buf_release(&pool, &out);
    template_free(&t);
}

static void check_rows(const struct row *rows, size_t count)
{
    struct template both;
    compile(&both, "{{a}}{{b}}", TEMPLATE_TEXT); /* so that their places are known */
    for (size_t i = 0; i < count; i++)
        check_row(&rows[i]);
    template_free(&both);
    template_names_free(&names);
}

static void test_filling_in(void **state)
{
    (void)state;
    check_rows(texts, sizeof texts / sizeof *texts);
}

static void test_no_value_changes_whom_or_where(void **state)
{
    (void)state;
    check_rows(urls, sizeof urls / sizeof *urls);
    check_rows(files, sizeof files / sizeof *files);
}

static void test_no_value_adds_structure(void **state)
{
    (void)state;
    check_rows(bodies, sizeof bodies / sizeof *bodies);
}

static void test_types(void **state)
{
    (void)state;
    check_rows(typed, sizeof typed / sizeof *typed);
}

static bool is_json(const char *source, enum template_use use)
{
    struct template t;
    compile(&t, source, use);
    bool found = t.is_json;
    template_free(&t);
    template_names_free(&names);
    return found;
}

static void test_what_builds_json(void **state)
{
    (void)state;
    assert_true(is_json("{\"a\":{{a|json}}}", TEMPLATE_BODY));
    assert_true(is_json(" [1, \"{{a}}\"]", TEMPLATE_BODY));
    assert_true(is_json("{\"a\":1}", TEMPLATE_BODY));
    assert_true(is_json("{{*|json}}", TEMPLATE_BODY));
    assert_true(is_json("{{a|number}}", TEMPLATE_JSON));
    assert_true(is_json("\"{{a}}\"", TEMPLATE_JSON));
    assert_false(is_json("\"{{a}}\"", TEMPLATE_BODY));
    assert_false(is_json("{{a}}", TEMPLATE_JSON));
    assert_false(is_json("{{a|json|b64}}", TEMPLATE_JSON));
    assert_false(is_json("{\"a\":{{a|json}}}", TEMPLATE_TEXT));
    assert_false(is_json("a={{a}}", TEMPLATE_BODY));
    assert_false(is_json("", TEMPLATE_JSON));
    struct template t;
    char message[TEMPLATE_MESSAGE_BYTES];
    assert_false(template_compile(&t, "{\"a\":1", TEMPLATE_BODY, &names, &secrets, message));
    assert_non_null(strstr(message, "it begins like JSON"));
    template_free(&t);
}

static void test_where_no_column_may_stand(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof misplaced / sizeof *misplaced; i++) {
        struct template t;
        char message[TEMPLATE_MESSAGE_BYTES] = "";
        if (template_compile(&t, misplaced[i].source, misplaced[i].use, &names, &secrets, message))
            fail_msg("%s is taken", misplaced[i].source);
        if (!strstr(message, misplaced[i].why))
            fail_msg("%s: \"%s\", not \"%s\"", misplaced[i].source, message, misplaced[i].why);
        template_free(&t);
    }
    template_names_free(&names);
}

static void test_what_a_content_type_says(void **state)
{
    (void)state;
    assert_int_equal(template_use_of(SPAN("")), TEMPLATE_BODY);
    assert_int_equal(template_use_of(SPAN("Application/Problem+JSON; x=y")), TEMPLATE_JSON);
    assert_int_equal(template_use_of(SPAN("application/x-ndjson")), TEMPLATE_JSON);
    assert_int_equal(template_use_of(SPAN("application/soap+xml")), TEMPLATE_XML);
    assert_int_equal(template_use_of(SPAN("application/x-www-form-urlencoded")), TEMPLATE_FORM);
    assert_int_equal(template_use_of(SPAN("text/plain; note=json")), TEMPLATE_TEXT);
}

static void test_what_names_no_column_is_constant(void **state)
{
    (void)state;
    struct template t;
    compile(&t, "a {{{{b}} {{env.TEMPLATE_TEST|trim|json}}", TEMPLATE_TEXT);
    assert_true(template_is_constant(&t));
    assert_string_equal(t.text, "a {{b}} \"of the env\"");
    template_free(&t);
    compile(&t, "{{env}}", TEMPLATE_TEXT);
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
        {"{{a|trim|trim|trim|trim|trim|trim}}", "at most 5"},
        {"{{a|default}}", "default:TEXT"},
        {"{{a|null|default:x}}", "one of null and default"},
        {"{{a|default:x|default:y}}", "one of null and default"},
        {"{{a|null}}", "no value of JSON"},
        {"{{*}}", "all of a row"},
        {"{{*|number}}", "all of a row"},
        {"{{*|trim|json}}", "all of a row"},
        {"{{env.NOT_IN_THE_ENVIRONMENT}}", "no variable \"NOT_IN_THE_ENVIRONMENT\""},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct template t;
        char message[TEMPLATE_MESSAGE_BYTES];
        assert_false(template_compile(&t, bad[i][0], TEMPLATE_TEXT, &names, &secrets, message));
        if (!strstr(message, bad[i][1]))
            fail_msg("%s: \"%s\", not \"%s\"", bad[i][0], message, bad[i][1]);
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

static void test_the_environment_is_a_secret(void **state)
{
    (void)state;
    struct template t;
    compile(&t, "{{env.TEMPLATE_TEST|b64}}", TEMPLATE_TEXT);
    expect_masked("< of the env >", "<***>");
    expect_masked(t.text, "***");
    template_free(&t);
    secrets_free(&secrets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filling_in),
        cmocka_unit_test(test_no_value_changes_whom_or_where),
        cmocka_unit_test(test_no_value_adds_structure),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_what_builds_json),
        cmocka_unit_test(test_where_no_column_may_stand),
        cmocka_unit_test(test_what_a_content_type_says),
        cmocka_unit_test(test_what_names_no_column_is_constant),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_the_environment_is_a_secret),
    };
    setenv("TEMPLATE_TEST", " of the env ", 1);
    buf_pool_init(&pool);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    secrets_free(&secrets);
    buf_pool_free(&pool);
    return failed;
}
