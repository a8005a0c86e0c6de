/* Losses of power, at any moment of a run with --sync and of its recoveries.
 *
 * What the run does to its three files, journal, results and failed lines, is played here step by
 * step in the order of job.c and output.c, through the journal's door. After every step each file
 * is noted as a version. A sync that ends drops the versions from before it began. When the power
 * goes, each grain of a file is as it was in any version left, its size likewise or between two of
 * them, and what was appended may be zeros. A resume then has to find:
 *
 *   - every result that was told to be durable, once, and its record done
 *   - no record done without its line, no line without its record
 *   - every record that has been sent marked as sent, or done: none is sent twice
 *   - the digest of what was read, at least up to the last record that has been sent */
#include "journal/journal.h"

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

enum {
    TRIALS = 400,
    RECORDS = 60,
    GRAIN_BYTES = 64, /* smaller than any sector: of what a disk may do this is the worst */
    VERSIONS_MAX = 400,
    LOSSES_MAX = 12,
    BLOCK_MAX = 20,
    LINE_BYTES_MAX = 700,
    PATH_BYTES = 128
};

/* ---- chance ---- */

static uint64_t state_of_chance;

static uint32_t below(uint32_t bound)
{
    state_of_chance = state_of_chance * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(state_of_chance >> 33) % (bound > 0 ? bound : 1);
}

/* ---- files and their versions ---- */

struct version {
    char *data;
    size_t bytes;
};

struct disk_file {
    char path[PATH_BYTES];
    struct version versions[VERSIONS_MAX];
    unsigned count;
};

static char directory[64];
static struct disk_file journal_file, results_file, failed_file;
static int results_fd = -1, failed_fd = -1;
static struct journal *journal;
static jmp_buf power_is_gone;
static uint32_t steps_left; /* until the power goes */

static struct version version_now(const struct disk_file *f)
{
    struct version v = {0};
    int fd = open(f->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return v;
    v.bytes = (size_t)lseek(fd, 0, SEEK_END);
    v.data = malloc(v.bytes + 1);
    assert_non_null(v.data);
    assert_int_equal(pread(fd, v.data, v.bytes, 0), v.bytes);
    close(fd);
    return v;
}

static void drop_versions(struct disk_file *f, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        free(f->versions[i].data);
    f->count -= count;
    memmove(f->versions, f->versions + count, f->count * sizeof *f->versions);
}

static void note(struct disk_file *f)
{
    struct version v = version_now(f);
    const struct version *last = f->count > 0 ? &f->versions[f->count - 1] : NULL;
    if (last && last->bytes == v.bytes && (v.bytes == 0 || !memcmp(last->data, v.data, v.bytes))) {
        free(v.data);
        return;
    }
    assert_true(f->count < VERSIONS_MAX);
    f->versions[f->count++] = v;
}

/* Something was done. */
static void step(void)
{
    note(&journal_file);
    note(&results_file);
    note(&failed_file);
    if (steps_left > 0 && --steps_left == 0)
        longjmp(power_is_gone, 1);
}

/* What is there now is durable once it has ended: not before. */
static void sync_file(struct disk_file *f)
{
    note(f);
    unsigned before = f->count - 1;
    if (f == &journal_file && journal && below(2)) /* others go on meanwhile */
        journal_input_ended(journal);
    step();
    drop_versions(f, before);
    step();
}

int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
    struct stat about, there;
    assert_int_equal(fstat(fd, &about), 0);
    struct disk_file *const files[] = {&journal_file, &results_file, &failed_file};
    for (size_t i = 0; i < 3; i++) {
        if (stat(files[i]->path, &there) == 0 && there.st_ino == about.st_ino)
            sync_file(files[i]);
    }
    return 0;
}

