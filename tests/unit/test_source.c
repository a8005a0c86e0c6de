/* Sources, read by read(2) in blocks of every size. What a source hands out is compared as one
 * text: "number:line:record|" for each record. */
#include "records/source.h"

#include "base/limits.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

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
    enum format format;
    const struct template_names *names;
    const char *error; /* part of the text that comes in the end; null: none */
    struct source_range range;
    const struct source_position *from;
    uint64_t skip_to;
    size_t block_bytes;
};

static size_t append(const struct source *s, const struct buf *record, char *text, size_t at)
{
    return at + (size_t)snprintf(text + at, TOLD_MAX - at, "%lu:%lu:%.*s|",
                                 (unsigned long)s->number, (unsigned long)s->line,
                                 (int)record->bytes, record->bytes > 0 ? record->data : "");
}

/* Of the last reading: of all its records. */
static uint64_t digest;

/* Everything from the position on; *after_first gets the position behind the first record. */
static void read_all(const struct inputs *inputs, const struct reading *how, char *text,
                     struct source_position *after_first)
{
    struct source s;
    size_t failed, at = 0;
    assert_int_equal(source_open(&s, inputs->list, inputs->count, &failed), 0);
    s.format = how->format;
    s.names = how->names;
    s.range = how->range;
    s.block_bytes = how->block_bytes;
    source_prove(&s, 7, 0, 0);
    if (how->from)
        source_seek(&s, how->from);
    source_skip_to(&s, how->skip_to);
    assert_true(source_start(&s, NULL, &pool));
    struct buf record = {0};
    enum source_next next;
    text[0] = '\0';
    while ((next = source_next(&s, &record)) != SOURCE_END) {
        assert_int_not_equal(next, SOURCE_WAIT);
        if (at == 0 && after_first)
            *after_first = source_position(&s);
        at = append(&s, &record, text, at);
        buf_release(&pool, &record);
    }
    if (how->error ? !s.error || !strstr(s.error_text, how->error) : s.error)
        fail_msg("error \"%s\", not \"%s\"", s.error_text, how->error ? how->error : "none");
    digest = source_digest(&s);
    source_close(&s);
    assert_int_equal(pool.used_bytes, 0);
}

