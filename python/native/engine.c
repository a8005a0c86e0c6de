/* An engine for Python: what it borrows, who may touch it, and where results go.
 *
 * Each request has a slot: the struct that the engine borrows, and references to all that it points
 * to, until its final result has been reaped. A result is appended to the request's sink, a list of
 * the caller's, before any code of Python can run: no signal and no exception comes between the
 * engine's word and its place there, and a batch of results costs one call.
 *
 * Threads. The engine belongs to the thread that first submits or turns; other threads are refused
 * with RuntimeError, and so is the child of a fork. Only wake() is for any. An engine whose last
 * reference goes in another thread cannot be freed: it is left behind, with the descriptors it has.
 *
 * turn() releases the GIL while the engine works. `busy` keeps everybody else out meanwhile, and
 * code that runs because turn() let go of an object. */
#include "native.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum {
    BATCH = 256, /* results taken at a time */
    MESSAGE_BYTES = 512,
    SLOT_BITS = 20, /* requests_max is at most 2^20 */
};

struct slot {
    struct ringsend_request request;
    unsigned long long ticket; /* 0: free */
    PyObject *sink, *data, *method, *url, *headers, *body;
    PyObject *extra; /* and what lives in it */
    PyObject *piece; /* of a body in pieces: the one that is out */
    Py_ssize_t number;
    struct slot *next; /* of the free ones */
};

struct engine {
    PyObject_HEAD struct ringsend *engine; /* null: closed */
    PyTypeObject *result_type;
    PyObject *keep;    /* what the options point to */
    PyObject *message; /* of ringsend_new */
    struct slot *slots, *free;
    uint32_t slots_count;
    uint32_t used;
    unsigned long long tickets;
    unsigned long long owner; /* number of a thread; 0: none yet */
    unsigned forks;
    bool busy;
};

PyObject *engine_unusable;

/* ---- Who may ---- */

static unsigned forks; /* that this process is away from the first one */

static void count_fork(void)
{
    forks++;
}

bool engine_watch_forks(void)
{
    static bool watched;
    watched = watched || pthread_atfork(NULL, NULL, count_fork) == 0;
    return watched;
}

/* Unlike the system's, no number is given twice. */
static unsigned long long this_thread(void)
{
    static _Atomic unsigned long long last;
    static _Thread_local unsigned long long mine;
    if (mine == 0)
        mine = atomic_fetch_add(&last, 1) + 1;
    return mine;
}

static bool is_ours(const struct engine *self)
{
    return self->forks == forks && (self->owner == 0 || self->owner == this_thread());
}

static bool may_use(struct engine *self)
{
    if (!self->engine)
        PyErr_SetString(engine_unusable, "the session is closed");
    else if (self->forks != forks)
        PyErr_SetString(engine_unusable,
                        "the session is the parent's: a child of fork makes its own");
    else if (!is_ours(self))
        PyErr_SetString(engine_unusable,
                        "the session belongs to another thread: see "
                        "asyncio.run_coroutine_threadsafe, or make a session for each thread");
    else if (self->busy)
        PyErr_SetString(engine_unusable, "the engine is at work: it cannot be used from within");
    else
        return true;
    return false;
}

static bool may_work(struct engine *self)
{
    if (!may_use(self))
        return false;
    self->owner = this_thread();
    return true;
}

/* ---- Slots ---- */

static struct slot *slot_of(struct engine *self, PyObject *ticket)
{
    unsigned long long number = PyLong_AsUnsignedLongLong(ticket);
    if (PyErr_Occurred())
        return NULL;
    size_t at = number & ((1ull << SLOT_BITS) - 1);
    if (number == 0 || at >= self->slots_count || self->slots[at].ticket != number)
        return NULL;
    return &self->slots[at];
}

