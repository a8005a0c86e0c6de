/* What is parked comes back as it was, or not at all. */
#include "journal/parked.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/ringsend-parked-XXXXXX", path[64];

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof path, "%s/parked", directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(directory);
}

static const struct parked_item items[] = {
    {.number = 3, .result = {"three\n", 6}, .write_out = {"3", 1}, .failed = true},
    {.number = 4, .result = {"", 0}, .write_out = {"", 0}},
    {.number = UINT64_MAX - 1, .result = {"\0\xff", 2}, .write_out = {"", 0}},
};
enum { ITEMS = sizeof items / sizeof *items };

static struct fingerprint fingerprint_of(const char *url)
{
    struct fingerprint f = {0};
    fingerprint_add(&f, "--url", span_of(url));
    return f;
}

static void comes_back(void **state)
{
    (void)state;
    struct fingerprint f = fingerprint_of("a");
    struct parked *parked;
    size_t count;
    assert_int_equal(parked_read(&parked, path, &f), PARKED_NONE);
    assert_int_equal(parked_write(path, &f, items, 1, false), 0);
    assert_int_equal(parked_write(path, &f, items, ITEMS, true), 0); /* in its place */
    assert_int_equal(parked_read(&parked, path, &f), PARKED_OK);
    const struct parked_item *back = parked_items(parked, &count);
    assert_int_equal(count, ITEMS);
    for (size_t i = 0; i < ITEMS; i++) {
        assert_ptr_equal(parked_find(parked, items[i].number), &back[i]);
        assert_true(span_equal(back[i].result, items[i].result));
        assert_true(span_equal(back[i].write_out, items[i].write_out));
        assert_int_equal(back[i].failed, items[i].failed);
    }
    assert_null(parked_find(parked, 5));
    assert_null(parked_find(NULL, 3));
    parked_free(parked);
    assert_true(parked_remove(path));
    assert_true(parked_remove(path));
}

static void another_run_has_others(void **state)
{
    (void)state;
    struct fingerprint a = fingerprint_of("a"), b = fingerprint_of("b");
    struct parked *parked;
    assert_int_equal(parked_write(path, &a, items, ITEMS, false), 0);
    assert_int_equal(parked_read(&parked, path, &b), PARKED_FOREIGN);
    assert_true(parked_remove(path));
}

/* Whatever byte of it is another one, and wherever it ends. */
static void nothing_is_made_up(void **state)
{
    (void)state;
    struct fingerprint f = fingerprint_of("a");
    struct parked *parked;
    struct stat about;
    assert_int_equal(parked_write(path, &f, items, ITEMS, false), 0);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(fstat(fd, &about), 0);
    for (off_t at = 0; at < about.st_size; at++) {
        unsigned char byte, other;
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        for (unsigned bit = 0; bit < 8; bit++) {
            other = (unsigned char)(byte ^ 1u << bit);
            assert_int_equal(pwrite(fd, &other, 1, at), 1);
            assert_in_range(parked_read(&parked, path, &f), PARKED_FOREIGN, PARKED_DAMAGED);
        }
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    }
    for (off_t end = about.st_size - 1; end >= 0; end--) {
        assert_int_equal(ftruncate(fd, end), 0);
        assert_in_range(parked_read(&parked, path, &f), PARKED_FOREIGN, PARKED_DAMAGED);
    }
    close(fd);
    assert_false(parked_remove(path)); /* empty, so somebody else's */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back),
        cmocka_unit_test(another_run_has_others),
        cmocka_unit_test(nothing_is_made_up),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