/* However it comes, it is the same, and so is its digest. */
static void expect(const struct inputs *inputs, struct reading how, const char *wanted)
{
    char text[TOLD_MAX];
    uint64_t first = 0;
    for (how.block_bytes = 1; how.block_bytes <= 40; how.block_bytes++) {
        read_all(inputs, &how, text, NULL);
        assert_string_equal(text, wanted);
        first = how.block_bytes == 1 ? digest : first;
        assert_int_equal(digest, first);
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
static void expect_positions(const struct inputs *inputs, struct reading how, const char *wanted)
{
    for (how.block_bytes = 1; how.block_bytes < 40; how.block_bytes++) {
        struct source_position position = {0};
        uint64_t whole = 0;
        for (const char *rest = wanted; *rest; rest = strchr(rest, '|') + 1) {
            char text[TOLD_MAX];
            struct source_position from = position;
            how.from = &from;
            read_all(inputs, &how, text, &position);
            assert_string_equal(text, rest);
            whole = rest == wanted ? digest : whole;
            assert_int_equal(digest, whole);
        }
    }
}

static void test_positions(void **state)
{
    (void)state;
    struct inputs inputs = {.count = 0};
    add_text(&inputs, "\xef\xbb\xbf\na0\n \na1\r\n");
    add_text(&inputs, "b2\n\nb3\nb4");
    add_text(&inputs, "\n");
    add_text(&inputs, "c5");
    expect_positions(&inputs, (struct reading){0}, "0:2:a0|1:4:a1\r|2:1:b2|3:3:b3|4:4:b4|5:1:c5|");
    drop_inputs(&inputs);
}

static void test_positions_before_what_looks_compressed(void **state)
{
    (void)state;
    struct inputs inputs = {.count = 0};
    add_text(&inputs, "a\n\x1f\x8b\x08\n"
                      "BZh91AY&SY\n\xff\xfe");
    add_text(&inputs, "b");
    expect_positions(&inputs, (struct reading){.format = FORMAT_LINES},
                     "0:1:a|1:2:\x1f\x8b\x08|2:3:"
                     "BZh91AY&SY|3:4:\xff\xfe|4:1:b|");
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
    char text[TOLD_MAX];
    read_all(&inputs, &(struct reading){.from = &from}, text, NULL);
    assert_string_equal(text, "4:4:c|5:5:d|");
    drop_inputs(&inputs);
}

/* ---- JSON ---- */

static void expect_json(const char *text, const char *error, const char *wanted)
{
    struct inputs inputs = {.count = 0};
    add_text(&inputs, text);
    expect(&inputs, (struct reading){.format = FORMAT_JSON, .error = error}, wanted);
    drop_inputs(&inputs);
}

static void test_json_arrays(void **state)
{
    (void)state;
    expect_json("[]", NULL, "");
    expect_json(" [ ]\n", NULL, "");
    expect_json("", NULL, "");
    expect_json("[{\"a\":1},{\"b\":[2,{}]}]", NULL, "0:1:{\"a\":1}|1:1:{\"b\":[2,{}]}|");
    expect_json("\xef\xbb\xbf[\n  {\n    \"a\": 1\n  },\n  {\n  }\n]\n", NULL,
                "0:2:{\n    \"a\": 1\n  }|1:5:{\n  }|");
    expect_json("[\"a\\\"]\\\\\", 12 ,null,\n-1.5e3]", NULL,
                "0:1:\"a\\\"]\\\\\"|1:1:12|2:1:null|3:2:-1.5e3|");
    expect_json("[{\"a\":\"}]\\\"{\"},[\"[\"]]", NULL, "0:1:{\"a\":\"}]\\\"{\"}|1:1:[\"[\"]|");
    /* What is no JSON inside an element is the record's business. */
    expect_json("[{\"a\":],nonsense,{}]", NULL, "0:1:{\"a\":]|1:1:nonsense|2:1:{}|");
    expect_json("[{\"a\":[},nonsense,{}]", "line 1: the file ends within its array",
                "0:1:{\"a\":[},nonsense,{}]|");
    expect_json("[nonsense,{}]", NULL, "0:1:nonsense|1:1:{}|");
}

static void test_json_arrays_that_make_no_sense(void **state)
{
    (void)state;
    expect_json("[1,\n2", "line 2: the file ends within its array", "0:1:1|");
    expect_json("[1\n", "line 2: the file ends", "0:1:1|");
    expect_json("[{},\n{\"a\":\"", "line 2: the file ends", "0:1:{}|");
    expect_json("[1\n 2,3]", "line 2: expected ',' or ']'", "0:1:1|");
    expect_json("[1,\n,3]", "line 2: expected an element", "0:1:1|");
    expect_json("[1,]", "line 1: expected an element", "0:1:1|");
    expect_json("[1]\n]", "line 2: something follows", "0:1:1|");
}

static void test_json_values_one_after_another(void **state)
{
    (void)state;
    expect_json("{\"a\":1}{\n}\n\n 12 \"x\"\n[\n]", NULL,
                "0:1:{\"a\":1}|1:1:{\n}|2:4:12|3:4:\"x\"|4:5:[\n]|");
    expect_json("{\"a\":", NULL, "0:1:{\"a\":|");
    /* RFC 7464 */
    expect_json("\x1e{\n}\n\x1e"
                "2\n\x1e"
                "3\x1e",
                NULL, "0:1:{\n}|1:3:2|2:4:3|");
}

static void test_json_positions(void **state)
{
    (void)state;
    struct inputs inputs = {.count = 0};
    add_text(&inputs, "\xef\xbb\xbf\n[ 1,\n\n{\"a\":\n2} ,\"x\"\n]\n");
    add_text(&inputs, "{}\n\n{\n}\n3 4");
    add_text(&inputs, "[]");
    add_text(&inputs, "[[5]]");
    expect_positions(&inputs, (struct reading){.format = FORMAT_JSON},
                     "0:2:1|1:4:{\"a\":\n2}|2:5:\"x\"|3:1:{}|4:3:{\n}|5:5:3|6:5:4|7:1:[5]|");
    expect(&inputs, (struct reading){.format = FORMAT_JSON, .range = {.skip = 2, .limit = 2}},
           "2:5:\"x\"|3:1:{}|");
    drop_inputs(&inputs);
}

/* ---- vegeta's targets ---- */

static void expect_targets(const char *text, const char *wanted)
{
    struct inputs inputs = {.count = 0};
    add_text(&inputs, text);
    expect(&inputs, (struct reading){.format = FORMAT_VEGETA}, wanted);
    drop_inputs(&inputs);
}

static void test_targets(void **state)
{
    (void)state;
    expect_targets("", "");
    expect_targets("# nothing\n\n  # more", "");
    expect_targets("GET a\nGET b", "0:1:GET a\n|1:2:GET b|");
    expect_targets("GET a\r\n\tPUT\tb\r\n", "0:1:GET a\r\n\t|1:2:PUT\tb\r\n|");
    expect_targets("\n# c\nGET a\n# c\nX-A: 1\nHOST: b\nGET\n\n \nGET b\n",
                   "0:3:GET a\n# c\nX-A: 1\nHOST: b\nGET\n|1:10:GET b\n|");
    expect_targets("PUT a\nX: 1\n @f\nGET b\n@g\nX: 1\n",
                   "0:1:PUT a\nX: 1\n @f|1:4:GET b\n@g|2:6:X: 1\n|");
    expect_targets("{\"url\":\n {}\nGET a\n  {}\nx\n{}",
                   "0:1:{\"url\":|1:2:{}|2:3:GET a\n  |3:4:{}|"
                   "4:5:x\n|5:6:{}|");
    /* White space before a line, and what is too long for a method. */
    expect_targets("GET a\n                                             GET b",
                   "0:1:GET a\n                                             |1:2:GET b|");
    expect_targets("GET a\nABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF b\n",
                   "0:1:GET a\n|1:2:ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF b\n|");
    expect_targets("GET a\nABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG b\n",
                   "0:1:GET a\nABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG b\n|");
}

static void test_target_positions(void **state)
{
    (void)state;
    struct inputs inputs = {.count = 0};
    add_text(&inputs, "\n# c\nGET a\n  PUT b\nX: 1\n\n\n@f\nGET c\n");
    add_text(&inputs, "{}\nGET d\n \n#\nGET e");
    expect_positions(&inputs, (struct reading){.format = FORMAT_VEGETA},
                     "0:3:GET a\n  |1:4:PUT b\nX: 1\n|2:8:@f|3:9:GET c\n|4:1:{}|5:2:GET d\n |"
                     "6:5:GET e|");
    drop_inputs(&inputs);
}

/* ---- rows ---- */

static char id_column[] = "id", name_column[] = "name";
static const struct template_names id_and_name = {.names = {id_column, name_column}, .count = 2};

static void expect_rows(enum format format, const char *text, const char *error, const char *wanted)
{
    struct inputs inputs = {.count = 0};
    add_text(&inputs, text);
    expect(&inputs, (struct reading){.format = format, .names = &id_and_name, .error = error},
           wanted);
    drop_inputs(&inputs);
}

static void test_rows(void **state)
{
    (void)state;
    expect_rows(FORMAT_CSV, "", NULL, "");
    expect_rows(FORMAT_CSV, "\n\r\n", NULL, "");
    expect_rows(FORMAT_CSV, "id,name", NULL, "");
    expect_rows(FORMAT_CSV, "\xef\xbb\xbf\"id\",x,name\r\n1,2,3\r\n\r\n4,5,6", NULL,
                "0:2:1,2,3\r|1:4:4,5,6|");
    expect_rows(FORMAT_CSV, "name,id\n\"a\n\"\"b\",1\n\"\",\"\n\"\nc,\"", NULL,
                "0:2:\"a\n\"\"b\",1|1:4:\"\",\"\n\"|2:6:c,\"|");
    /* A quote inside a field opens nothing, and neither does one in the other delimiter's field. */
    expect_rows(FORMAT_CSV, "name,id\n5\" x,1\n2,3", NULL, "0:2:5\" x,1|1:3:2,3|");
    expect_rows(FORMAT_CSV, "name,id\n\t\"\n2,3", NULL, "0:2:\t\"|1:3:2,3|");
    expect_rows(FORMAT_TSV, "name\tid\n1\t\"\n\"\n,\"\n2", NULL, "0:2:1\t\"\n\"|1:4:,\"|2:5:2|");
}

static void test_headers_that_make_no_sense(void **state)
{
    (void)state;
    expect_rows(FORMAT_CSV, "\nId,name\n1,2\n", "line 2: its header has no column \"id\", only: Id",
                "");
    expect_rows(FORMAT_CSV, "id,name,id\n1,2,3\n", "the column \"id\" more than once", "");
    expect_rows(FORMAT_CSV, "id,na\"me\n1,2\n", "its header row, column 6: a quote", "");
    expect_rows(FORMAT_TSV, "id,name\n1,2\n", "no column \"id\"", "");
}

static void test_row_positions(void **state)
{
    (void)state;
    struct inputs inputs = {.count = 0};
    add_text(&inputs, "\xef\xbb\xbf\nid,name\n1,2\n\n\"\n\",3\n4,5");
    add_text(&inputs, "name,\"id\"\n6,7\n8,9\n");
    struct reading how = {.format = FORMAT_CSV, .names = &id_and_name};
    expect_positions(&inputs, how, "0:3:1,2|1:5:\"\n\",3|2:7:4,5|3:2:6,7|4:3:8,9|");
    how.range = (struct source_range){.skip = 4};
    expect(&inputs, how, "4:3:8,9|");
    drop_inputs(&inputs);
}

/* ---- compressed ---- */

struct packed {
    char data[2048];
    size_t bytes;
};

static void pack_gzip(struct packed *packed, const char *text)
{
    z_stream z = {0};
    char copy[512];
    snprintf(copy, sizeof copy, "%s", text);
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)copy;
    z.avail_in = (uInt)strlen(copy);
    z.next_out = (Bytef *)packed->data + packed->bytes;
    z.avail_out = (uInt)(sizeof packed->data - packed->bytes);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    packed->bytes = sizeof packed->data - z.avail_out;
    deflateEnd(&z);
}

static void pack_zstd(struct packed *packed, const char *text)
{
    size_t bytes = ZSTD_compress(packed->data + packed->bytes, sizeof packed->data - packed->bytes,
                                 text, strlen(text), 3);
    assert_false(ZSTD_isError(bytes));
    packed->bytes += bytes;
}

typedef void pack(struct packed *, const char *);
static pack *const packs[] = {pack_gzip, pack_zstd};

/* Members and frames one after another are one text; positions are places in it. */
static void test_compressed(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct packed packed = {.bytes = 0};
        packs[i](&packed, "\xef\xbb\xbf"
                          "a\nb");
        packs[i](&packed, "");
        packs[i](&packed, "c\n\nddddddddddddddddddddddddddddddddddddddddddddd");
        struct inputs inputs = {.count = 0};
        add_input(&inputs, packed.data, packed.bytes);
        add_text(&inputs, "e");
        expect_positions(&inputs, (struct reading){0},
                         "0:1:a|1:2:bc|2:4:ddddddddddddddddddddddddddddddddddddddddddddd|3:1:e|");
        drop_inputs(&inputs);
    }
}

