/* A file that is copied to another through the engine, while its requests go on. */
#ifndef RINGSEND_SIM_COPY_H
#define RINGSEND_SIM_COPY_H

#include "engine/file.h"

#include <stdbool.h>
#include <stdint.h>

struct sim_copy {
    int from_fd, to_fd;
    struct file *from, *to;
    char data[512];
    uint32_t read_bytes, written_bytes;
    bool writing, failed;
};

/* In one of five runs. */
void sim_copy_begin(struct sim_copy *copy, struct ringsend *engine);
/* Takes what is finished and starts what comes next. */
void sim_copy_step(struct sim_copy *copy);
void sim_copy_end(struct sim_copy *copy);

#endif
