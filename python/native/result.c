/* What became of a request, as an object: copied out of the engine's memory, as results live there
 * only until the next run. What is rarely looked at is made when it is. */
#include "native.h"

#include <string.h>

struct result {
    PyObject_HEAD PyObject *data; /* what the caller gave */
    PyObject *error;              /* str or null for None */
    PyObject *detail;             /* str or null */
    PyObject *body;               /* bytes */
    PyObject *headers;            /* a list of pairs, or null */
    PyObject *encoding;           /* str or null */
    PyObject *location;           /* the same */
    PyObject *redirect_urls;
    PyObject *attempts_list;
    Py_ssize_t number;
    int status;
    int kind;
    unsigned int attempts, redirects;
    char ok, ambiguous, cut_short, unjudged, processed;
    unsigned long long retry_after_ns, head_bytes, packed_bytes;
    struct ringsend_times times;
};

static PyObject *attempts_of(const struct ringsend_result *from)
{
    PyObject *list = PyList_New((Py_ssize_t)from->attempts_list_count);
    for (size_t i = 0; list && i < from->attempts_list_count; i++) {
        PyObject *one = fields_of_attempt(&from->attempts_list[i]);
        if (!one || PyList_SetItem(list, (Py_ssize_t)i, one) < 0)
            Py_CLEAR(list);
    }
    return list;
}

/* The parts that are objects. False: a Python error is set. */
static bool copy_objects(struct result *self, const struct ringsend_result *from)
{
    self->body = PyBytes_FromStringAndSize(from->body.bytes ? from->body.data : "",
                                           (Py_ssize_t)from->body.bytes);
    if (!self->body)
        return false;
    if (from->error != RINGSEND_OK && !(self->error = library_error_name(from->error)))
        return false;
    if (from->detail && !(self->detail = text_of(from->detail, strlen(from->detail))))
        return false;
    if (from->headers && !(self->headers = headers_list(from->headers, from->headers_count)))
        return false;
    if (from->encoding.bytes &&
        !(self->encoding = text_of(from->encoding.data, from->encoding.bytes)))
        return false;
    if (from->location.bytes &&
        !(self->location = text_of(from->location.data, from->location.bytes)))
        return false;
    if (from->redirect_urls.bytes &&
        !(self->redirect_urls = text_of(from->redirect_urls.data, from->redirect_urls.bytes)))
        return false;
    return !from->attempts_list_count || (self->attempts_list = attempts_of(from));
}

PyObject *result_new(PyTypeObject *type, PyObject *data, Py_ssize_t number,
                     const struct ringsend_result *from)
{
    struct result *self = (struct result *)PyType_GenericAlloc(type, 0);
    if (!self) {
        Py_DECREF(data);
        return NULL;
    }
    self->data = data;
    self->number = number;
    self->status = from->status;
    self->kind = (int)from->kind;
    self->attempts = from->attempts;
    self->ok = from->ok;
    self->ambiguous = from->ambiguous;
    self->cut_short = from->cut_short;
    self->unjudged = from->unjudged;
    self->redirects = from->redirects;
    self->processed = from->processed;
    self->retry_after_ns = from->retry_after_ns;
    self->head_bytes = from->head_bytes;
    self->packed_bytes = from->packed_bytes;
    self->times = from->times;
    if (copy_objects(self, from))
        return (PyObject *)self;
    Py_DECREF(self);
    return NULL;
}

PyObject *result_failed(PyObject *module, PyObject *arguments)
{
    PyObject *type, *data, *error, *detail;
    Py_ssize_t number;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "OOnUO", &type, &data, &number, &error, &detail))
        return NULL;
    struct ringsend_result none = {.error = RINGSEND_OK};
    Py_INCREF(data);
    struct result *self = (struct result *)result_new((PyTypeObject *)type, data, number, &none);
    if (!self)
        return NULL;
    Py_INCREF(error);
    self->error = error;
    if (detail != Py_None) {
        Py_INCREF(detail);
        self->detail = detail;
    }
    return (PyObject *)self;
}

