/* The journal, through its door: states, places, what is taken for the same run, and the recovery
 * from a death between any two steps of a block.
 *
 * A death is a copy: the two files and the journal are copied as they stand, which is what a kill
 * leaves, and a journal is opened over the copies. */
#include "journal/journal.h"

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

enum { RECORDS_MAX = 100, PATH_BYTES = 256 };

static char directory[64];

static const char *path_of(const char *name)
{
    static char paths[8][PATH_BYTES];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, PATH_BYTES, "%s/%s", directory, name);
    return path;
}

static int make_directory(void **state)
{
    (void)state;
    snprintf(directory, sizeof directory, "/tmp/ringsend-journal-XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    static const char *const names[] = {"journal", "results", "failed", "copy", "a", "b"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(path_of(names[i]));
    return rmdir(directory);
}

static const struct source_range everything;
static const struct fingerprint nothing;
static const struct journal_plan plain = {
    .fingerprint = &nothing, .range = &everything, .has_failed = true};

static struct journal *create(void)
{
    struct fingerprint fingerprint = {.salt = "salt"};
    struct journal_plan plan = plain;
    struct journal *journal;
    plan.fingerprint = &fingerprint;
    fingerprint_add(&fingerprint, "--url", SPAN("http://host/"));
    assert_int_equal(journal_create(&journal, path_of("journal"), &plan, true), JOURNAL_OK);
    assert_int_equal(journal_take_place(journal), 0);
    return journal;
}

static struct journal *reopen(const char *name)
{
    struct journal *journal = NULL;
    assert_int_equal(journal_open(&journal, path_of(name), false), JOURNAL_OK);
    return journal;
}

static void read_records(struct journal *journal, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        assert_int_equal(journal_reserve(journal, i), 0);
        journal_read(journal, i, 1000 + i);
    }
}

static void set_sent(struct journal *journal, uint64_t number)
{
    unsigned char mask, *byte = journal_sent(journal, number, &mask);
    *byte |= mask;
}

/* One block with results of ten bytes each, all written. */
static void finish(struct journal *journal, const uint64_t *numbers, size_t count,
                   struct journal_sizes sizes)
{
    struct journal_entry entries[RECORDS_MAX];
    assert_true(count <= RECORDS_MAX);
    for (size_t i = 0; i < count; i++)
        entries[i] = (struct journal_entry){.record = numbers[i], .result_bytes = 10};
    assert_int_equal(journal_intend(journal, entries, count, sizes), 0);
    journal_written(journal);
}

/* ---- states ---- */

static void states_outlive_the_process(void **state)
{
    struct journal *journal = create();
    (void)state;
    read_records(journal, 5);
    set_sent(journal, 1);
    set_sent(journal, 3);
    finish(journal, (uint64_t[]){3, 0}, 2, (struct journal_sizes){0});
    journal_close(journal);
    journal = reopen("journal");
    static const enum journal_state wanted[] = {JOURNAL_DONE, JOURNAL_SENT, JOURNAL_UNSENT,
                                                JOURNAL_DONE, JOURNAL_UNSENT};
    for (uint64_t i = 0; i < 5; i++)
        assert_int_equal(journal_state(journal, i), wanted[i]);
    assert_int_equal(journal_state(journal, 1ull << 40), JOURNAL_UNSENT);
    struct journal_counts counts = journal_count(journal);
    assert_int_equal(counts.done, 2);
    assert_int_equal(counts.not_ok, 0);
    assert_int_equal(counts.in_doubt, 1);
    assert_int_equal(counts.left, 2);
    assert_false(counts.input_ended);
    assert_int_equal(journal_records(journal), 5);
    assert_int_equal(journal_digest(journal), 1004);
    journal_input_ended(journal);
    assert_true(journal_count(journal).input_ended);
    journal_remove(journal);
    assert_int_equal(access(path_of("journal"), F_OK), -1);
}