/* What is left of a file. */
static void lose(struct disk_file *f)
{
    size_t least = SIZE_MAX, most = 0;
    for (unsigned i = 0; i < f->count; i++) {
        size_t bytes = f->versions[i].bytes;
        least = bytes < least ? bytes : least;
        most = bytes > most ? bytes : most;
    }
    size_t bytes = f == &journal_file ? f->versions[below(f->count)].bytes
                                      : least + below((uint32_t)(most - least) + 1);
    char *left = calloc(bytes + GRAIN_BYTES, 1);
    unsigned habit = below(4); /* mostly old, mostly new, whole pages, anything */
    unsigned chosen = below(f->count);
    assert_non_null(left);
    for (size_t at = 0; at < bytes; at += GRAIN_BYTES) {
        if (habit < 3 ? at % 4096 == 0 && below(3) == 0 : true)
            chosen = habit == 0 ? 0 : habit == 1 ? f->count - 1 : below(f->count);
        if (habit < 2 && below(10) == 0)
            chosen = below(f->count);
        const struct version *v = &f->versions[chosen];
        size_t part = v->bytes > at ? v->bytes - at : 0;
        if (part > 0)
            memcpy(left + at, v->data + at, part < GRAIN_BYTES ? part : GRAIN_BYTES);
    }
    unlink(f->path);
    int fd = open(f->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, left, bytes), bytes);
    close(fd);
    free(left);
    drop_versions(f, f->count);
    note(f);
}

/* ---- the run ---- */

enum fate { IDLE, READY, ANSWERED, ENDED }; /* ready: its sent bit is durable */

struct model {
    uint32_t read; /* records */
    enum fate fate[RECORDS];
    uint32_t sent[RECORDS]; /* times; outlives the power */
    bool durable[RECORDS];  /* its result was told to be; likewise */
};

static struct model model;

static uint64_t digest_up_to(uint64_t number)
{
    return (number + 1) * 0x9e3779b97f4a7c15ull;
}

static bool is_failed(uint32_t record)
{
    return record % 3 == 0;
}

/* Some lines are longer than a sector. */
static size_t line_of(char *line, uint32_t record, char kind)
{
    size_t bytes = (size_t)snprintf(line, LINE_BYTES_MAX, "%c%06u", kind, record);
    size_t more = record * 7919u % 13 == 0 ? 600 : record * 31u % 40;
    memset(line + bytes, 'a' + (char)(record % 26), more);
    line[bytes + more] = '\n';
    return bytes + more + 1;
}

static void read_some(void)
{
    for (uint32_t more = below(8); more > 0 && model.read < RECORDS; more--) {
        assert_int_equal(journal_reserve(journal, model.read), 0);
        journal_read(journal, model.read, digest_up_to(model.read));
        model.read++;
        step();
    }
}

static void pass_the_gate(uint32_t eager)
{
    static bool put[RECORDS];
    bool any = false;
    for (uint32_t i = 0; i < model.read; i++) {
        put[i] = model.fate[i] == IDLE && below(eager) > 0;
        if (!put[i])
            continue;
        if (journal_state(journal, i) == JOURNAL_SENT) { /* in doubt */
            put[i] = false;
            model.fate[i] = ANSWERED;
            continue;
        }
        journal_set_sent(journal, i, true);
        any = true;
        step();
    }
    if (any)
        sync_file(&journal_file);
    for (uint32_t i = 0; i < model.read; i++) {
        if (!put[i])
            continue;
        model.sent[i]++;
        model.fate[i] = below(2) ? ANSWERED : READY;
    }
}

static void append(int fd, const char *data, size_t bytes)
{
    while (bytes > 0) {
        size_t part = 1 + below((uint32_t)bytes);
        assert_int_equal(write(fd, data, part), part);
        data += part;
        bytes -= part;
        step();
    }
}

