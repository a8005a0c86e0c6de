/* Records read one after another, taken out, and with their data files: what those have who use no
 * engine for it. */
#include "records/data_file.h"
#include "records/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void make_file(const char *data, size_t bytes, char path[32])
{
    int fd = memfd_create("file", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, bytes), (ssize_t)bytes);
    snprintf(path, 32, "/proc/self/fd/%d", fd);
}

static void drop_file(const char *path)
{
    close((int)strtol(path + strlen("/proc/self/fd/"), NULL, 10));
}

/* What was taken outlives what comes after it, and the reader; bad records are told with their
 * place. */
static void records_are_taken(void **state)
{
    (void)state;
    static const char text[] = "{\"url\":\"http://a/1\",\"data\":\"one\"}\n\n"
                               "{\"url\":\"http://a/2\",\"nope\":1}\n"
                               "{\"url\":\"http://a/3\"}\n";
    static const struct ringsend_header no_headers[1];
    const struct record_defaults defaults = {.headers = no_headers, .key_header = SPAN("Key")};
    struct buf_pool pool;
    struct source source;
    struct record_reader reader;
    char path[32], *paths[] = {path};
    size_t failed;
    buf_pool_init(&pool);
    make_file(text, sizeof text - 1, path);
    assert_int_equal(source_open(&source, paths, 1, &failed), 0);
    assert_true(record_reader_init(&reader, &source, &pool, &defaults));

    assert_int_equal(record_reader_next(&reader), RECORD_READER_GOOD);
    struct record *first = record_reader_take(&reader);
    record_make_key(first, source.number);
    char key[RECORD_KEY_BYTES];
    memcpy(key, first->key, sizeof key);
    assert_int_equal(record_reader_next(&reader), RECORD_READER_BAD);
    assert_int_equal(reader.place.line, 3);
    assert_int_equal(reader.place.column, 22);
    assert_int_equal(record_reader_next(&reader), RECORD_READER_GOOD);
    assert_int_equal(reader.place.line, 4);
    assert_int_equal(record_reader_next(&reader), RECORD_READER_END);
    assert_int_equal(reader.records, 3);
    assert_int_equal(reader.bad, 1);
    record_reader_free(&reader);
    source_close(&source);
    drop_file(path);

    assert_true(span_equal(first->request.url, SPAN("http://a/1")));
    assert_true(span_equal(first->request.body, SPAN("one")));
    assert_int_equal(first->request.headers_count, 1);
    assert_memory_equal(first->request.headers[0].value.data, key, sizeof key);
    record_release(first, &pool);
    free(first);
    buf_pool_free(&pool);
}

static bool load(const char *path, struct buf_pool *pool, struct buf *into,
                 struct record_error *error)
{
    *error = (struct record_error){0};
    return data_file_now(span_of(path), pool, into, error);
}

/* Those that do not tell their size are read to their end, which is further than the first read
 * goes. */
static void files_are_loaded(void **state)
{
    (void)state;
    enum { BYTES = 100000 };
    static char data[BYTES];
    struct buf_pool pool;
    struct record_error error;
    char path[32];
    buf_pool_init(&pool);
    for (size_t i = 0; i < BYTES; i++)
        data[i] = (char)(i * 7);
    for (size_t bytes = 0; bytes <= BYTES; bytes += BYTES / 4) {
        struct buf into = {0};
        make_file(data, bytes, path);
        assert_true(load(path, &pool, &into, &error));
        assert_int_equal(into.bytes, bytes);
        if (bytes > 0)
            assert_memory_equal(into.data, data, bytes);
        drop_file(path);
        buf_release(&pool, &into);
    }
    struct buf into = {0};
    struct stat about;
    assert_int_equal(stat("/proc/self/smaps", &about), 0);
    assert_int_equal(about.st_size, 0);
    assert_true(load("/proc/self/smaps", &pool, &into, &error));
    assert_true(into.bytes > 16384);
    buf_release(&pool, &into);
    buf_pool_free(&pool);
}

static void other_files_are_refused(void **state)
{
    (void)state;
    struct buf_pool pool;
    struct record_error error;
    struct buf into = {0};
    buf_pool_init(&pool);
    assert_false(load("/nonexistent/file", &pool, &into, &error));
    assert_string_equal(error.detail, "No such file or directory: /nonexistent/file");
    assert_int_equal(error.error, RINGSEND_E_DATA_FILE);
    assert_false(load("/", &pool, &into, &error));
    assert_string_equal(error.detail, "not a regular file: /");
    assert_false(load("/dev/zero", &pool, &into, &error));
    assert_false(load("/proc/self/mem", &pool, &into, &error));
    assert_string_equal(error.detail, "Input/output error: /proc/self/mem");
    char path[32];
    make_file("", 0, path);
    assert_int_equal(truncate(path, (64 << 20) + 1), 0);
    assert_false(load(path, &pool, &into, &error));
    assert_non_null(strstr(error.detail, "larger than 64 MiB"));
    drop_file(path);
    buf_release(&pool, &into);
    buf_pool_free(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_taken),
        cmocka_unit_test(files_are_loaded),
        cmocka_unit_test(other_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
