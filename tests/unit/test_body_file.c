/* Names of files for bodies: safe in any directory, and never two the same; and lines that are
 * kept. */
#include "results/body_file.h"

#include "engine/on_ring.h"
#include "results/result_line.h"
#include "ringsend.h"
#include "uring/ring_ops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void names(void **state)
{
    (void)state;
    static const struct {
        const char *id, *name;
    } rows[] = {
        {"", "7"},
        {"\"order-17_a.B\"", "7-order-17_a.B"},
        {"\"../../etc/passwd\"", "7-.._.._etc_passwd"},
        {"\"a\\u0000b c\\n\"", "7-a_u0000b_c_n"},
        {"\"\xc3\xa9\"", "7-__"},
        {"\"\"", "7"},
        {"42", "7-42"},
        {"{\"k\": [1]}", "7-__k____1__"},
        {"\"", "7-_"},
    };
    char name[BODY_FILE_NAME_BYTES];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        body_file_name(name, 7, span_of(rows[i].id));
        assert_string_equal(name, rows[i].name);
    }
    char id[300];
    memset(id, 'x', sizeof id);
    body_file_name(name, UINT64_MAX, (struct ringsend_bytes){id, sizeof id});
    assert_int_equal(strlen(name), 20 + 1 + 64);
}

/* All that the engine owns is copied: the originals are wiped before the line is written. */
static void keeps_lines(void **state)
{
    (void)state;
    struct buf_pool pool;
    struct buf memory = {0}, before = {0}, after = {0};
    char body[] = "body", value[] = "value", name[] = "name", encoding[] = "br";
    struct ringsend_header headers[] = {{{name, 4}, {value, 5}}, {{name, 1}, {value, 0}}};
    struct ringsend_attempt trace[] = {{.status = 503}, {.status = 200, .total_ns = 5000}};
    struct result_line line = {.line = 1,
                               .ok = true,
                               .status = 200,
                               .attempts = 2,
                               .body = {body, 4},
                               .encoding = {encoding, 2},
                               .headers = headers,
                               .headers_count = 2,
                               .trace = trace,
                               .trace_count = 2};
    struct result_line kept;
    buf_pool_init(&pool);
    assert_true(result_line_write(&line, &pool, &before));
    assert_true(result_line_keep(&line, &pool, &memory, &kept));
    memset(body, '#', sizeof body);
    memset(value, '#', sizeof value);
    memset(name, '#', sizeof name);
    memset(encoding, '#', sizeof encoding);
    memset(headers, 0, sizeof headers);
    memset(trace, 0, sizeof trace);
    assert_true(result_line_write(&kept, &pool, &after));
    assert_int_equal(before.bytes, after.bytes);
    assert_memory_equal(before.data, after.data, before.bytes);
    buf_release(&pool, &memory);
    buf_release(&pool, &before);
    buf_release(&pool, &after);
    struct result_line empty = {.line = 1};
    assert_true(result_line_keep(&empty, &pool, &memory, &kept));
    assert_true(!kept.headers && !kept.trace && kept.body.bytes == 0);
    buf_release(&pool, &memory);
    buf_pool_free(&pool);
}

static struct ringsend *engine;
static unsigned syncs;

static const struct ring_ops *real;
static struct ring_ops looking;

/* Whatever is synced has been written. */
static void look_and_sync(struct ring *ring, struct ring_tag tag, int fd, bool whole)
{
    struct stat about;
    syncs++;
    assert_int_equal(fstat(fd, &about), 0);
    assert_int_equal(about.st_size, 4);
    real->sync(ring, tag, fd, whole);
}

static int looking_ring_new(struct ring **ring, const struct ring_options *options)
{
    int error = ring_new(ring, options);
    if (error)
        return error;
    real = (*ring)->ops;
    looking = *real;
    looking.sync = look_and_sync;
    (*ring)->ops = &looking;
    return 0;
}

static void is_synced_when_asked_to(void **state)
{
    char directory[] = "/tmp/ringsend-body-XXXXXX", path[64];
    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/0", directory);
    assert_int_equal(engine_new_on(&engine, NULL, looking_ring_new), 0);
    for (int sync = 0; sync < 2; sync++) {
        struct body_file body_file = {0};
        int error = 0;
        enum body_file_next next = body_file_begin(&body_file, engine, directory, "0", sync > 0,
                                                   sync > 0, SPAN("body"), &error);
        while (next == BODY_FILE_WAIT) {
            assert_true(ringsend_run(engine, RINGSEND_NEVER) >= 0);
            next = body_file_turn(&body_file, &error);
        }
        assert_int_equal(next, BODY_FILE_DONE);
        assert_int_equal(syncs, sync);
    }
    ringsend_free(engine);
    unlink(path);
    rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(keeps_lines),
        cmocka_unit_test(is_synced_when_asked_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
