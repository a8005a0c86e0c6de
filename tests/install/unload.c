/* unload PLUGIN URL...: loads the plugin, has it send requests, and unloads it while threads of its
 * may still hang in lookups; again and again. Ends with 0 when the last of these threads has ended.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <sched.h>
#include <stdio.h>

enum { ROUNDS = 20 };

static int threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int count = -2; /* . and .. */
    if (!tasks)
        return 1;
    while (readdir(tasks))
        count++;
    closedir(tasks);
    return count;
}

int main(int argc, char **argv)
{
    for (int round = 0; round < ROUNDS; round++) {
        void *plugin = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
        if (!plugin) {
            fprintf(stderr, "%s\n", dlerror());
            return 2;
        }
        int (*use)(const char *const *, int);
        *(void **)&use = dlsym(plugin, "use");
        if (use((const char *const *)argv + 2, argc - 2) != 0)
            return 3;
        dlclose(plugin);
    }
    while (threads() > 1)
        sched_yield();
    return 0;
}