/* Neighbours share a byte, chunks follow each other, and bits stay at their addresses. */
static void states_are_independent(void **state)
{
    enum { COUNT = 200000 };
    struct journal *journal = create();
    unsigned char first_mask, *first;
    (void)state;
    read_records(journal, 1);
    first = journal_sent(journal, 0, &first_mask);
    read_records(journal, COUNT);
    assert_ptr_equal(journal_sent(journal, 0, &first_mask), first);
    for (uint64_t i = 0; i < COUNT; i += 3)
        set_sent(journal, i);
    for (uint64_t i = 0; i < COUNT; i += 1000)
        finish(journal, &i, 1, (struct journal_sizes){0});
    journal_close(journal);
    journal = reopen("journal");
    for (uint64_t i = 0; i < COUNT; i++)
        assert_int_equal(journal_state(journal, i), i % 1000 == 0 ? JOURNAL_DONE
                                                    : i % 3 == 0  ? JOURNAL_SENT
                                                                  : JOURNAL_UNSENT);
    journal_remove(journal);
}

static void next_open_jumps(void **state)
{
    enum { COUNT = 150000 };
    struct journal *journal = create();
    (void)state;
    read_records(journal, COUNT);
    assert_int_equal(journal_next_open(journal, 0), 0);
    for (uint64_t i = 0; i < COUNT; i++) {
        if (i != 77777 && i != 140001)
            finish(journal, &i, 1, (struct journal_sizes){0});
    }
    assert_int_equal(journal_next_open(journal, 0), 77777);
    assert_int_equal(journal_next_open(journal, 77777), 77777);
    assert_int_equal(journal_next_open(journal, 77778), 140001);
    assert_int_equal(journal_next_open(journal, 140002), COUNT);
    assert_int_equal(journal_next_open(journal, COUNT + 5), COUNT + 5);
    journal_remove(journal);
}

/* What the range does not want is neither open nor left. */
static void ranges_are_kept(void **state)
{
    struct source_range range = {.skip = 10, .limit = 100, .shard = 1, .shards = 3};
    struct journal_plan plan = plain;
    struct journal *journal;
    (void)state;
    plan.range = &range;
    assert_int_equal(journal_create(&journal, path_of("journal"), &plan, false), JOURNAL_OK);
    read_records(journal, 120);
    /* 10, 13 ... 109 */
    assert_int_equal(journal_count(journal).left, 34);
    assert_int_equal(journal_next_open(journal, 0), 10);
    finish(journal, (uint64_t[]){10, 13}, 2, (struct journal_sizes){0});
    assert_int_equal(journal_next_open(journal, 0), 16);
    assert_int_equal(journal_next_open(journal, 17), 19);
    assert_int_equal(journal_count(journal).left, 32);
    journal_remove(journal);
}

static void places_are_found_again(void **state)
{
    struct journal *journal = create();
    struct source_position got, kept[20];
    (void)state;
    read_records(journal, 20ull * JOURNAL_STRIDE);
    assert_false(journal_place(journal, 1000000, &got));
    for (uint64_t i = 1; i < 20; i += 2) {
        kept[i] = (struct source_position){
            .input = i, .number = i * JOURNAL_STRIDE + 5, .index = i, .offset = i * 1000};
        journal_pass(journal, &kept[i]);
        /* The first one of a stretch is kept. */
        journal_pass(journal,
                     &(struct source_position){.number = i * JOURNAL_STRIDE + 9, .offset = 1});
    }
    journal_close(journal);
    journal = reopen("journal");
    assert_false(journal_place(journal, JOURNAL_STRIDE + 4, &got));
    assert_true(journal_place(journal, JOURNAL_STRIDE + 5, &got));
    assert_memory_equal(&got, &kept[1], sizeof got);
    assert_true(journal_place(journal, 3 * JOURNAL_STRIDE + 4, &got));
    assert_memory_equal(&got, &kept[1], sizeof got);
    assert_true(journal_place(journal, UINT64_MAX, &got));
    assert_memory_equal(&got, &kept[19], sizeof got);
    journal_remove(journal);
}