static int result_traverse(PyObject *object, visitproc visit, void *arg)
{
    struct result *self = (struct result *)object;
    Py_VISIT(self->data);
    Py_VISIT(Py_TYPE(object));
    return 0;
}

static int result_clear(PyObject *object)
{
    Py_CLEAR(((struct result *)object)->data);
    return 0;
}

static void result_dealloc(PyObject *object)
{
    struct result *self = (struct result *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    Py_XDECREF(self->data);
    Py_XDECREF(self->error);
    Py_XDECREF(self->detail);
    Py_XDECREF(self->body);
    Py_XDECREF(self->headers);
    Py_XDECREF(self->encoding);
    Py_XDECREF(self->location);
    Py_XDECREF(self->redirect_urls);
    Py_XDECREF(self->attempts_list);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
    Py_DECREF(type);
}

static PyObject *get_times(PyObject *object, void *closure)
{
    (void)closure;
    return fields_of_times(&((struct result *)object)->times);
}

#define MEMBER(name, field, type, text)                            \
    {                                                              \
        name, type, offsetof(struct result, field), READONLY, text \
    }

static PyMemberDef result_members[] = {
    MEMBER("data", data, T_OBJECT, "What the caller gave: the record."),
    MEMBER("_number", number, T_PYSSIZET, "Its place among those of its job."),
    MEMBER("_kind", kind, T_INT, "enum ringsend_result_kind."),
    MEMBER("ok", ok, T_BOOL,
           "A complete response came whose status is among ok_status (2xx unless told otherwise), "
           "and ok_if and retry_if agree."),
    MEMBER("status", status, T_INT, "Of the last attempt's response; 0: there was none."),
    MEMBER("error", error, T_OBJECT,
           "Why there is no complete response, as \"connect_refused\"; None when there is one, "
           "whatever its status."),
    MEMBER("detail", detail, T_OBJECT, "A sentence more about the error, or None."),
    MEMBER("ambiguous", ambiguous, T_BOOL, "It may have been processed, and nobody can tell."),
    MEMBER("attempts", attempts, T_UINT, "Tries made; 0: it never came to one."),
    MEMBER("body", body, T_OBJECT, "The response's body: bytes."),
    MEMBER("headers", headers, T_OBJECT,
           "The response's: a list of (name, value), with store_headers; else None."),
    MEMBER("encoding", encoding, T_OBJECT,
           "The Content-Encoding that the body still has, or None."),
    MEMBER("location", location, T_OBJECT, "With a status of 300 to 399: where it leads, or None."),
    MEMBER("redirects", redirects, T_UINT, "So many were followed."),
    MEMBER("_redirect_urls", redirect_urls, T_OBJECT, "To these URLs, one to a line; or None."),
    MEMBER("processed", processed, T_BOOL,
           "An answer that led to a GET says that the request itself was processed."),
    MEMBER("_attempts_list", attempts_list, T_OBJECT, "With store_attempts a list of dicts."),
    MEMBER("cut_short", cut_short, T_BOOL,
           "Cancelling or stopping kept it from a try or from the response it waited for."),
    MEMBER("unjudged", unjudged, T_BOOL,
           "What ok_if or retry_if asked for in the body could not be read."),
    MEMBER("_retry_after_ns", retry_after_ns, T_ULONGLONG, "What the response asked for."),
    MEMBER("head_bytes", head_bytes, T_ULONGLONG, "Of the response's head."),
    MEMBER("packed_bytes", packed_bytes, T_ULONGLONG, "Of its body as it came, before decoding."),
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef result_getters[] = {
    {"_times", get_times, NULL, "The fields of struct ringsend_times, in ns.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot result_slots[] = {
    {Py_tp_dealloc, result_dealloc}, {Py_tp_traverse, result_traverse}, {Py_tp_clear, result_clear},
    {Py_tp_members, result_members}, {Py_tp_getset, result_getters},    {0, NULL},
};

PyType_Spec result_spec = {
    .name = "ringsend._engine.Result",
    .basicsize = sizeof(struct result),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = result_slots,
};
