/* Runs a libFuzzer target without libFuzzer: replay DIRECTORY [ROUNDS]. Every file of the directory
 * is fed as it is, then ROUNDS times with some bytes changed, left out or doubled, by a seed that
 * is always the same. What it finds stops the program: build it with sanitizers to find more. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { INPUT_BYTES_MAX = 1 << 16 };

static uint64_t random_below(uint64_t *seed, uint64_t limit)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (*seed >> 33) % limit;
}

/* In memory of exactly that size, so that a sanitizer sees the end. */
static void feed(const uint8_t *data, size_t bytes)
{
    uint8_t *copy = malloc(bytes > 0 ? bytes : 1);
    if (!copy)
        abort();
    memcpy(copy, data, bytes);
    LLVMFuzzerTestOneInput(copy, bytes);
    free(copy);
}

static size_t change(uint8_t *data, size_t bytes, uint64_t *seed)
{
    for (uint64_t left = 1 + random_below(seed, 4); left > 0 && bytes > 0; left--) {
        size_t at = (size_t)random_below(seed, bytes);
        size_t run = 1 + (size_t)random_below(seed, bytes - at < 8 ? bytes - at : 8);
        switch (random_below(seed, 4)) {
        case 0:
            data[at] = (uint8_t)random_below(seed, 256);
            break;
        case 1:
            data[at] ^= (uint8_t)(1 << random_below(seed, 8));
            break;
        case 2:
            memmove(data + at, data + at + run, bytes - at - run);
            bytes -= run;
            break;
        case 3:
            if (bytes + run <= INPUT_BYTES_MAX) {
                memmove(data + at + run, data + at, bytes - at);
                bytes += run;
            }
            break;
        }
    }
    return bytes;
}

static void replay(const char *path, uint64_t rounds)
{
    static uint8_t seed_bytes[INPUT_BYTES_MAX], data[INPUT_BYTES_MAX];
    FILE *file = fopen(path, "rb");
    if (!file)
        abort();
    size_t bytes = fread(seed_bytes, 1, sizeof seed_bytes, file);
    fclose(file);
    feed(seed_bytes, bytes);
    uint64_t seed = bytes;
    for (uint64_t i = 0; i < rounds; i++) {
        memcpy(data, seed_bytes, bytes);
        feed(data, change(data, bytes, &seed));
    }
}

int main(int argc, char **argv)
{
    DIR *directory = argc > 1 ? opendir(argv[1]) : NULL;
    struct dirent *entry;
    unsigned files = 0;
    if (!directory) {
        fprintf(stderr, "usage: replay DIRECTORY [ROUNDS]\n");
        return 2;
    }
    while ((entry = readdir(directory))) {
        char path[1024];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        replay(path, argc > 2 ? strtoull(argv[2], NULL, 10) : 1000);
        files++;
    }
    closedir(directory);
    printf("%u files\n", files);
    return files > 0 ? 0 : 1;
}
