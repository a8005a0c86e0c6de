/* Loads nghttp2 once, by the name of the interface that it has had since its first release, and
 * never lets go of it. */
#include "http2/library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

struct nghttp2 nghttp2;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const char *fault;

static void load(void)
{
    static const struct {
        const char *name;
        size_t at; /* in struct nghttp2 */
    } functions[] = {
#define X(name) {#name, offsetof(struct nghttp2, name)},
        NGHTTP2_FUNCTIONS(X)
#undef X
    };
    void *library = dlopen("libnghttp2.so.14", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library) {
        fault = "libnghttp2.so.14 cannot be loaded: install nghttp2 (on Debian: libnghttp2-14)";
        return;
    }
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        void *found = dlsym(library, functions[i].name);
        if (!found) {
            fault = "libnghttp2.so.14 lacks functions of nghttp2 1.52";
            return;
        }
        memcpy((char *)&nghttp2 + functions[i].at, &found, sizeof found);
    }
    void *found = dlsym(library, "nghttp2_option_set_max_continuations");
    memcpy(&nghttp2.nghttp2_option_set_max_continuations, &found, sizeof found);
}

const char *nghttp2_load(void)
{
    pthread_once(&once, load);
    return fault;
}
