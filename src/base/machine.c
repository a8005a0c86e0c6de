/* What steps were taken: see base/machine.h. The last ones stand in a ring of this thread, as
 * engines share nothing, and a simulated run, of however many engines, has one. */
#include "base/machine.h"

#ifdef RINGSEND_SLOW_CHECKS
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct note {
    const struct machine *machine;
    uint64_t now_ns;
    uint32_t slot, generation;
    uint8_t from, to;
};

enum { LINE_BYTES = 128 };

static _Thread_local struct note notes[STEPS_KEPT];
static _Thread_local uint64_t notes_count; /* of all that came */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int trace = -1;

static bool write_note(int descriptor, const struct note *n)
{
    char line[LINE_BYTES];
    const char *const *steps = n->machine->steps;
    int bytes =
        snprintf(line, sizeof line, "%" PRIu64 " %d %s %u.%u %s -> %s\n", n->now_ns, (int)gettid(),
                 n->machine->name, n->slot, n->generation, steps[n->from], steps[n->to]);
    /* One write for a line, so that those of several threads stand apart. */
    return write(descriptor, line, (size_t)bytes) == bytes;
}

static void open_trace(void)
{
    const char *path = getenv("RINGSEND_TRACE");
    if (path)
        trace = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
    CHECK(!path || trace >= 0);
}

void step_note(const struct machine *machine, uint64_t now_ns, uint32_t slot, uint32_t generation,
               unsigned from, unsigned to)
{
    if (now_ns == STEP_NOW)
        now_ns = notes_count > 0 ? notes[(notes_count - 1) % STEPS_KEPT].now_ns : 0;
    struct note *n = &notes[notes_count++ % STEPS_KEPT];
    *n = (struct note){machine, now_ns, slot, generation, (uint8_t)from, (uint8_t)to};
    pthread_once(&once, open_trace);
    if (trace >= 0 && !write_note(trace, n))
        CHECK(!"RINGSEND_TRACE can be written");
}

void steps_forget(void)
{
    notes_count = 0;
}

void steps_print(int descriptor)
{
    uint64_t from = notes_count > STEPS_KEPT ? notes_count - STEPS_KEPT : 0;
    for (uint64_t i = from; i < notes_count; i++)
        if (!write_note(descriptor, &notes[i % STEPS_KEPT]))
            return;
}
#endif
