/* The shared library: looked up once, by a path that the Python side names. */
#include "native.h"

#include <dlfcn.h>

struct library library;

static PyObject *names[RINGSEND_ERROR_COUNT];

static void *function(void *handle, const char *name)
{
    void *found = dlsym(handle, name);
    if (!found)
        PyErr_Format(PyExc_OSError, "it has no %s: an older library", name);
    return found;
}

PyObject *library_load(PyObject *module, PyObject *path)
{
    (void)module;
    const char *name = PyBytes_AsString(path);
    if (!name)
        return NULL;
    void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        PyErr_SetString(PyExc_OSError, dlerror());
        return NULL;
    }
    struct library found;
#define X(each)                                                  \
    *(void **)&found.each = function(handle, "ringsend_" #each); \
    if (!found.each)                                             \
        return NULL;
    LIBRARY_FUNCTIONS(X)
#undef X
    library = found;
    return PyUnicode_FromString(library.version());
}

PyObject *library_error_name(enum ringsend_error error)
{
    if (error >= RINGSEND_ERROR_COUNT) /* a later library's */
        return PyUnicode_FromString(library.error_name(error));
    if (!names[error]) {
        names[error] = PyUnicode_InternFromString(library.error_name(error));
        if (!names[error])
            return NULL;
    }
    Py_INCREF(names[error]);
    return names[error];
}