/* ---- a death between any two steps ---- */

static void write_at_end(const char *name, char letter, size_t bytes)
{
    char text[64];
    int fd = open(path_of(name), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && bytes <= sizeof text);
    memset(text, letter, sizeof text);
    assert_int_equal(write(fd, text, bytes), bytes);
    close(fd);
}

static uint64_t size_of(const char *name)
{
    struct stat about;
    return stat(path_of(name), &about) == 0 ? (uint64_t)about.st_size : 0;
}

/* Without the holes, of which it is full. */
static void copy_journal(void)
{
    static char buffer[1 << 18];
    int from = open(path_of("journal"), O_RDONLY | O_CLOEXEC);
    int to = open(path_of("copy"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(from >= 0 && to >= 0);
    for (off_t at = 0, end; (at = lseek(from, at, SEEK_DATA)) >= 0; at = end) {
        end = lseek(from, at, SEEK_HOLE);
        assert_true(end - at <= (off_t)sizeof buffer);
        assert_int_equal(pread(from, buffer, (size_t)(end - at), at), end - at);
        assert_int_equal(pwrite(to, buffer, (size_t)(end - at), at), end - at);
    }
    assert_int_equal(ftruncate(to, lseek(from, 0, SEEK_END)), 0);
    close(from);
    close(to);
}

/* The block of the tests: its lines have 5, 7 and 9 bytes; the middle one is not ok and adds 4 to
 * the failed ones. Before it there are 20 and 6 bytes. */
static const struct journal_entry block[] = {{2, 5, 0, 0, 0}, {0, 7, 1, 4, 0}, {1, 9, 0, 0, 0}};
static const struct journal_sizes before = {20, 6};

/* The run dies now, `done` of the block's records have their results, and a new run sees that;
 * again and again when it dies in its recovery, too. */
static void expect_recovery(unsigned done, struct journal_sizes wanted)
{
    copy_journal();
    for (int deaths = 0; deaths < 3; deaths++) {
        struct journal *journal = reopen("copy");
        struct journal_sizes sizes = {size_of("results"), size_of("failed")};
        if (deaths > 0)
            sizes = wanted; /* it had cut them already */
        assert_int_equal(journal_recover(journal, -1, -1, &sizes), JOURNAL_OK);
        assert_int_equal(sizes.results, wanted.results);
        assert_int_equal(sizes.failed, wanted.failed);
        if (deaths > 0)
            assert_int_equal(journal_settle(journal, sizes), 0);
        for (unsigned i = 0; i < 3 && deaths > 0; i++)
            assert_int_equal(journal_state(journal, block[i].record),
                             i < done ? JOURNAL_DONE : JOURNAL_SENT);
        if (deaths > 0)
            assert_int_equal(journal_count(journal).not_ok, done > 1);
        journal_close(journal);
    }
    /* Settled, it holds the files to these sizes. */
    struct journal *journal = reopen("copy");
    struct journal_sizes sizes = wanted;
    assert_int_equal(journal_recover(journal, -1, -1, &sizes), JOURNAL_OK);
    sizes.results++;
    assert_int_equal(journal_recover(journal, -1, -1, &sizes), JOURNAL_TOO_LONG);
    sizes.results -= 2;
    assert_int_equal(journal_recover(journal, -1, -1, &sizes), JOURNAL_TOO_SHORT);
    journal_close(journal);
}

static struct journal *begin_block(void)
{
    static const struct journal_entry head = {JOURNAL_NO_RECORD, 20, 0, 6, 0};
    struct journal *journal = create();
    write_at_end("results", 'r', 20);
    write_at_end("failed", 'f', 6);
    read_records(journal, 10);
    for (uint64_t i = 0; i < 3; i++)
        set_sent(journal, i);
    assert_int_equal(journal_intend(journal, &head, 1, (struct journal_sizes){0}), 0);
    journal_written(journal);
    return journal;
}

static void a_death_at_any_byte(void **state)
{
    struct journal *journal = begin_block();
    (void)state;
    expect_recovery(0, before);
    assert_int_equal(journal_intend(journal, block, 3, before), 0);
    expect_recovery(0, before);
    for (unsigned i = 0; i < 4; i++) { /* failed lines come first */
        write_at_end("failed", 'F', 1);
        expect_recovery(0, before);
    }
    for (unsigned i = 1; i <= 21; i++) {
        write_at_end("results", 'R', 1);
        unsigned done = i < 5 ? 0 : i < 12 ? 1 : i < 21 ? 2 : 3;
        static const uint64_t results[] = {20, 25, 32, 41}, failed[] = {6, 6, 10, 10};
        expect_recovery(done, (struct journal_sizes){results[done], failed[done]});
    }
    journal_written(journal);
    expect_recovery(3, (struct journal_sizes){41, 10});
    journal_remove(journal);
}

static void expect_state(struct journal *journal, uint64_t number, enum journal_state wanted)
{
    assert_int_equal(journal_state(journal, number), wanted);
}

/* A line may have no bytes; then the failed one tells, if there is one. */
static void lines_without_bytes(void **state)
{
    static const struct journal_entry empty[] = {{2, 0, 1, 3, 0}, {0, 0, 0, 0, 0}, {1, 4, 0, 0, 0}};
    struct journal *journal = begin_block();
    struct journal_sizes sizes = before;
    (void)state;
    assert_int_equal(journal_intend(journal, empty, 3, before), 0);
    copy_journal();
    assert_int_equal(journal_recover(journal, -1, -1, &sizes), JOURNAL_OK);
    assert_int_equal(sizes.failed, before.failed);
    assert_int_equal(journal_settle(journal, sizes), 0);
    expect_state(journal, 2, JOURNAL_SENT);
    journal_remove(journal);
    journal = reopen("copy");
    sizes.failed += 3;
    assert_int_equal(journal_recover(journal, -1, -1, &sizes), JOURNAL_OK);
    assert_int_equal(sizes.failed, before.failed + 3);
    assert_int_equal(journal_settle(journal, sizes), 0);
    expect_state(journal, 2, JOURNAL_DONE);
    expect_state(journal, 0, JOURNAL_DONE);
    expect_state(journal, 1, JOURNAL_SENT);
    journal_remove(journal);
}

/* What a recovery has cut off stays undone, however often the next one looks at the list again. */
static void what_was_cut_is_not_done(void **state)
{
    struct journal *journal = begin_block();
    struct journal_sizes sizes = {before.results + 6, before.failed + 4};
    (void)state;
    assert_int_equal(journal_intend(journal, block, 3, before), 0);
    for (int again = 0; again < 3; again++) {
        assert_int_equal(journal_recover(journal, -1, -1, &sizes), JOURNAL_OK);
        assert_int_equal(sizes.results, before.results + 5);
        assert_int_equal(journal_settle(journal, sizes), 0);
        expect_state(journal, 2, JOURNAL_DONE);
        expect_state(journal, 0, JOURNAL_SENT);
        expect_state(journal, 1, JOURNAL_SENT);
        journal_close(journal);
        journal = reopen("journal");
    }
    journal_remove(journal);
}

/* ---- who may have it ---- */

static void expect_open(enum journal_error wanted)
{
    struct journal *journal;
    assert_int_equal(journal_open(&journal, path_of("journal"), false), wanted);
}

static void expect_create(bool replace, enum journal_error wanted)
{
    struct journal *journal;
    assert_int_equal(journal_create(&journal, path_of("journal"), &plain, replace), wanted);
    if (wanted != JOURNAL_OK)
        return;
    assert_int_equal(journal_take_place(journal), 0);
    journal_remove(journal);
}

static void one_at_a_time(void **state)
{
    struct journal *journal = create(), *other;
    bool held;
    (void)state;
    expect_open(JOURNAL_HELD);
    expect_create(true, JOURNAL_HELD);
    expect_create(false, JOURNAL_FAILED);
    assert_int_equal(errno, EEXIST);
    assert_int_equal(journal_look(&other, path_of("journal"), &held), JOURNAL_OK);
    assert_true(held);
    journal_close(other);
    journal_close(journal);
    assert_int_equal(journal_look(&other, path_of("journal"), &held), JOURNAL_OK);
    assert_false(held);
    journal_remove(other);
    expect_open(JOURNAL_NONE);
}

/* Nothing is in it: a run has died as it made it. */
static void what_is_empty_is_nobodys(void **state)
{
    static const size_t sizes[] = {0, 64};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        write_at_end("journal", '\0', sizes[i]);
        expect_open(JOURNAL_NONE);
        expect_create(false, JOURNAL_FAILED);
        expect_create(true, JOURNAL_OK);
    }
}

/* A file of the user's stays as it is, whatever it is. */
static void what_is_no_journal_is_left_alone(void **state)
{
    struct journal *journal;
    struct stat before_it, after;
    bool held;
    (void)state;
    for (int kind = 0; kind < 5; kind++) {
        write_at_end("a", 'x', 64);
        if (kind == 0) {
            write_at_end("journal", '\0', 64); /* zeros, and something */
            write_at_end("journal", 'x', 1);
        } else if (kind == 1) {
            assert_int_equal(mkdir(path_of("journal"), 0700), 0);
        } else if (kind == 2) {
            assert_int_equal(mkfifo(path_of("journal"), 0600), 0);
        } else if (kind == 3) {
            assert_int_equal(symlink(path_of("a"), path_of("journal")), 0);
        } else {
            assert_int_equal(link(path_of("a"), path_of("journal")), 0);
        }
        assert_int_equal(lstat(path_of("journal"), &before_it), 0);
        expect_open(JOURNAL_UNKNOWN);
        expect_create(true, JOURNAL_UNKNOWN);
        expect_create(false, JOURNAL_UNKNOWN);
        assert_int_equal(journal_look(&journal, path_of("journal"), &held), JOURNAL_UNKNOWN);
        assert_int_equal(lstat(path_of("journal"), &after), 0);
        assert_true(before_it.st_ino == after.st_ino && before_it.st_size == after.st_size &&
                    before_it.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
        assert_int_equal(size_of("a"), 64);
        assert_int_equal(kind == 1 ? rmdir(path_of("journal")) : unlink(path_of("journal")), 0);
        unlink(path_of("a"));
    }
}

/* A link to nothing is not followed either: nothing comes to be at its end. */
static void a_link_to_nothing(void **state)
{
    (void)state;
    assert_int_equal(symlink(path_of("b"), path_of("journal")), 0);
    expect_create(true, JOURNAL_UNKNOWN);
    expect_create(false, JOURNAL_UNKNOWN);
    assert_int_equal(access(path_of("b"), F_OK), -1);
}

/* One that is replaced is unlinked: what else it is called stays. And what is removed is ours. */
static void other_names_keep_what_they_have(void **state)
{
    struct journal *journal = create();
    (void)state;
    journal_close(journal);
    uint64_t bytes = size_of("journal");
    assert_int_equal(link(path_of("journal"), path_of("a")), 0);
    journal = create();
    assert_int_equal(size_of("a"), bytes);
    assert_int_equal(rename(path_of("journal"), path_of("b")), 0);
    write_at_end("journal", 'u', 5);
    journal_remove(journal);
    assert_int_equal(size_of("journal"), 5);
}

static void another_version_is_told_apart(void **state)
{
    struct journal *journal = create();
    int fd = open(path_of("journal"), O_RDWR | O_CLOEXEC);
    (void)state;
    journal_close(journal);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "\1", 1, 8), 1);
    close(fd);
    expect_open(JOURNAL_OTHER_VERSION);
    expect_create(false, JOURNAL_FAILED);
    expect_create(true, JOURNAL_OK);
}

