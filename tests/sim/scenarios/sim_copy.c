/* See sim_copy.h. What is read and how much is written is checked at each step. */
#include "tests/sim/scenarios/sim_copy.h"

#include "ringsend.h"
#include "tests/sim/sim.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FILE_BYTES = 5000 };

static char file_byte(uint32_t at)
{
    return (char)(at * 31 + at / 251);
}

/* As often as it takes where memory fails now and then. */
static struct file *open_file(struct ringsend *engine, int fd)
{
    struct file *file = NULL;
    int error;
    do
        error = file_open(engine, fd, &file);
    while (error == -RINGSEND_E_NO_MEMORY && sim.faults.no_memory > 0);
    SIM_CHECK(error == 0, "a file could not be opened");
    return file;
}

void sim_copy_begin(struct sim_copy *copy, struct ringsend *engine)
{
    char data[FILE_BYTES];

    copy->from_fd = copy->to_fd = -1;
    if (!sim_chance(200))
        return;
    for (uint32_t i = 0; i < FILE_BYTES; i++)
        data[i] = file_byte(i);
    copy->from_fd = memfd_create("from", MFD_CLOEXEC);
    copy->to_fd = memfd_create("to", MFD_CLOEXEC);
    SIM_CHECK(copy->from_fd >= 0 && copy->to_fd >= 0 &&
                  write(copy->from_fd, data, sizeof data) == sizeof data,
              "no memory file");
    copy->from = open_file(engine, copy->from_fd);
    copy->to = open_file(engine, copy->to_fd);
    file_read(copy->from, copy->data, sizeof copy->data, 0);
}

void sim_copy_step(struct sim_copy *copy)
{
    struct file *file = copy->writing ? copy->to : copy->from;
    int64_t n;

    if (!copy->from || copy->failed || file_busy(file))
        return;
    n = file_take(file);
    if (n < 0)
        SIM_CHECK(sim.faults.file_fails > 0 && n == -EIO, "a file operation gives %d", (int)n);
    if (n < 0 || (n == 0 && !copy->writing)) {
        copy->failed = n < 0;
        SIM_CHECK(copy->failed || copy->written_bytes == FILE_BYTES, "the copied file has %u bytes",
                  copy->written_bytes);
        copy->failed = true;
        return;
    }
    if (!copy->writing) {
        for (uint32_t i = 0; i < n; i++)
            SIM_CHECK(copy->data[i] == file_byte(copy->read_bytes + i), "a wrong byte was read");
        copy->read_bytes += (uint32_t)n;
        copy->writing = true;
        file_append(copy->to, copy->data, (size_t)n);
        return;
    }
    copy->written_bytes += (uint32_t)n;
    SIM_CHECK(copy->written_bytes == copy->read_bytes, "an append has written %u bytes of %u",
              copy->written_bytes, copy->read_bytes);
    copy->writing = false;
    file_read(copy->from, copy->data, sizeof copy->data, copy->read_bytes);
}

void sim_copy_end(struct sim_copy *copy)
{
    if (!copy->from)
        return;
    file_close(&copy->from);
    file_close(&copy->to);
    SIM_CHECK(!copy->from && !copy->to, "file_close leaves a file");
    close(copy->from_fd);
    close(copy->to_fd);
}
