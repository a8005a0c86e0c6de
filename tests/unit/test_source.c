/* Sources, read by read(2) in blocks of every size. What a source hands out is compared as one
 * text: "number:line:record|" for each record. */
#include "batch/source.h"

#include "base/limits.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { INPUTS_MAX = 4, TOLD_MAX = 4096 };

static struct buf_pool pool;

struct inputs {
    char paths[INPUTS_MAX][32];
    char *list[INPUTS_MAX];
    size_t count;
};

static void add_input(struct inputs *inputs, const char *data, size_t bytes)
{
    int fd = memfd_create("input", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, bytes), (ssize_t)bytes);
    char *path = inputs->paths[inputs->count];
    snprintf(path, sizeof inputs->paths[0], "/proc/self/fd/%d", fd);
    inputs->list[inputs->count++] = path;
}

static void add_text(struct inputs *inputs, const char *text)
{
    add_input(inputs, text, strlen(text));
}

static void drop_inputs(struct inputs *inputs)
{
    for (size_t i = 0; i < inputs->count; i++)
        close((int)strtol(inputs->paths[i] + strlen("/proc/self/fd/"), NULL, 10));
}

struct reading {
    struct source_range range;
    const struct source_position *from;
    uint64_t skip_to;
    size_t block_bytes;
};

static size_t tell(const struct source *s, const struct buf *record, char *told, size_t at)
{
    return at + (size_t)snprintf(told + at, TOLD_MAX - at, "%lu:%lu:%.*s|",
                                 (unsigned long)s->number, (unsigned long)s->line,
                                 (int)record->bytes, record->bytes > 0 ? record->data : "");
}

/* Everything from the position on; *after_first gets the position behind the first record. */
static void read_all(const struct inputs *inputs, const struct reading *how, char *told,
                     struct source_position *after_first)
{
    struct source s;
    size_t failed, at = 0;
    assert_int_equal(source_open(&s, inputs->list, inputs->count, &failed), 0);
    s.range = how->range;
    s.block_bytes = how->block_bytes;
    if (how->from)
        source_seek(&s, how->from);
    source_skip_to(&s, how->skip_to);
    assert_true(source_start(&s, NULL, &pool));
    struct buf record = {0};
    enum source_next next;
    told[0] = '\0';
    while ((next = source_next(&s, &record)) != SOURCE_END) {
        assert_int_not_equal(next, SOURCE_WAIT);
        if (at == 0 && after_first)
            *after_first = source_position(&s);
        at = tell(&s, &record, told, at);
        buf_release(&pool, &record);
    }
    assert_int_equal(s.error, 0);
    source_close(&s);
    assert_int_equal(pool.used_bytes, 0);
}

static void expect(const struct inputs *inputs, struct reading how, const char *wanted)
{
    char told[TOLD_MAX];
    for (how.block_bytes = 1; how.block_bytes <= 40; how.block_bytes++) {
        read_all(inputs, &how, told, NULL);
        assert_string_equal(told, wanted);
    }
}

static void expect_text(const char *text, const char *wanted)
{
    struct inputs inputs = {.count = 0};
    add_text(&inputs, text);
    expect(&inputs, (struct reading){0}, wanted);
    drop_inputs(&inputs);
}

static void test_lines(void **state)
{
    (void)state;
    expect_text("", "");
    expect_text("\n\n \t\r\n", "");
    expect_text("a\nbc\n", "0:1:a|1:2:bc|");
    expect_text("a\r\n\n  \nb", "0:1:a\r|1:4:b|");
    expect_text("\n\na\n ", "0:3:a|");
}

static void test_byte_order_mark(void **state)
{
    (void)state;
    expect_text("\xef\xbb\xbf"
                "a\nb\n",
                "0:1:a|1:2:b|");
    expect_text("\xef\xbb\xbf\na\n", "0:2:a|");
    expect_text("\xef\xbb\xbf", "");
    expect_text("\xef\xbb", "0:1:\xef\xbb|");
    expect_text("\xef\xbb\n", "0:1:\xef\xbb|");
    expect_text("\xef\xef\xbb\xbf\n", "0:1:\xef\xef\xbb\xbf|");
    expect_text("a\n\xef\xbb\xbf\n", "0:1:a|1:2:\xef\xbb\xbf|");
}

static void test_several_inputs(void **state)
{
    (void)state;
    struct inputs inputs = {.count = 0};
    add_text(&inputs, "a\nb");
    add_text(&inputs, "");
    add_text(&inputs, "\xef\xbb\xbf\nc\n");
    add_text(&inputs, "d");
    expect(&inputs, (struct reading){0}, "0:1:a|1:2:b|2:2:c|3:1:d|");
    drop_inputs(&inputs);
}

