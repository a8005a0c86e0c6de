/* What the files of the extension module share. ringsend_ functions are reached through `library`:
 * which shared library that is, the Python side decides when it is imported (ringsend/_library.py).
 *
 * Limited API of Python 3.9: one file serves 3.9 and all that follow. */
#ifndef RINGSEND_PYTHON_NATIVE_H
#define RINGSEND_PYTHON_NATIVE_H

/* Py_LIMITED_API comes from the build. */
#include <Python.h>

#include <structmember.h>

#include "ringsend.h"

/* ---- library.c: the shared library ---- */

#define LIBRARY_FUNCTIONS(X) \
    X(new)                   \
    X(free)                  \
    X(submit)                \
    X(submit_detail)         \
    X(run)                   \
    X(reap)                  \
    X(body)                  \
    X(hold)                  \
    X(cancel)                \
    X(cancel_all)            \
    X(stop)                  \
    X(fd)                    \
    X(wake)                  \
    X(limit)                 \
    X(stats)                 \
    X(features)              \
    X(tls_origin)            \
    X(tcp_samples)           \
    X(tls_new)               \
    X(tls_free)              \
    X(limits_new)            \
    X(limits_free)           \
    X(error_name)            \
    X(error_text)            \
    X(wait_name)             \
    X(retry_on_default)      \
    X(version)

/* One for the process, and never unloaded: engines may outlive the module. */
struct library {
#define X(name) __typeof__(ringsend_##name) *(name);
    LIBRARY_FUNCTIONS(X)
#undef X
};
extern struct library library;

/* load(path) -> version. */
PyObject *library_load(PyObject *module, PyObject *path);
/* The name of an error, a string that is made once for each. A new reference. */
PyObject *library_error_name(enum ringsend_error error);

/* ---- fields.c: structs of the header by the names of their fields ---- */

/* What a field of ringsend_options holds: by this a value from Python is stored. */
enum field_kind {
    FIELD_OTHER, /* nothing that is known here */
    FIELD_BOOL,
    FIELD_U32,
    FIELD_U64,
    FIELD_INT,
    FIELD_TEXT,     /* const char *, from bytes */
    FIELD_STATUSES, /* struct ringsend_status_set, from its bytes */
    FIELD_OUTCOMES, /* const struct ringsend_outcomes *, from its bytes */
    FIELD_RESOLVE,  /* const struct ringsend_resolve *, from a list of tuples */
    FIELD_COSTS,    /* const struct ringsend_cost *, likewise */
    FIELD_TLS,      /* struct ringsend_tls *, from a Shared */
    FIELD_LIMITS    /* struct ringsend_limits *, likewise */
};

/* Fills in the options from a dict of fields. What they point to is kept in `keep`, a list. False:
 * a Python error is set. */
bool fields_to_options(PyObject *fields, struct ringsend_options *options, PyObject *keep);
/* A dict of all fields that are numbers. A new reference. */
PyObject *fields_of_stats(const struct ringsend_stats *stats);
PyObject *fields_of_times(const struct ringsend_times *times);
PyObject *fields_of_attempt(const struct ringsend_attempt *attempt);
PyObject *fields_of_sample(const struct ringsend_tcp_sample *sample);
/* {struct: {field: kind}}, for the tests: a field that nobody can set from Python is to be seen. A
 * new reference. */
PyObject *fields_known(void);

/* ---- shared.c: certificates and limits for several engines ---- */

extern PyType_Spec shared_spec;
extern PyTypeObject *shared_type;
struct ringsend_tls *shared_tls(PyObject *object);
struct ringsend_limits *shared_limits(PyObject *object);

/* ---- result.c ---- */

extern PyType_Spec result_spec;
/* A result for Python, of `type` (Result or a subclass). Takes the reference to data. Null: a
 * Python error is set, and data is given back. */
PyObject *result_new(PyTypeObject *type, PyObject *data, Py_ssize_t number,
                     const struct ringsend_result *from);
/* failed(type, data, number, error, detail): the result of what cannot be sent. */
PyObject *result_failed(PyObject *module, PyObject *arguments);

/* ---- headers.c: lines of a head, borrowed by requests ---- */

extern PyType_Spec headers_spec;
extern PyTypeObject *headers_type;
/* Sets them in a request, which borrows them as long as the object lives. */
void headers_set(PyObject *headers, struct ringsend_request *request);
/* A list of pairs of str. A new reference. */
PyObject *headers_list(const struct ringsend_header *headers, size_t count);

/* ---- engine.c ---- */

extern PyType_Spec engine_spec;
/* A RuntimeError: closed, another thread's, the parent's, or at work. */
extern PyObject *engine_unusable;
/* Has the child of a fork know itself. */
bool engine_watch_forks(void);

/* Decodes what a peer may have sent: bytes that are not UTF-8 become U+FFFD. */
static inline PyObject *text_of(const char *data, size_t bytes)
{
    return PyUnicode_DecodeUTF8(data ? data : "", (Py_ssize_t)bytes, "replace");
}

#endif
