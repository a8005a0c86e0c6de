/* Lines of a head: made once from pairs of bytes, and borrowed by as many requests as like. */
#include "native.h"

struct headers {
    PyObject_HEAD PyObject *pairs; /* a tuple of tuples of bytes */
    struct ringsend_header *lines;
    size_t count;
};

PyTypeObject *headers_type;

static bool fill(struct ringsend_bytes *to, PyObject *from)
{
    char *data = NULL;
    Py_ssize_t bytes = 0;
    if (!from || PyBytes_AsStringAndSize(from, &data, &bytes) < 0)
        return false;
    *to = (struct ringsend_bytes){data, (size_t)bytes};
    return true;
}

static PyObject *headers_make(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    PyObject *pairs;
    (void)keywords;
    if (!PyArg_ParseTuple(arguments, "O!", &PyTuple_Type, &pairs))
        return NULL;
    struct headers *self = (struct headers *)PyType_GenericAlloc(type, 0);
    if (!self)
        return NULL;
    self->count = (size_t)PyTuple_Size(pairs);
    self->lines = PyMem_Calloc(self->count + 1, sizeof *self->lines);
    Py_INCREF(pairs);
    self->pairs = pairs;
    bool good = self->lines;
    if (!good)
        PyErr_NoMemory();
    for (size_t i = 0; good && i < self->count; i++) {
        PyObject *pair = PyTuple_GetItem(pairs, (Py_ssize_t)i);
        good = PyTuple_Check(pair) && fill(&self->lines[i].name, PyTuple_GetItem(pair, 0)) &&
               fill(&self->lines[i].value, PyTuple_GetItem(pair, 1));
    }
    if (good)
        return (PyObject *)self;
    if (!PyErr_Occurred())
        PyErr_SetString(PyExc_TypeError, "a tuple of pairs is wanted");
    Py_DECREF(self);
    return NULL;
}

static void headers_dealloc(PyObject *object)
{
    struct headers *self = (struct headers *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyMem_Free(self->lines);
    Py_XDECREF(self->pairs);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
    Py_DECREF(type);
}

void headers_set(PyObject *headers, struct ringsend_request *request)
{
    const struct headers *self = (const struct headers *)headers;
    request->headers = self->lines;
    request->headers_count = self->count;
}

PyObject *headers_list(const struct ringsend_header *headers, size_t count)
{
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list && i < count; i++) {
        PyObject *pair = Py_BuildValue("NN", text_of(headers[i].name.data, headers[i].name.bytes),
                                       text_of(headers[i].value.data, headers[i].value.bytes));
        if (!pair || PyList_SetItem(list, (Py_ssize_t)i, pair) < 0)
            Py_CLEAR(list);
    }
    return list;
}

static char headers_doc[] = "Headers(((name, value), ...)): lines of a head, as bytes.";

static PyType_Slot headers_slots[] = {
    {Py_tp_new, headers_make},
    {Py_tp_dealloc, headers_dealloc},
    {Py_tp_doc, headers_doc},
    {0, NULL},
};

PyType_Spec headers_spec = {
    .name = "ringsend._engine.Headers",
    .basicsize = sizeof(struct headers),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = headers_slots,
};