/* The objects go last: letting go of one may run any code. */
static void slot_release(struct engine *self, struct slot *slot)
{
    PyObject *held[] = {slot->sink,    slot->data, slot->method, slot->url,
                        slot->headers, slot->body, slot->piece,  slot->extra};
    slot->sink = slot->data = slot->method = slot->url = NULL;
    slot->headers = slot->body = slot->piece = slot->extra = NULL;
    slot->ticket = 0;
    slot->next = self->free;
    self->free = slot;
    self->used--;
    for (size_t i = 0; i < sizeof held / sizeof *held; i++)
        Py_XDECREF(held[i]);
}

/* ---- Submit ---- */

/* Bytes, or the UTF-8 of a str; the object that holds them goes to `held`. */
static bool borrow(PyObject *from, PyObject **held, struct ringsend_bytes *to)
{
    char *data;
    Py_ssize_t bytes;
    if (from == Py_None)
        return true;
    if (PyBytes_Check(from)) {
        Py_INCREF(from);
    } else if (PyUnicode_Check(from)) {
        from = PyUnicode_AsUTF8String(from);
    } else {
        PyErr_Format(PyExc_TypeError, "a str is wanted for the url, not %R", from);
        return false;
    }
    *held = from;
    if (!from || PyBytes_AsStringAndSize(from, &data, &bytes) < 0)
        return false;
    *to = (struct ringsend_bytes){data, (size_t)bytes};
    return true;
}

/* (tries, timeout_ns, deadline_ns, body_fd, body_at, body_bytes, response_fd, held, cost...): held
 * is any object that is to live as long as the request, and there are four costs. */
static bool set_extra(struct slot *slot, PyObject *extra)
{
    struct ringsend_request *request = &slot->request;
    PyObject *held;
    Py_INCREF(extra);
    slot->extra = extra;
    unsigned long long timeout_ns, deadline_ns, body_bytes, cost[RINGSEND_COSTS_MAX];
    long long body_at;
    if (!PyArg_ParseTuple(extra, "IKKiLKiOKKKK", &request->tries, &timeout_ns, &deadline_ns,
                          &request->body_fd, &body_at, &body_bytes, &request->response_fd, &held,
                          &cost[0], &cost[1], &cost[2], &cost[3]))
        return false;
    request->attempt_timeout_ns = timeout_ns;
    request->deadline_ns = deadline_ns;
    request->body_at = body_at;
    request->body_bytes = body_bytes;
    for (size_t i = 0; i < RINGSEND_COSTS_MAX; i++)
        request->cost[i] = cost[i];
    return true;
}

static PyObject *argument(PyObject *arguments, Py_ssize_t at)
{
    return PyTuple_GetItem(arguments, at);
}

/* Takes the arguments of submit() into a slot. False: a Python error is set. */
static bool slot_fill(struct slot *slot, PyObject *arguments)
{
    struct ringsend_request *request = &slot->request;
    PyObject *headers = argument(arguments, 5);
    *request = (struct ringsend_request){.size = sizeof *request, .user = slot};
    slot->sink = argument(arguments, 0);
    slot->data = argument(arguments, 1);
    Py_INCREF(slot->sink);
    Py_INCREF(slot->data);
    slot->number = PyLong_AsSsize_t(argument(arguments, 2));
    if (!PyList_Check(slot->sink) || PyErr_Occurred()) {
        PyErr_SetString(PyExc_TypeError, "the sink is a list, the number a number");
        return false;
    }
    if (headers != Py_None) {
        if (Py_TYPE(headers) != headers_type) {
            PyErr_SetString(PyExc_TypeError, "Headers are wanted");
            return false;
        }
        Py_INCREF(headers);
        slot->headers = headers;
        headers_set(headers, request);
    }
    request->flags = (uint32_t)PyLong_AsUnsignedLong(argument(arguments, 7));
    return !PyErr_Occurred() && borrow(argument(arguments, 3), &slot->method, &request->method) &&
           borrow(argument(arguments, 4), &slot->url, &request->url) &&
           borrow(argument(arguments, 6), &slot->body, &request->body) &&
           (PyTuple_Size(arguments) < 9 || set_extra(slot, argument(arguments, 8)));
}