static void pack_bytes(struct packed *packed, const char *data, size_t bytes)
{
    memcpy(packed->data + packed->bytes, data, bytes);
    packed->bytes += bytes;
}

static void expect_packed(const struct packed *packed, const char *error, const char *wanted)
{
    struct inputs inputs = {.count = 0};
    add_input(&inputs, packed->data, packed->bytes);
    expect(&inputs, (struct reading){.error = error}, wanted);
    drop_inputs(&inputs);
}

/* Zeros between members and behind them are nothing; anything else behind them is told, and loses
 * nothing of what was whole. */
static void test_what_follows_compressed_data(void **state)
{
    (void)state;
    static const char zeros[100], rubbish[] = "rubbish\n";
    for (unsigned i = 0; i < 2; i++) {
        struct packed packed = {.bytes = 0};
        packs[i](&packed, "a\n");
        pack_bytes(&packed, zeros, sizeof zeros);
        packs[i](&packed, "b");
        pack_bytes(&packed, zeros, 1);
        expect_packed(&packed, NULL, "0:1:a|1:2:b|");
        pack_bytes(&packed, rubbish, sizeof rubbish - 1);
        expect_packed(&packed, "data are whole", "0:1:a|1:2:b|");
    }
    struct packed both = {.bytes = 0};
    pack_gzip(&both, "a\n");
    pack_zstd(&both, "b\n");
    expect_packed(&both, "the gzip data are whole", "0:1:a|");
}