static void write_block(void)
{
    static char results[BLOCK_MAX * LINE_BYTES_MAX], failed[BLOCK_MAX * LINE_BYTES_MAX];
    struct journal_entry entries[BLOCK_MAX];
    size_t count = 0, results_bytes = 0, failed_bytes = 0;
    for (uint32_t i = 0; i < model.read && count < BLOCK_MAX; i++) {
        if (model.fate[i] != ANSWERED || below(2) == 0)
            continue;
        struct journal_entry *e = &entries[count++];
        char *result = results + results_bytes, *fail = failed + failed_bytes;
        *e = (struct journal_entry){.record = i, .result_bytes = line_of(result, i, 'r')};
        if (is_failed(i))
            e->failed_bytes = line_of(fail, i, 'f');
        e->is_not_ok = is_failed(i);
        e->check = journal_check((struct ringsend_bytes){result, e->result_bytes},
                                 (struct ringsend_bytes){fail, e->failed_bytes});
        results_bytes += e->result_bytes;
        failed_bytes += e->failed_bytes;
        model.fate[i] = ENDED;
    }
    if (count == 0)
        return;
    struct journal_sizes sizes = {(uint64_t)lseek(results_fd, 0, SEEK_END),
                                  (uint64_t)lseek(failed_fd, 0, SEEK_END)};
    assert_int_equal(journal_intend(journal, entries, count, sizes), 0);
    step();
    sync_file(&journal_file);
    append(failed_fd, failed, failed_bytes);
    append(results_fd, results, results_bytes);
    sync_file(&results_file);
    sync_file(&failed_file);
    for (size_t i = 0; i < count; i++)
        model.durable[entries[i].record] = true;
    journal_written(journal);
    step();
}

static bool all_ended(void)
{
    for (uint32_t i = 0; i < RECORDS; i++)
        if (model.fate[i] != ENDED)
            return false;
    return true;
}

static void run(void)
{
    while (!all_ended()) {
        read_some();
        if (below(2))
            pass_the_gate(2 + below(8));
        for (uint32_t i = 0; i < model.read; i++)
            if (model.fate[i] == READY && below(2))
                model.fate[i] = ANSWERED;
        if (below(4) > 0)
            write_block();
    }
}

/* ---- the recovery ---- */

static const struct source_range everything;
static const struct fingerprint nothing;
static const struct journal_plan plan = {
    .fingerprint = &nothing, .range = &everything, .has_failed = true, .sync = true};