/* What the engine refuses has its result at once. */
static bool refuse(struct engine *self, struct slot *slot, int error)
{
    const struct ringsend_result from = {
        .request = &slot->request,
        .error = (enum ringsend_error) - error,
        .detail = library.submit_detail(self->engine),
    };
    Py_INCREF(slot->data);
    PyObject *result = result_new(self->result_type, slot->data, slot->number, &from);
    bool good = result && PyList_Append(slot->sink, result) == 0;
    Py_XDECREF(result);
    return good;
}

static PyObject *engine_submit(PyObject *object, PyObject *arguments)
{
    struct engine *self = (struct engine *)object;
    if (!may_work(self))
        return NULL;
    if (PyTuple_Size(arguments) < 8) {
        PyErr_SetString(PyExc_TypeError, "submit takes 8 or 9 arguments");
        return NULL;
    }
    struct slot *slot = self->free;
    if (!slot)
        return PyLong_FromLong(-RINGSEND_E_FULL);
    self->free = slot->next;
    self->used++;
    slot->ticket = ++self->tickets << SLOT_BITS | (unsigned long long)(slot - self->slots);
    if (!slot_fill(slot, arguments)) {
        slot_release(self, slot);
        return NULL;
    }
    int error = library.submit(self->engine, &slot->request);
    if (error == 0)
        return PyLong_FromUnsignedLongLong(slot->ticket);
    bool good = error == -RINGSEND_E_FULL || refuse(self, slot, error);
    slot_release(self, slot);
    if (!good)
        return NULL;
    return PyLong_FromLong(error == -RINGSEND_E_FULL ? error : 0);
}

/* ---- Turn ---- */

/* Into the sink, and a final one's slot is free again. */
static bool deliver(struct engine *self, const struct ringsend_result *from)
{
    struct slot *slot = from->request->user;
    Py_INCREF(slot->data);
    PyObject *result = result_new(self->result_type, slot->data, slot->number, from);
    bool good = result && PyList_Append(slot->sink, result) == 0;
    Py_XDECREF(result);
    if (from->kind == RINGSEND_FINAL)
        slot_release(self, slot);
    else if (from->kind == RINGSEND_WANTS)
        Py_CLEAR(slot->piece);
    return good;
}

/* All results that are there. An error of Python's does not keep the others from their places. */
static bool reap(struct engine *self)
{
    const struct ringsend_result *results[BATCH];
    bool good = true;
    size_t count;
    do {
        count = library.reap(self->engine, results, BATCH);
        for (size_t i = 0; i < count; i++)
            good = deliver(self, results[i]) && good;
    } while (count == BATCH);
    return good;
}

static PyObject *engine_turn(PyObject *object, PyObject *wait)
{
    struct engine *self = (struct engine *)object;
    unsigned long long wait_ns = PyLong_AsUnsignedLongLong(wait);
    if (PyErr_Occurred() || !may_work(self))
        return NULL;
    struct ringsend_stats stats = {.size = sizeof stats};
    int ready;
    self->busy = true;
    Py_BEGIN_ALLOW_THREADS;
    ready = library.run(self->engine, wait_ns);
    Py_END_ALLOW_THREADS;
    bool good = ready <= 0 || reap(self);
    if (ready >= 0)
        library.stats(self->engine, &stats);
    self->busy = false;
    if (ready < 0)
        PyErr_SetString(PyExc_OSError, library.error_text((enum ringsend_error) - ready));
    if (ready < 0 || !good)
        return NULL;
    return PyLong_FromUnsignedLongLong(stats.next_deadline_ns);
}

/* ---- The rest of the door ---- */

static PyObject *answer(int error)
{
    if (error >= 0)
        return PyLong_FromLong(error);
    PyErr_SetString(PyExc_ValueError, library.error_text((enum ringsend_error) - error));
    return NULL;
}