/* Cut anywhere, or with any byte of its header changed, it is refused or read without harm. */
static void damage_does_no_harm(void **state)
{
    struct journal *journal = begin_block();
    (void)state;
    assert_int_equal(journal_intend(journal, block, 3, before), 0);
    journal_close(journal);
    for (off_t at = 0; at < 4096 + 20480 + 200; at += at == 2000                ? 2096
                                                      : at > 4300 && at < 24000 ? 101
                                                                                : 1) {
        copy_journal();
        int fd = open(path_of("copy"), O_RDWR | O_CLOEXEC);
        unsigned char byte;
        assert_true(fd >= 0);
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte ^= (unsigned char)(1u << at % 8);
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        if (at % 100 == 0)
            assert_int_equal(ftruncate(fd, at), 0);
        close(fd);
        if (journal_open(&journal, path_of("copy"), false) != JOURNAL_OK)
            continue;
        /* Of the two marks of how far the input was read one is whole. */
        uint64_t records = journal_records(journal);
        assert_true(records == 10 || records == 9);
        assert_int_equal(journal_digest(journal), 999 + records);
        struct journal_sizes sizes = {41, 10};
        struct source_position position;
        if (journal_recover(journal, -1, -1, &sizes) == JOURNAL_OK)
            (void)journal_settle(journal, sizes);
        (void)journal_count(journal);
        (void)journal_next_open(journal, 0);
        (void)journal_place(journal, 5, &position);
        journal_close(journal);
    }
}

