/* Certificates and limits that several engines share. They live as long as an engine or the
 * program holds them: engines keep a reference. Any thread. */
#include "native.h"

#include <string.h>

struct shared {
    PyObject_HEAD struct ringsend_tls *tls; /* one of the two */
    struct ringsend_limits *limits;
};

PyTypeObject *shared_type;

/* Shared("tls" | "limits", fields) */
static PyObject *shared_make(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    const char *kind;
    PyObject *fields;
    (void)keywords;
    if (!PyArg_ParseTuple(arguments, "sO!", &kind, &PyDict_Type, &fields))
        return NULL;
    char message[512] = "";
    struct ringsend_options options = {.message = message, .message_bytes = sizeof message};
    PyObject *keep = PyList_New(0);
    struct shared *self = (struct shared *)PyType_GenericAlloc(type, 0);
    if (!self || !keep || !fields_to_options(fields, &options, keep)) {
        Py_XDECREF(keep);
        Py_XDECREF(self);
        return NULL;
    }
    int error;
    if (strcmp(kind, "tls") == 0) {
        Py_BEGIN_ALLOW_THREADS; /* it reads files */
        error = library.tls_new(&self->tls, &options);
        Py_END_ALLOW_THREADS;
    } else {
        error = library.limits_new(&self->limits, &options);
    }
    Py_DECREF(keep);
    if (error == 0)
        return (PyObject *)self;
    PyErr_SetString(PyExc_ValueError,
                    message[0] ? message : library.error_text((enum ringsend_error) - error));
    Py_DECREF(self);
    return NULL;
}

static void shared_dealloc(PyObject *object)
{
    struct shared *self = (struct shared *)object;
    PyTypeObject *type = Py_TYPE(object);
    if (self->tls)
        library.tls_free(self->tls);
    if (self->limits)
        library.limits_free(self->limits);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
    Py_DECREF(type);
}

static struct shared *checked(PyObject *object)
{
    if (Py_TYPE(object) == shared_type)
        return (struct shared *)object;
    PyErr_SetString(PyExc_TypeError, "this is not shared by engines");
    return NULL;
}

struct ringsend_tls *shared_tls(PyObject *object)
{
    const struct shared *self = checked(object);
    if (self && !self->tls)
        PyErr_SetString(PyExc_TypeError, "these are no certificates");
    return self ? self->tls : NULL;
}

struct ringsend_limits *shared_limits(PyObject *object)
{
    const struct shared *self = checked(object);
    if (self && !self->limits)
        PyErr_SetString(PyExc_TypeError, "these are no limits");
    return self ? self->limits : NULL;
}

static char shared_doc[] = "Shared(kind, fields): \"tls\" or \"limits\" of several engines.";

static PyType_Slot shared_slots[] = {
    {Py_tp_new, shared_make},
    {Py_tp_dealloc, shared_dealloc},
    {Py_tp_doc, shared_doc},
    {0, NULL},
};

PyType_Spec shared_spec = {
    .name = "ringsend._engine.Shared",
    .basicsize = sizeof(struct shared),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = shared_slots,
};