/* body(ticket, piece, last): 0 or -FULL. */
static PyObject *engine_body(PyObject *object, PyObject *arguments)
{
    struct engine *self = (struct engine *)object;
    PyObject *ticket, *piece;
    int last;
    char *data;
    Py_ssize_t bytes;
    if (!PyArg_ParseTuple(arguments, "OSp", &ticket, &piece, &last) || !may_work(self) ||
        PyBytes_AsStringAndSize(piece, &data, &bytes) < 0)
        return NULL;
    struct slot *slot = slot_of(self, ticket);
    if (!slot)
        return PyErr_Occurred() ? NULL : PyLong_FromLong(0);
    struct ringsend_bytes given = {data, (size_t)bytes};
    int error = library.body(self->engine, slot->request.handle, given, last);
    if (error == 0) {
        PyObject *before = slot->piece;
        Py_INCREF(piece);
        slot->piece = piece;
        Py_XDECREF(before);
    }
    return error == -RINGSEND_E_FULL ? PyLong_FromLong(error) : answer(error);
}

static PyObject *engine_hold(PyObject *object, PyObject *arguments)
{
    struct engine *self = (struct engine *)object;
    PyObject *ticket;
    int hold;
    if (!PyArg_ParseTuple(arguments, "Op", &ticket, &hold) || !may_work(self))
        return NULL;
    struct slot *slot = slot_of(self, ticket);
    if (slot)
        library.hold(self->engine, slot->request.handle, hold);
    return PyErr_Occurred() ? NULL : Py_BuildValue("");
}

static PyObject *engine_cancel(PyObject *object, PyObject *ticket)
{
    struct engine *self = (struct engine *)object;
    if (!may_work(self))
        return NULL;
    struct slot *slot = slot_of(self, ticket);
    if (slot)
        library.cancel(self->engine, slot->request.handle);
    return PyErr_Occurred() ? NULL : Py_BuildValue("");
}

static PyObject *engine_cancel_sink(PyObject *object, PyObject *sink)
{
    struct engine *self = (struct engine *)object;
    if (!may_work(self))
        return NULL;
    for (uint32_t i = 0; i < self->slots_count; i++)
        if (self->slots[i].ticket && self->slots[i].sink == sink)
            library.cancel(self->engine, self->slots[i].request.handle);
    return Py_BuildValue("");
}

static PyObject *engine_cancel_all(PyObject *object, PyObject *none)
{
    struct engine *self = (struct engine *)object;
    (void)none;
    if (!may_work(self))
        return NULL;
    library.cancel_all(self->engine);
    return Py_BuildValue("");
}

static PyObject *engine_stop(PyObject *object, PyObject *none)
{
    struct engine *self = (struct engine *)object;
    (void)none;
    if (!may_work(self))
        return NULL;
    library.stop(self->engine);
    return Py_BuildValue("");
}

static PyObject *engine_fd(PyObject *object, PyObject *none)
{
    struct engine *self = (struct engine *)object;
    (void)none;
    return may_work(self) ? PyLong_FromLong(library.fd(self->engine)) : NULL;
}

/* Any thread, and a signal handler. */
static PyObject *engine_wake(PyObject *object, PyObject *none)
{
    const struct engine *self = (struct engine *)object;
    (void)none;
    if (self->engine && self->forks == forks)
        library.wake(self->engine);
    return Py_BuildValue("");
}

static PyObject *engine_limit(PyObject *object, PyObject *connections)
{
    struct engine *self = (struct engine *)object;
    unsigned long count = PyLong_AsUnsignedLong(connections);
    if (PyErr_Occurred() || !may_work(self))
        return NULL;
    return answer(library.limit(self->engine, count > UINT32_MAX ? 0 : (uint32_t)count));
}