/* ---- fingerprints ---- */

static enum fingerprint_difference compare(const struct fingerprint *a, const struct fingerprint *b,
                                           const char *wanted)
{
    const char *name = NULL;
    size_t input = 0;
    enum fingerprint_difference difference = fingerprint_compare(a, b, &name, &input);
    if (difference == FINGERPRINT_OPTION)
        assert_string_equal(name, wanted);
    return difference;
}

static void options_are_compared(void **state)
{
    struct fingerprint a = {0}, b = {0};
    (void)state;
    fingerprint_add(&a, "--url", SPAN("http://host/"));
    fingerprint_add(&a, "--header", SPAN("x"));
    fingerprint_add(&a, "--header", SPAN("yz"));
    fingerprint_add(&b, "--header", SPAN("x"));
    assert_int_equal(compare(&a, &b, "--header"), FINGERPRINT_OPTION);
    assert_int_equal(compare(&b, &a, "--url"), FINGERPRINT_OPTION);
    fingerprint_add(&b, "--url", SPAN("http://host/"));
    assert_int_equal(compare(&a, &b, "--header"), FINGERPRINT_OPTION);
    fingerprint_add(&b, "--header", SPAN("yz"));
    assert_int_equal(compare(&a, &b, NULL), FINGERPRINT_SAME);
    /* Another run's salt makes others of them, as of one value under two names. */
    struct fingerprint salted = {.salt = "other"};
    fingerprint_add(&salted, "--url", SPAN("http://host/"));
    fingerprint_add(&salted, "--id", SPAN("http://host/"));
    assert_memory_not_equal(salted.options[0].digest, a.options[0].digest,
                            sizeof a.options[0].digest);
    assert_memory_not_equal(salted.options[0].digest, salted.options[1].digest,
                            sizeof a.options[0].digest);
    /* Values are not run together. */
    struct fingerprint c = {0};
    fingerprint_add(&c, "--url", SPAN("http://host/"));
    fingerprint_add(&c, "--header", SPAN("xy"));
    fingerprint_add(&c, "--header", SPAN("z"));
    assert_int_equal(compare(&a, &c, "--header"), FINGERPRINT_OPTION);
}