static void open_files(void)
{
    results_fd = open(results_file.path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    failed_fd = open(failed_file.path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    assert_true(results_fd >= 0 && failed_fd >= 0);
}

static void close_files(void)
{
    journal_close(journal);
    journal = NULL;
    close(results_fd);
    close(failed_fd);
    results_fd = failed_fd = -1;
}

/* After a loss of power the name is that of the old file or of the new one, which is durable; that
 * it is the new one is durable before anything else is done. */
static void take_place(void)
{
    struct stat before, after;
    bool was_there = stat(journal_file.path, &before) == 0;
    assert_int_equal(journal_take_place(journal), 0);
    assert_int_equal(stat(journal_file.path, &after), 0);
    if (was_there && before.st_ino != after.st_ino)
        drop_versions(&journal_file, journal_file.count);
    step();
}

/* As outputs.c does it. */
static void recover(void)
{
    struct stat about;
    struct journal_sizes sizes;
    open_files();
    enum journal_error error = journal_open(&journal, journal_file.path, true);
    if (error == JOURNAL_NONE) {
        for (uint32_t i = 0; i < RECORDS; i++)
            assert_int_equal(model.sent[i], 0);
        assert_int_equal(lseek(results_fd, 0, SEEK_END), 0);
        error = journal_create(&journal, journal_file.path, &plan, true);
        if (error == JOURNAL_OK)
            take_place();
    }
    assert_int_equal(error, JOURNAL_OK);
    assert_int_equal(fstat(results_fd, &about), 0);
    sizes.results = (uint64_t)about.st_size;
    assert_int_equal(fstat(failed_fd, &about), 0);
    sizes.failed = (uint64_t)about.st_size;
    assert_int_equal(journal_recover(journal, results_fd, failed_fd, &sizes), JOURNAL_OK);
    assert_int_equal(ftruncate(results_fd, (off_t)sizes.results), 0);
    step();
    sync_file(&results_file);
    assert_int_equal(ftruncate(failed_fd, (off_t)sizes.failed), 0);
    step();
    sync_file(&failed_file);
    assert_int_equal(journal_settle(journal, sizes), 0);
    step();
}

/* How often each record has its whole line; nothing else is in the file. */
static void count_lines(struct disk_file *f, char kind, unsigned counts[RECORDS])
{
    struct version v = version_now(f);
    char line[LINE_BYTES_MAX];
    memset(counts, 0, RECORDS * sizeof *counts);
    for (size_t at = 0; at < v.bytes;) {
        unsigned long record = strtoul(v.data + at + 1, NULL, 10);
        /* The number ends at a letter or a line end, both never digits. */
        assert_true(record < RECORDS);
        size_t bytes = line_of(line, (uint32_t)record, kind);
        assert_true(bytes <= v.bytes - at);
        assert_memory_equal(v.data + at, line, bytes);
        counts[record]++;
        at += bytes;
    }
    free(v.data);
}

static void check_all(void)
{
    unsigned results[RECORDS], failed[RECORDS];
    uint64_t records = journal_records(journal);
    count_lines(&results_file, 'r', results);
    count_lines(&failed_file, 'f', failed);
    if (records > 0)
        assert_int_equal(journal_digest(journal), digest_up_to(records - 1));
    uint64_t not_ok = 0;
    for (uint32_t i = 0; i < RECORDS; i++) {
        enum journal_state state = journal_state(journal, i);
        not_ok += failed[i];
        assert_int_equal(results[i], state == JOURNAL_DONE);
        assert_int_equal(failed[i], state == JOURNAL_DONE && is_failed(i));
        if (model.durable[i])
            assert_int_equal(state, JOURNAL_DONE);
        if (model.sent[i] > 0) {
            assert_int_not_equal(state, JOURNAL_UNSENT);
            assert_true(i < records);
        }
        assert_true(model.sent[i] <= 1);
        model.fate[i] = state == JOURNAL_DONE ? ENDED : IDLE;
        model.durable[i] = state == JOURNAL_DONE;
    }
    assert_int_equal(journal_count(journal).not_ok, not_ok);
    model.read = (uint32_t)records;
}

/* Steps of a whole run are some hundreds; those of a recovery some ten. */
static uint32_t next_loss(void)
{
    return 1 + (below(2) ? below(30) : below(200));
}

static void play(uint64_t seed)
{
    volatile int losses = 0;
    state_of_chance = seed;
    model = (struct model){0};
    steps_left = next_loss();
    if (setjmp(power_is_gone) != 0) {
        close_files();
        lose(&journal_file);
        lose(&results_file);
        lose(&failed_file);
        losses = losses + 1;
        steps_left = losses < LOSSES_MAX ? next_loss() : 0;
    }
    recover();
    check_all();
    run();
    steps_left = 0;
    close_files();
    recover();
    check_all();
    assert_true(all_ended());
    close_files();
}

static void no_loss_of_power_breaks_a_promise(void **state)
{
    const char *first = getenv("RINGSEND_SEED");
    (void)state;
    uint64_t seed = first ? strtoull(first, NULL, 10) : 1;
    for (uint64_t end = first ? seed + 1 : seed + TRIALS; seed < end; seed++) {
        struct disk_file *const files[] = {&journal_file, &results_file, &failed_file};
        for (size_t i = 0; i < 3; i++) {
            unlink(files[i]->path);
            drop_versions(files[i], files[i]->count);
        }
        print_message("seed %llu\r", (unsigned long long)seed);
        play(seed);
    }
    print_message("\n");
}

static int make_directory(void **state)
{
    (void)state;
    struct disk_file *const files[] = {&journal_file, &results_file, &failed_file};
    static const char *const names[] = {"journal", "results", "failed"};
    snprintf(directory, sizeof directory, "%s/ringsend-power-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(directory))
        return -1;
    for (size_t i = 0; i < 3; i++)
        snprintf(files[i]->path, PATH_BYTES, "%s/%s", directory, names[i]);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    struct disk_file *const files[] = {&journal_file, &results_file, &failed_file};
    for (size_t i = 0; i < 3; i++) {
        drop_versions(files[i], files[i]->count);
        unlink(files[i]->path);
    }
    return rmdir(directory);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_loss_of_power_breaks_a_promise, make_directory,
                                        remove_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