static PyObject *engine_stats(PyObject *object, PyObject *none)
{
    struct engine *self = (struct engine *)object;
    (void)none;
    if (!may_use(self))
        return NULL;
    struct ringsend_stats stats = {.size = sizeof stats};
    library.stats(self->engine, &stats);
    return fields_of_stats(&stats);
}

static PyObject *engine_features(PyObject *object, PyObject *none)
{
    struct engine *self = (struct engine *)object;
    char text[MESSAGE_BYTES];
    (void)none;
    if (!may_use(self))
        return NULL;
    library.features(self->engine, text, sizeof text);
    return PyUnicode_FromString(text);
}

static PyObject *engine_tls_origins(PyObject *object, PyObject *none)
{
    struct engine *self = (struct engine *)object;
    char text[MESSAGE_BYTES];
    (void)none;
    if (!may_use(self))
        return NULL;
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && library.tls_origin(self->engine, i, text, sizeof text); i++) {
        PyObject *one = text_of(text, strlen(text));
        if (!one || PyList_Append(list, one) < 0)
            Py_CLEAR(list);
        Py_XDECREF(one);
    }
    return list;
}

/* tcp_samples(max) */
static PyObject *engine_tcp_samples(PyObject *object, PyObject *max)
{
    struct engine *self = (struct engine *)object;
    size_t room = PyLong_AsSize_t(max);
    if (PyErr_Occurred() || !may_work(self))
        return NULL;
    struct ringsend_tcp_sample *samples = PyMem_Calloc(room + 1, sizeof *samples);
    if (!samples)
        return PyErr_NoMemory();
    int count = library.tcp_samples(self->engine, samples, room);
    PyObject *list = count < 0 ? answer(count) : PyList_New(0);
    for (int i = 0; list && i < count; i++) {
        PyObject *one = fields_of_sample(&samples[i]);
        if (!one || PyList_Append(list, one) < 0)
            Py_CLEAR(list);
        Py_XDECREF(one);
    }
    PyMem_Free(samples);
    return list;
}

/* ---- Life ---- */

/* Frees the engine and lets go of what it borrowed. */
static void engine_end(struct engine *self)
{
    struct ringsend *engine = self->engine;
    self->engine = NULL;
    if (!engine)
        return;
    if (!is_ours(self)) { /* what it borrows stays where it is, for ever */
        self->slots = NULL;
        self->slots_count = 0;
        self->keep = NULL;
        return;
    }
    library.free(engine);
    for (uint32_t i = 0; i < self->slots_count; i++)
        if (self->slots[i].ticket)
            slot_release(self, &self->slots[i]);
    Py_CLEAR(self->keep);
}

/* free(): in-flight requests are cancelled, and results that were not taken are lost. */
static PyObject *engine_free(PyObject *object, PyObject *none)
{
    struct engine *self = (struct engine *)object;
    (void)none;
    if (self->engine && !may_use(self))
        return NULL;
    engine_end(self);
    return Py_BuildValue("");
}

static bool engine_start(struct engine *self, PyObject *fields)
{
    char message[MESSAGE_BYTES] = "";
    struct ringsend_options options = {.message = message, .message_bytes = sizeof message};
    self->keep = PyList_New(0);
    if (!self->keep || !fields_to_options(fields, &options, self->keep))
        return false;
    self->slots_count = options.requests_max;
    self->slots = PyMem_Calloc(self->slots_count + 1, sizeof *self->slots);
    if (!self->slots)
        return PyErr_NoMemory();
    for (uint32_t i = self->slots_count; i-- > 0;) {
        self->slots[i].next = self->free;
        self->free = &self->slots[i];
    }
    int error = library.new(&self->engine, &options);
    if (error) {
        PyErr_SetString(error == -RINGSEND_E_RING        ? PyExc_OSError
                        : error == -RINGSEND_E_NO_MEMORY ? PyExc_MemoryError
                                                         : PyExc_ValueError,
                        message[0] ? message : library.error_text((enum ringsend_error) - error));
        return false;
    }
    self->message = text_of(message, strlen(message));
    return self->message;
}