static struct fingerprint inputs(const char *first, const char *second)
{
    struct fingerprint f = {0};
    int fds[2] = {open(path_of(first), O_RDONLY | O_CLOEXEC), -1};
    size_t failed;
    if (second)
        fds[1] = open(path_of(second), O_RDONLY | O_CLOEXEC);
    assert_int_equal(fingerprint_take_inputs(&f, fds, second ? 2 : 1, &failed), 0);
    assert_int_equal(lseek(fds[0], 0, SEEK_CUR), 0);
    close(fds[0]);
    if (second)
        close(fds[1]);
    return f;
}

static void expect_input(struct fingerprint *a, struct fingerprint *b,
                         enum fingerprint_difference wanted, size_t wanted_input)
{
    const char *name;
    size_t input = 99;
    assert_int_equal(fingerprint_compare(a, b, &name, &input), wanted);
    if (wanted == FINGERPRINT_INPUT)
        assert_int_equal(input, wanted_input);
    fingerprint_free(b);
}

/* A byte in either end of a file, its size, its time, the number of files: each is seen. */
static void inputs_are_compared(void **state)
{
    struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 2000}};
    (void)state;
    for (int i = 0; i < 4000; i++)
        write_at_end("a", 'a', 64);
    write_at_end("b", 'b', 10);
    assert_int_equal(utimensat(AT_FDCWD, path_of("a"), times, 0), 0);
    struct fingerprint one = inputs("a", NULL), two = inputs("a", "b"), now = inputs("a", "b");
    expect_input(&two, &now, FINGERPRINT_SAME, 0);
    now = inputs("a", NULL);
    expect_input(&two, &now, FINGERPRINT_INPUTS_COUNT, 0);
    write_at_end("b", 'b', 1);
    now = inputs("a", "b");
    expect_input(&two, &now, FINGERPRINT_INPUT, 1);
    static const off_t places[] = {0, 65535, 4000 * 64 - 65536, 4000 * 64 - 1};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        int fd = open(path_of("a"), O_RDWR | O_CLOEXEC);
        assert_int_equal(pwrite(fd, "z", 1, places[i]), 1);
        assert_int_equal(futimens(fd, times), 0);
        now = inputs("a", NULL);
        expect_input(&one, &now, FINGERPRINT_INPUT, 0);
        assert_int_equal(pwrite(fd, "a", 1, places[i]), 1);
        assert_int_equal(futimens(fd, times), 0);
        close(fd);
    }
    /* All is as it was, and yet somebody has been at it. */
    now = inputs("a", NULL);
    assert_int_equal(fingerprint_untouched(&one, &now), 0);
    expect_input(&one, &now, FINGERPRINT_SAME, 0);
    struct fingerprint same = inputs("a", NULL);
    now = inputs("a", NULL);
    assert_int_equal(fingerprint_untouched(&same, &now), 1);
    fingerprint_free(&same);
    fingerprint_free(&now);
    times[1].tv_nsec = 1;
    assert_int_equal(utimensat(AT_FDCWD, path_of("a"), times, 0), 0);
    now = inputs("a", NULL);
    expect_input(&one, &now, FINGERPRINT_INPUT, 0);
    fingerprint_free(&one);
    fingerprint_free(&two);
}

#define JOURNAL_TEST(f) cmocka_unit_test_setup_teardown(f, make_directory, remove_directory)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        JOURNAL_TEST(states_outlive_the_process),
        JOURNAL_TEST(states_are_independent),
        JOURNAL_TEST(next_open_jumps),
        JOURNAL_TEST(ranges_are_kept),
        JOURNAL_TEST(places_are_found_again),
        JOURNAL_TEST(a_death_at_any_byte),
        JOURNAL_TEST(lines_without_bytes),
        JOURNAL_TEST(what_was_cut_is_not_done),
        JOURNAL_TEST(one_at_a_time),
        JOURNAL_TEST(what_is_empty_is_nobodys),
        JOURNAL_TEST(what_is_no_journal_is_left_alone),
        JOURNAL_TEST(a_link_to_nothing),
        JOURNAL_TEST(other_names_keep_what_they_have),
        JOURNAL_TEST(another_version_is_told_apart),
        JOURNAL_TEST(damage_does_no_harm),
        JOURNAL_TEST(options_are_compared),
        JOURNAL_TEST(inputs_are_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