/* pzstd begins with one; they may stand between any two frames (RFC 8878 3.1.2). */
static void test_skippable_frames(void **state)
{
    (void)state;
    static const char first[] = "\x50\x2a\x4d\x18\4\0\0\0abcd",
                      other[] = "\x5f\x2a\x4d\x18\0\0\0\0";
    struct packed packed = {.bytes = 0};
    pack_bytes(&packed, first, sizeof first - 1);
    pack_zstd(&packed, "a\n");
    pack_bytes(&packed, other, sizeof other - 1);
    pack_bytes(&packed, first, sizeof first - 1);
    pack_zstd(&packed, "b\n");
    pack_bytes(&packed, other, sizeof other - 1);
    expect_packed(&packed, NULL, "0:1:a|1:2:b|");
}

/* Frames of one raw block; the byte behind the descriptor says the window (RFC 8878 3.1.1.1.2). */
static void test_windows_of_zstd(void **state)
{
    (void)state;
    for (int bits = 20; bits <= 31; bits++) {
        char frame[] = {0x28,       (char)0xb5, 0x2f, (char)0xfd, 0,   (char)((bits - 10) << 3),
                        2 << 3 | 1, 0,          0,    'a',        '\n'};
        struct packed packed = {.bytes = 0};
        pack_bytes(&packed, frame, sizeof frame);
        if (bits <= 27)
            expect_packed(&packed, NULL, "0:1:a|");
        else
            expect_packed(&packed, "larger than 128 MiB", "");
    }
}

