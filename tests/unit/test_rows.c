/* Rows at the door of the room: a header, an option's templates and a row become a request, or an
 * error that says where. */
#include "records/record.h"
#include "records/row.h"
#include "records/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct buf_pool pool;

static const struct ringsend_header json_type[] = {
    {{"content-type", 12}, {"application/json", 16}},
    {{"content-type", 12}, {"application/json", 16}},
};

struct row_case {
    const char *header, *row, *types, *data, *body; /* body null: refused */
    const char *fault;
    size_t at;
    bool declared; /* Content-Type is given */
};

#define WHOLE "{{*|json}}"

static const struct row_case cases[] = {
    {"a,b", "1,2", "", WHOLE, "{\"a\":\"1\",\"b\":\"2\"}", NULL, 0, false},
    {"a", "\"\"", "", WHOLE, "{\"a\":\"\"}", NULL, 0, false},
    {"a,b", ",", "", WHOLE, "{\"a\":\"\",\"b\":\"\"}", NULL, 0, false},
    {"a,b", "1,2\r", "", WHOLE, "{\"a\":\"1\",\"b\":\"2\"}", NULL, 0, false},
    {"\"q\"\"\",\"n\nl\"", "\"\"\"\",\"\n\"", "", WHOLE, "{\"q\\\"\":\"\\\"\",\"n\\nl\":\"\\n\"}",
     NULL, 0, false},
    {"{{x}},*", "1,2", "", WHOLE, "{\"{{x}}\":\"1\",\"*\":\"2\"}", NULL, 0, false},
    {"a,b", "1", "", WHOLE, NULL, "the row has 1 field, the header 2", RECORD_ALL, false},
    {"a,b", "1,\xff", "", WHOLE, NULL, "\"b\" is not UTF-8", 2, false},
    {"a,b,c", "1.5,,no", "a:number,b:number|null,c:bool", WHOLE,
     "{\"a\":1.5,\"b\":null,\"c\":false}", NULL, 0, false},
    {"a,b", ",x", "*:null", WHOLE, "{\"a\":null,\"b\":\"x\"}", NULL, 0, false},
    {"a,b", ", x ", "*:trim|null,a:default:0|number", WHOLE, "{\"a\":0,\"b\":\"x\"}", NULL, 0,
     false},
    {"a,b", "x,007", "b:number", WHOLE, NULL, "--types: the value of \"b\" is no number", 2, false},
    {"a,b", "\"x,\"\"\",\"NaN\"", "b:number", WHOLE, NULL, "it is \"NaN\"", 8, false},
    {"a,password", "x,hush", "password:number", WHOLE, NULL,
     "\"password\" is no number as JSON has them", 2, false},
    {"a,b", "1,2", "", "[{{a|number}},{{*|json}}]", "[1,{\"a\":\"1\",\"b\":\"2\"}]", NULL, 0,
     false},
    {"a b,c", "x y,&", "", "{{*|form}}", "a+b=x+y&c=%26", NULL, 0, false},
    {"a,b", "1,2", "", "{{a}}", "1", NULL, 0, true},
    {"a,b", "1,\"{\"\"x\"\":}\"", "", "{{b}}", NULL, "expected a value, at byte 6", 3, true},
    {"a,b", "1,x", "", "{\"b\":{{b}}}", NULL, "is no JSON number", 2, false},
};

static struct template_names names;
static struct row_types types;
static struct secrets secrets;
static struct form form;

static void compile(struct template *t, const char *text, enum template_use use)
{
    char message[TEMPLATE_MESSAGE_BYTES];
    if (!template_compile(t, text, use, &names, &secrets, message))
        fail_msg("%s: %s", text, message);
}

static void free_all(struct layout *layout)
{
    layout_free(layout);
    template_free(&form.url);
    template_free(&form.data);
    template_names_free(&names);
    row_types_free(&types);
    form = (struct form){0};
}

/* False: `message` says why. */
static bool read_header(struct layout *layout, const struct row_case *c, char *message)
{
    *layout = (struct layout){.format = FORMAT_CSV, .dialect = {.delimiter = ','}};
    if (c->types[0] && !row_types_read(&types, c->types, message))
        fail_msg("%s: %s", c->types, message);
    names.types = &types;
    compile(&form.url, "http://h/", TEMPLATE_URL);
    compile(&form.data, c->data, c->declared ? TEMPLATE_JSON : TEMPLATE_BODY);
    form.names = names;
    form.has_data = true;
    form.body_is_json = form.data.is_json;
    return layout_read_header(layout, span_of(c->header), &names, &pool, message);
}

static void check(const struct row_case *c)
{
    struct layout layout;
    char message[LAYOUT_MESSAGE_BYTES];
    if (!read_header(&layout, c, message))
        fail_msg("%s: %s", c->header, message);
    struct record_defaults defaults = {.headers = json_type,
                                       .headers_count = c->declared,
                                       .has_content_type = c->declared,
                                       .form = &form};
    struct record record = {0};
    struct record_error error;
    buf_append(&pool, &record.line, c->row, strlen(c->row));
    record_read(&record, &pool, &defaults, &layout, &error);
    struct ringsend_bytes body = record.request.body;
    if (c->body && error.error != RINGSEND_OK)
        fail_msg("%s: %s", c->row, error.detail);
    if (c->body && !span_equal(body, span_of(c->body)))
        fail_msg("%s became %.*s", c->row, (int)body.bytes, body.data);
    if (!c->body && (error.error == RINGSEND_OK || !strstr(error.detail, c->fault)))
        fail_msg("%s: %s", c->row, error.error ? error.detail : "taken");
    if (!c->body)
        assert_int_equal(error.at, c->at);
    if (c->body && (form.data.is_json || c->declared))
        assert_int_equal(record.request.headers_count, 1);
    if (strstr(c->header, "password"))
        assert_null(strstr(error.detail, "hush"));
    record_release(&record, &pool);
    free_all(&layout);
    assert_int_equal(pool.used_bytes, 0);
}

