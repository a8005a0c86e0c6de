/* What a failed sync left in memory alone goes to the disk with the next one: Linux calls such
 * pages clean, so they must be written to again. What this process has made dirty is told by the
 * kernel, in /proc/self/io; where it does not count (a file system in memory), only contents are
 * judged. */
#include "journal/fingerprint.h"
#include "journal/journal.h"
#include "results/tail.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { BYTES = 200000 };

static uint64_t dirtied(void)
{
    static const char name[] = "write_bytes: ";
    uint64_t bytes = 0;
    char line[64];
    FILE *io = fopen("/proc/self/io", "r");
    while (io && fgets(line, sizeof line, io))
        if (strncmp(line, name, sizeof name - 1) == 0)
            bytes = strtoull(line + sizeof name - 1, NULL, 10);
    if (io)
        fclose(io);
    return bytes;
}

static int made(char path[32], int flags)
{
    static char data[BYTES];
    snprintf(path, 32, "/var/tmp/ringsend-lost-XXXXXX");
    int fd = mkostemp(path, flags);
    assert_true(fd >= 0);
    for (size_t i = 0; i < BYTES; i++)
        data[i] = (char)(i * 31 % 251);
    assert_int_equal(write(fd, data, BYTES), BYTES);
    return fd;
}

static void is_unchanged(int fd)
{
    static char data[BYTES + 1];
    assert_int_equal(pread(fd, data, sizeof data, 0), BYTES);
    for (size_t i = 0; i < BYTES; i++)
        assert_int_equal(data[i], (char)(i * 31 % 251));
}

static void a_tail_is_written_again(void **state)
{
    (void)state;
    for (int appends = 0; appends < 2; appends++) {
        char path[32];
        uint64_t before = dirtied();
        int fd = made(path, appends ? O_APPEND : 0);
        bool counts = dirtied() - before >= BYTES;
        assert_int_equal(fdatasync(fd), 0);
        before = dirtied();
        assert_int_equal(tail_sync(fd, BYTES, BYTES), 0);
        if (counts)
            assert_int_equal(dirtied(), before);
        assert_int_equal(tail_sync(fd, 50000, BYTES), 0);
        if (counts)
            assert_true(dirtied() - before >= BYTES - 50000);
        is_unchanged(fd);
        assert_int_equal(!!(fcntl(fd, F_GETFL) & O_APPEND), appends);
        assert_int_equal(tail_sync(fd, 0, BYTES + 1), EIO); /* it is shorter */
        is_unchanged(fd);
        close(fd);
        fd = open(path, O_WRONLY);
        assert_int_equal(tail_sync(fd, BYTES, BYTES), 0);
        assert_int_equal(tail_sync(fd, 0, BYTES), EBADF);
        close(fd);
        unlink(path);
    }
}

static uint64_t sync_and_settle(const char *path, bool sync)
{
    struct journal *journal;
    struct journal_sizes sizes = {0};
    assert_int_equal(journal_open(&journal, path, sync), JOURNAL_OK);
    assert_int_equal(fdatasync(journal_fd(journal)), 0);
    uint64_t before = dirtied();
    assert_int_equal(journal_recover(journal, -1, -1, &sizes), JOURNAL_OK);
    assert_int_equal(journal_settle(journal, sizes), 0);
    journal_close(journal);
    return dirtied() - before;
}

static void a_journal_is_written_again(void **state)
{
    static const struct fingerprint nothing;
    static const struct source_range everything;
    const struct journal_plan plan = {.fingerprint = &nothing, .range = &everything};
    struct journal *journal;
    struct stat about;
    char path[32];
    (void)state;
    uint64_t before = dirtied();
    int fd = made(path, 0);
    bool counts = dirtied() - before >= BYTES;
    close(fd);
    unlink(path);
    assert_int_equal(journal_create(&journal, path, &plan, false), JOURNAL_OK);
    assert_int_equal(journal_take_place(journal), 0);
    assert_int_equal(journal_reserve(journal, 1000000), 0);
    assert_int_equal(fstat(journal_fd(journal), &about), 0);
    journal_close(journal);
    uint64_t little = sync_and_settle(path, false), all = sync_and_settle(path, true);
    if (counts) {
        assert_true(little < all);
        assert_true(all >= (uint64_t)about.st_blocks * 512 / 2);
    }
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tail_is_written_again),
        cmocka_unit_test(a_journal_is_written_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
