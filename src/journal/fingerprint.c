#include "journal/fingerprint.h"

#include "base/check.h"
#include "base/sha256.h"
#include "base/time.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { END_BYTES = 64 << 10 };

int fingerprint_begin(struct fingerprint *f, const struct fingerprint *like)
{
    *f = (struct fingerprint){0};
    if (like)
        memcpy(f->salt, like->salt, sizeof f->salt);
    else if (getrandom(f->salt, sizeof f->salt, 0) != (ssize_t)sizeof f->salt)
        return errno;
    return 0;
}

/* The digest so far, then the new value's length and bytes: in a chain, as values come one by one.
 */
static void chain(unsigned char digest[FINGERPRINT_DIGEST_BYTES], struct ringsend_bytes value)
{
    uint64_t bytes = value.bytes;
    unsigned char whole[SHA256_BYTES];
    struct sha256 hash;
    sha256_init(&hash);
    sha256_add(&hash, digest, FINGERPRINT_DIGEST_BYTES);
    sha256_add(&hash, &bytes, sizeof bytes);
    sha256_add(&hash, value.data, value.bytes);
    sha256_end(&hash, whole);
    memcpy(digest, whole, FINGERPRINT_DIGEST_BYTES);
}

void fingerprint_add(struct fingerprint *f, const char *name, struct ringsend_bytes value)
{
    size_t i = 0;
    while (i < f->options_count && strcmp(f->options[i].name, name) != 0)
        i++;
    CHECK(i < FINGERPRINT_OPTIONS_MAX && strlen(name) < FINGERPRINT_NAME_BYTES);
    struct fingerprint_option *option = &f->options[i];
    if (i == f->options_count) {
        memset(option, 0, sizeof *option);
        snprintf(option->name, sizeof option->name, "%s", name);
        memcpy(option->digest, f->salt, sizeof option->digest);
        chain(option->digest, span_of(name));
        f->options_count++;
    }
    chain(option->digest, value);
}

static bool read_whole(int fd, char *to, size_t bytes, off_t at)
{
    while (bytes > 0) {
        ssize_t got = pread(fd, to, bytes, at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            errno = got < 0 ? errno : EIO; /* it became shorter */
            return false;
        }
        to += got;
        at += got;
        bytes -= (size_t)got;
    }
    return true;
}

/* Of a file of up to two ends, all of it in one read. */
static int take_input(const struct fingerprint *f, struct fingerprint_input *input, int fd,
                      char *ends)
{
    struct stat about;
    *input = (struct fingerprint_input){0};
    if (fstat(fd, &about) != 0)
        return errno;
    off_t start = S_ISREG(about.st_mode) ? lseek(fd, 0, SEEK_CUR) : -1;
    if (start < 0)
        return S_ISREG(about.st_mode) ? errno : 0;
    input->bytes = (uint64_t)about.st_size;
    input->changed_ns = (int64_t)timespec_ns(&about.st_mtim);
    input->start = (uint64_t)start;
    input->inode = about.st_ino;
    input->touched_ns = (int64_t)timespec_ns(&about.st_ctim);
    bool small = about.st_size <= 2 * END_BYTES;
    size_t bytes = small ? (size_t)about.st_size : 2 * (size_t)END_BYTES;
    bool whole = small ? read_whole(fd, ends, bytes, 0)
                       : read_whole(fd, ends, END_BYTES, 0) &&
                             read_whole(fd, ends + END_BYTES, END_BYTES, about.st_size - END_BYTES);
    if (!whole)
        return errno;
    XXH128_canonical_t digest;
    XXH128_canonicalFromHash(&digest, XXH3_128bits(ends, bytes));
    memcpy(input->digest, f->salt, sizeof input->digest);
    chain(input->digest, (struct ringsend_bytes){(char *)digest.digest, sizeof digest.digest});
    return 0;
}

int fingerprint_take_inputs(struct fingerprint *f, const int *fds, size_t count,
                            size_t *failed_input)
{
    *failed_input = 0;
    f->inputs = calloc(count, sizeof *f->inputs);
    char *ends = malloc(2 * (size_t)END_BYTES);
    int error = f->inputs && ends ? 0 : ENOMEM;
    for (size_t i = 0; i < count && error == 0; i++) {
        error = take_input(f, &f->inputs[i], fds[i], ends);
        *failed_input = i;
    }
    f->inputs_count = error ? 0 : count;
    free(ends);
    return error;
}

void fingerprint_free(struct fingerprint *f)
{
    free(f->inputs);
    f->inputs = NULL;
    f->inputs_count = 0;
}

/* An option of `a` that `b` lacks or has otherwise; null: there is none. */
static const char *difference(const struct fingerprint *a, const struct fingerprint *b)
{
    for (size_t i = 0; i < a->options_count; i++) {
        const struct fingerprint_option *option = &a->options[i];
        bool found = false;
        for (size_t k = 0; k < b->options_count && !found; k++)
            found = memcmp(option, &b->options[k], sizeof *option) == 0;
        if (!found)
            return option->name;
    }
    return NULL;
}

enum fingerprint_difference fingerprint_compare(const struct fingerprint *before,
                                                const struct fingerprint *now, const char **name,
                                                size_t *input)
{
    *name = difference(now, before);
    if (!*name)
        *name = difference(before, now);
    if (*name)
        return FINGERPRINT_OPTION;
    if (before->inputs_count != now->inputs_count)
        return FINGERPRINT_INPUTS_COUNT;
    for (*input = 0; *input < now->inputs_count; ++*input) {
        if (memcmp(&before->inputs[*input], &now->inputs[*input],
                   offsetof(struct fingerprint_input, inode)) != 0)
            return FINGERPRINT_INPUT;
    }
    return FINGERPRINT_SAME;
}

size_t fingerprint_untouched(const struct fingerprint *before, const struct fingerprint *now)
{
    size_t count = 0;
    while (count < before->inputs_count && count < now->inputs_count &&
           now->inputs[count].inode != 0 &&
           memcmp(&before->inputs[count], &now->inputs[count], sizeof *now->inputs) == 0)
        count++;
    return count;
}