static void rows_become_bodies(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(&cases[i]);
}

/* Records of JSON that are data. */
static void paths_lead_to_values(void **state)
{
    static const char *const good[][3] = {
        {"{\"a\":1.50}", "{\"x\":{{.a}}}", "{\"x\":1.50}"},
        {" {\"a\":\"q\\\"\"}\r", "{\"x\":{{.a}},\"y\":\"{{.a}}\"}",
         "{\"x\":\"q\\\"\",\"y\":\"q\\\"\"}"},
        {"{\"a\":[{\"b\":{}}]}", "[{{.a[0].b}},{{.a}}]", "[{},[{\"b\":{}}]]"},
        {"{\"a\":null}", "[{{.a}},\"{{.a}}\",{{.a|json|null}}]", "[null,\"\",null]"},
        {"{\"a\":1}", "[{{.b|null}},{{.b|default:[2]}},{{.a.b|json|default:x}}]",
         "[null,[2],\"x\"]"},
        {"{\"a\":\"\\u00e9\\u0000\",\"b\":\"\\n\"}", "{{.a}}{{.b}}{{.a}}", NULL},
        {"\x1e[7]", "[{{*|json}}]", "[[7]]"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct record record = {0};
        struct record_error error;
        const struct layout layout = {.format = FORMAT_JSONL};
        const struct record_defaults defaults = {.headers = json_type, .form = &form};
        names.are_paths = true;
        compile(&form.url, "http://h/", TEMPLATE_URL);
        compile(&form.data, good[i][1], TEMPLATE_BODY);
        form.names = names;
        form.has_data = true;
        form.paths = calloc(names.count, sizeof *form.paths);
        for (size_t n = 0; n < names.count; n++) {
            size_t column;
            const char *name = names.names[n] + (names.names[n][0] == RAW_MARK);
            if (name[0] == '.')
                assert_null(json_path_read(&form.paths[n], name, &column));
        }
        buf_append(&pool, &record.line, good[i][0], strlen(good[i][0]));
        record_read(&record, &pool, &defaults, &layout, &error);
        struct ringsend_bytes body = record.request.body;
        struct ringsend_bytes wanted =
            good[i][2] ? span_of(good[i][2]) : SPAN("\xc3\xa9\0\n\xc3\xa9\0");
        if (error.error != RINGSEND_OK || !span_equal(body, wanted))
            fail_msg("%s became %.*s %s", good[i][0], (int)body.bytes, body.data, error.detail);
        record_release(&record, &pool);
        free(form.paths);
        free_all(&(struct layout){0});
    }
    names.are_paths = false;
    assert_int_equal(pool.used_bytes, 0);
}

static void refuses_headers_that_make_no_object(void **state)
{
    static const struct row_case bad[] = {
        {"a,a", "", "", WHOLE, NULL, "\"a\" more than once", 0, false},
        {"a,", "", "", WHOLE, NULL, "column 2 has no name", 0, false},
        {"a, ", "", "", WHOLE, NULL, "column 2 has no name", 0, false},
        {"a,\xff", "", "", WHOLE, NULL, "not UTF-8", 0, false},
        {"a,b", "", "c:number", WHOLE, NULL, "no column \"c\"", 0, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct layout layout;
        char message[LAYOUT_MESSAGE_BYTES];
        assert_false(read_header(&layout, &bad[i], message));
        if (!strstr(message, bad[i].fault))
            fail_msg("%s: %s", bad[i].header, message);
        free_all(&layout);
    }
    /* Named one by one, they are as good as any. */
    struct layout layout;
    char message[LAYOUT_MESSAGE_BYTES];
    assert_true(read_header(
        &layout, &(struct row_case){"a,b,b,", "", "", "{{a}}", NULL, NULL, 0, false}, message));
    free_all(&layout);
    assert_int_equal(pool.used_bytes, 0);
}

static void refuses_too_many_columns(void **state)
{
    (void)state;
    static char header[2 * ROW_COLUMNS_MAX + 2];
    for (size_t i = 0; i < ROW_COLUMNS_MAX; i++)
        memcpy(header + 2 * i, "a,", 2);
    struct layout layout;
    char message[LAYOUT_MESSAGE_BYTES];
    assert_false(read_header(
        &layout, &(struct row_case){header, "", "", WHOLE, NULL, NULL, 0, false}, message));
    assert_non_null(strstr(message, "4097 columns"));
    free_all(&layout);
}

static void refuses_bad_types(void **state)
{
    static const char *const bad[][2] = {
        {"", "is not COLUMN:TYPE"},
        {"a", "is not COLUMN:TYPE"},
        {":number", "is not COLUMN:TYPE"},
        {"a:number,", "is not COLUMN:TYPE"},
        {"a:", "no filter \"\""},
        {"a:integer", "no filter \"integer\""},
        {"a:number,a:bool", "a type twice"},
        {"a:null|default:x", "one of null and default"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char message[ROW_MESSAGE_BYTES];
        assert_false(row_types_read(&types, bad[i][0], message));
        if (!strstr(message, bad[i][1]))
            fail_msg("%s: %s", bad[i][0], message);
        row_types_free(&types);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_become_bodies),
        cmocka_unit_test(paths_lead_to_values),
        cmocka_unit_test(refuses_headers_that_make_no_object),
        cmocka_unit_test(refuses_too_many_columns),
        cmocka_unit_test(refuses_bad_types),
    };
    buf_pool_init(&pool);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buf_pool_free(&pool);
    return failed;
}