/* Engine(result_type, fields) */
static PyObject *engine_make(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    PyObject *result_type, *fields;
    (void)keywords;
    if (!PyArg_ParseTuple(arguments, "O!O!", &PyType_Type, &result_type, &PyDict_Type, &fields))
        return NULL;
    struct engine *self = (struct engine *)PyType_GenericAlloc(type, 0);
    if (!self)
        return NULL;
    self->forks = forks;
    self->result_type = (PyTypeObject *)result_type;
    Py_INCREF(result_type);
    if (engine_start(self, fields))
        return (PyObject *)self;
    Py_DECREF(self);
    return NULL;
}

static int engine_traverse(PyObject *object, visitproc visit, void *arg)
{
    struct engine *self = (struct engine *)object;
    Py_VISIT(self->result_type);
    Py_VISIT(self->keep);
    for (uint32_t i = 0; i < self->slots_count; i++) {
        Py_VISIT(self->slots[i].sink);
        Py_VISIT(self->slots[i].data);
    }
    Py_VISIT(Py_TYPE(object));
    return 0;
}

static int engine_clear(PyObject *object)
{
    struct engine *self = (struct engine *)object;
    if (!self->busy)
        engine_end(self);
    return 0;
}

static void engine_dealloc(PyObject *object)
{
    struct engine *self = (struct engine *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    engine_end(self);
    PyMem_Free(self->slots);
    Py_XDECREF(self->keep);
    Py_XDECREF(self->message);
    Py_XDECREF(self->result_type);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
    Py_DECREF(type);
}

static PyMethodDef engine_methods[] = {
    {"submit", engine_submit, METH_VARARGS,
     "submit(sink, data, number, method, url, headers, body, flags[, extra]): a ticket; 0 when "
     "refused, with the result in the sink; negative when there is no room."},
    {"turn", engine_turn, METH_O,
     "turn(wait_ns): works, and puts results into their sinks. Returns when it is to be called "
     "next, in ns on CLOCK_MONOTONIC."},
    {"body", engine_body, METH_VARARGS, "body(ticket, piece, last)"},
    {"hold", engine_hold, METH_VARARGS, "hold(ticket, hold)"},
    {"cancel", engine_cancel, METH_O, "cancel(ticket)"},
    {"cancel_sink", engine_cancel_sink, METH_O, "cancel_sink(sink): all whose results go there."},
    {"cancel_all", engine_cancel_all, METH_NOARGS, "cancel_all()"},
    {"stop", engine_stop, METH_NOARGS, "stop()"},
    {"fd", engine_fd, METH_NOARGS, "fd(): polls readable when there is work."},
    {"wake", engine_wake, METH_NOARGS, "wake(): any thread."},
    {"limit", engine_limit, METH_O, "limit(connections)"},
    {"stats", engine_stats, METH_NOARGS, "stats(): a dict"},
    {"features", engine_features, METH_NOARGS, "features(): text"},
    {"tls_origins", engine_tls_origins, METH_NOARGS, "tls_origins(): texts"},
    {"tcp_samples", engine_tcp_samples, METH_O, "tcp_samples(max): dicts"},
    {"free", engine_free, METH_NOARGS, "free()"},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef engine_members[] = {
    {"used", T_UINT, offsetof(struct engine, used), READONLY, "Requests without a final result."},
    {"message", T_OBJECT, offsetof(struct engine, message), READONLY, "Of ringsend_new."},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot engine_slots[] = {
    {Py_tp_new, engine_make},
    {Py_tp_dealloc, engine_dealloc},
    {Py_tp_traverse, engine_traverse},
    {Py_tp_clear, engine_clear},
    {Py_tp_methods, engine_methods},
    {Py_tp_members, engine_members},
    {0, NULL},
};

PyType_Spec engine_spec = {
    .name = "ringsend._engine.Engine",
    .basicsize = sizeof(struct engine),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = engine_slots,
};
