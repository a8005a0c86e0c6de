#include "bench/environment.h"

#include "base/time.h"
#include "ringsend.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* The first line of a file, without its end. */
static void read_line(const char *path, char *text, size_t text_bytes)
{
    FILE *file = fopen(path, "re");
    if (!file || !fgets(text, (int)text_bytes, file))
        text[0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    if (file)
        fclose(file);
}

/* "model name : ..." of x86, "Model : ..." of others. */
static void read_cpu(char *text, size_t text_bytes)
{
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "re");
    while (file && !text[0] && fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        if (!colon || (strncmp(line, "model name", 10) != 0 && strncmp(line, "Model", 5) != 0))
            continue;
        colon[strcspn(colon, "\n")] = '\0';
        snprintf(text, text_bytes, "%s", colon + 1 + strspn(colon + 1, " "));
    }
    if (file)
        fclose(file);
}

void environment_read(struct figures_environment *e)
{
    *e = (struct figures_environment){.started_s = clock_wall_s()};
    struct utsname name;
    cpu_set_t cpus;
    snprintf(e->version, sizeof e->version, "%s", ringsend_version());
    if (uname(&name) == 0)
        snprintf(e->kernel, sizeof e->kernel, "%s %s %s", name.sysname, name.release, name.machine);
    if (sched_getaffinity(0, sizeof cpus, &cpus) == 0)
        e->cpus = (uint32_t)CPU_COUNT(&cpus);
    read_cpu(e->cpu, sizeof e->cpu);
    read_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", e->governor,
              sizeof e->governor);
    read_line("/proc/sys/net/ipv4/tcp_congestion_control", e->congestion_control,
              sizeof e->congestion_control);
}

int environment_stay_awake(void)
{
    const int32_t latency_us = 0;
    int fd = open("/dev/cpu_dma_latency", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (write(fd, &latency_us, sizeof latency_us) == (ssize_t)sizeof latency_us)
        return fd;
    int error = errno;
    close(fd);
    return -error;
}

/* "cpu user nice system idle iowait irq softirq steal ...", proc(5): guest times, which follow, are
 * in user and nice. */
struct environment_cpu environment_cpu(void)
{
    enum { STEAL = 7, FIELDS };
    struct environment_cpu cpu = {0};
    char line[256];
    read_line("/proc/stat", line, sizeof line);
    char *at = strncmp(line, "cpu ", 4) == 0 ? line + 4 : line + strlen(line);
    for (int i = 0; i < FIELDS; i++) {
        uint64_t ticks = strtoull(at, &at, 10);
        cpu.all_ticks += ticks;
        if (i == STEAL)
            cpu.stolen_ticks = ticks;
    }
    return cpu;
}