static void test_what_is_not_read_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *name, *start;
        size_t bytes;
    } rows[] = {
        {"bzip2", "BZh91AY&SY\1\2", 12},
        {"xz",
         "\xfd"
         "7zXZ\0\0",
         7},
        {"lz4", "\x04\x22\x4d\x18@", 5},
        {"zip", "PK\3\4\x14", 5},
        {"7-Zip", "7z\xbc\xaf\x27\x1c\0", 7},
        {"lzip", "LZIP\1\x14", 6},
        {"compress", "\x1f\x9d\x90", 3},
        {"Parquet", "PAR1\x15\x04", 6},
        {"UTF-16", "\xff\xfe{\0", 4},
        {"UTF-16", "\xfe\xff\0{", 4},
        {"UTF-16LE", "{\0\"\0", 4},
        {"UTF-16BE", "\0{\0\"", 4},
        {"UTF-32", "\xff\xfe\0\0", 4},
        {"UTF-32", "\0\0\xfe\xff", 4},
        {"UTF-32LE", "{\0\0\0", 4},
        {"UTF-32BE", "\0\0\0{", 4},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct packed packed = {.bytes = 0};
        pack_bytes(&packed, rows[i].start, rows[i].bytes);
        expect_packed(&packed, rows[i].name, "");
    }
}

/* They begin as one of those does. */
static void test_text_that_looks_like_another_coding(void **state)
{
    (void)state;
    static const char *const texts[] = {"BZh9", "BZh91AY", "PK", "PAR1,x", "LZIP",
                                        "7z",   "P",       "P*", "x"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char wanted[40];
        snprintf(wanted, sizeof wanted, "0:1:%s|", texts[i]);
        expect_text(texts[i], wanted);
    }
}

/* Cut anywhere it is an error that says so, and no half record comes out of it. */
static void test_compressed_and_truncated(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct packed packed = {.bytes = 0};
        packs[i](&packed, "first\nsecond");
        for (size_t bytes = 5; bytes < packed.bytes; bytes++) {
            struct inputs inputs = {.count = 0};
            add_input(&inputs, packed.data, bytes);
            add_text(&inputs, "x");
            char text[TOLD_MAX];
            read_all(&inputs, &(struct reading){.error = "it ends too early"}, text, NULL);
            const char *rest = strncmp(text, "0:1:first|", 10) == 0 ? text + 10 : text;
            assert_string_equal(rest, rest == text ? "0:1:x|" : "1:1:x|");
            drop_inputs(&inputs);
        }
    }
}

static void test_compressed_and_damaged(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct packed packed = {.bytes = 0};
        packs[i](&packed, "first\nsecond\n");
        size_t at = i == 0 ? packed.bytes - 6 : 4; /* the check sum; the frame's descriptor */
        packed.data[at] = (char)(packed.data[at] ^ (i == 0 ? 1 : 0x08));
        struct inputs inputs = {.count = 0};
        add_input(&inputs, packed.data, packed.bytes);
        char text[TOLD_MAX];
        read_all(&inputs,
                 &(struct reading){.error = i == 0 ? "damaged gzip data: incorrect data"
                                                   : "damaged zstd data: Unsupported"},
                 text, NULL);
        drop_inputs(&inputs);
    }
}

/* ---- limits ---- */

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
        cmocka_unit_test(test_positions_before_what_looks_compressed),
        cmocka_unit_test(test_position_in_a_pipe),
        cmocka_unit_test(test_json_arrays),
        cmocka_unit_test(test_json_arrays_that_make_no_sense),
        cmocka_unit_test(test_json_values_one_after_another),
        cmocka_unit_test(test_json_positions),
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_target_positions),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_headers_that_make_no_sense),
        cmocka_unit_test(test_row_positions),
        cmocka_unit_test(test_compressed),
        cmocka_unit_test(test_compressed_and_truncated),
        cmocka_unit_test(test_compressed_and_damaged),
        cmocka_unit_test(test_what_follows_compressed_data),
        cmocka_unit_test(test_skippable_frames),
        cmocka_unit_test(test_windows_of_zstd),
        cmocka_unit_test(test_what_is_not_read_is_named),
        cmocka_unit_test(test_text_that_looks_like_another_coding),
        cmocka_unit_test(test_lines_of_16_mib),
        cmocka_unit_test(test_what_cannot_be_opened_is_named),
    };
    buf_pool_init(&pool);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buf_pool_free(&pool);
    return failed;
}