/* Blank lines have no number, wherever they stand; those of passed records stay theirs. */
static void test_ranges(void **state)
{
    (void)state;
    struct inputs inputs = {.count = 0};
    add_text(&inputs, "\na0\n \na1\n");
    add_text(&inputs, "\xef\xbb\xbf\r\nb2\n\nb3\nb4");
    expect(&inputs, (struct reading){.range = {.skip = 1}}, "1:4:a1|2:2:b2|3:4:b3|4:5:b4|");
    expect(&inputs, (struct reading){.range = {.limit = 3}}, "0:2:a0|1:4:a1|2:2:b2|");
    expect(&inputs, (struct reading){.range = {.skip = 2, .limit = 2}}, "2:2:b2|3:4:b3|");
    expect(&inputs, (struct reading){.range = {.skip = 9}}, "");
    expect(&inputs, (struct reading){.range = {.shards = 1}},
           "0:2:a0|1:4:a1|2:2:b2|3:4:b3|4:5:b4|");
    expect(&inputs, (struct reading){.range = {.shard = 1, .shards = 3}}, "1:4:a1|4:5:b4|");
    expect(&inputs, (struct reading){.range = {.skip = 1, .limit = 3, .shard = 0, .shards = 2}},
           "2:2:b2|");
    expect(&inputs, (struct reading){.skip_to = 3}, "3:4:b3|4:5:b4|");
    drop_inputs(&inputs);
}

/* From the position behind each record the rest comes as if nothing had happened. */
static void test_positions(void **state)
{
    (void)state;
    struct inputs inputs = {.count = 0};
    add_text(&inputs, "\xef\xbb\xbf\na0\n \na1\r\n");
    add_text(&inputs, "b2\n\nb3\nb4");
    add_text(&inputs, "\n");
    add_text(&inputs, "c5");
    const char *wanted = "0:2:a0|1:4:a1\r|2:1:b2|3:3:b3|4:4:b4|5:1:c5|";
    for (size_t block_bytes = 1; block_bytes < 40; block_bytes++) {
        struct source_position position = {0};
        const char *rest = wanted;
        for (unsigned records = 6; records > 0; records--) {
            char told[TOLD_MAX];
            struct source_position from = position;
            read_all(&inputs, &(struct reading){.from = &from, .block_bytes = block_bytes}, told,
                     &position);
            assert_string_equal(told, rest);
            rest = strchr(rest, '|') + 1;
        }
    }
    drop_inputs(&inputs);
}

/* What cannot be jumped in is read up to the position. */
static void test_position_in_a_pipe(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "a\nb\n\nc\nd\n", 9), 9);
    close(ends[1]);
    struct inputs inputs = {.count = 0};
    add_text(&inputs, "x\ny\n");
    snprintf(inputs.paths[1], sizeof inputs.paths[1], "/proc/self/fd/%d", ends[0]);
    inputs.list[1] = inputs.paths[1];
    inputs.count = 2;
    struct source_position from = {.input = 1, .number = 4, .index = 2, .offset = 4, .lines = 2};
    char told[TOLD_MAX];
    read_all(&inputs, &(struct reading){.from = &from}, told, NULL);
    assert_string_equal(told, "4:4:c|5:5:d|");
    drop_inputs(&inputs);
}

static void test_lines_of_16_mib(void **state)
{
    (void)state;
    size_t bytes = LIMIT_LINE_BYTES;
    char *text = malloc(bytes + 16);
    assert_non_null(text);
    for (unsigned more = 0; more < 4; more++) { /* at the limit, with CR, above, with CR above */
        struct inputs inputs = {.count = 0};
        memset(text, 'x', bytes + 16);
        size_t end = bytes + (more > 1);
        if (more % 2)
            text[end++] = '\r';
        text[end++] = '\n';
        text[end++] = 'y';
        add_input(&inputs, text, end);
        struct source s;
        size_t failed;
        struct buf record = {0};
        assert_int_equal(source_open(&s, inputs.list, 1, &failed), 0);
        assert_true(source_start(&s, NULL, &pool));
        assert_int_equal(source_next(&s, &record), more > 1 ? SOURCE_TOO_LONG : SOURCE_RECORD);
        assert_int_equal(record.bytes, more > 1 ? 0 : bytes + more);
        buf_release(&pool, &record);
        assert_int_equal(source_next(&s, &record), SOURCE_RECORD);
        assert_int_equal(s.number, 1);
        assert_int_equal(s.line, 2);
        buf_release(&pool, &record);
        assert_int_equal(source_next(&s, &record), SOURCE_END);
        source_close(&s);
        drop_inputs(&inputs);
    }
    free(text);
}

static void test_what_cannot_be_opened_is_named(void **state)
{
    (void)state;
    struct source s;
    size_t failed;
    char here[] = ".", nowhere[] = "/nowhere/at/all";
    char *paths[] = {nowhere, here};
    assert_int_equal(source_open(&s, paths, 2, &failed), ENOENT);
    assert_int_equal(failed, 0);
    assert_int_equal(source_open(&s, paths + 1, 1, &failed), EISDIR);
    assert_int_equal(failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_byte_order_mark),
        cmocka_unit_test(test_several_inputs),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_positions),
        cmocka_unit_test(test_position_in_a_pipe),
        cmocka_unit_test(test_lines_of_16_mib),
        cmocka_unit_test(test_what_cannot_be_opened_is_named),
    };
    buf_pool_init(&pool);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buf_pool_free(&pool);
    return failed;
}
