/* Structs of the header as Python sees them: by the names of their fields. The lists are made from
 * the header (fields.py), the kinds by the compiler: a new field needs nothing here, unless it is
 * of a new kind. What it is called in Python, and what it may be, says ringsend/_options.py. */
#include "native.h"

#include "fields_of_header.h"

#include <string.h>

struct field {
    const char *name;
    size_t offset;
    enum field_kind kind;
};

/* Enums are unsigned int for the compiler. size_t is unsigned long, as uint64_t is where pointers
 * have 64 bits, and else unsigned int. */
#define KIND_OF(value) \
    _Generic((value), bool: FIELD_BOOL, unsigned int: FIELD_U32, \
        unsigned long: sizeof(long) == 8 ? FIELD_U64 : FIELD_U32, unsigned long long: FIELD_U64, \
        int: FIELD_INT, const char *: FIELD_TEXT, struct ringsend_status_set: FIELD_STATUSES, \
        const struct ringsend_outcomes *: FIELD_OUTCOMES, \
        const struct ringsend_resolve *: FIELD_RESOLVE, \
        const struct ringsend_cost *: FIELD_COSTS, struct ringsend_tls *: FIELD_TLS, \
        struct ringsend_limits *: FIELD_LIMITS, default: FIELD_OTHER)

#define ROW(type, field)                              \
    {#field, offsetof(struct ringsend_##type, field), \
     KIND_OF(((struct ringsend_##type *)0)->field)},

#define OPTION(field) ROW(options, field)
static const struct field options_fields[] = {FIELDS_OPTIONS(OPTION){NULL, 0, FIELD_OTHER}};
#define STAT(field) ROW(stats, field)
static const struct field stats_fields[] = {FIELDS_STATS(STAT){NULL, 0, FIELD_OTHER}};
#define TIME(field) ROW(times, field)
static const struct field times_fields[] = {FIELDS_TIMES(TIME){NULL, 0, FIELD_OTHER}};
#define ATTEMPT(field) ROW(attempt, field)
static const struct field attempt_fields[] = {FIELDS_ATTEMPT(ATTEMPT){NULL, 0, FIELD_OTHER}};
#define SAMPLE(field) ROW(tcp_sample, field)
static const struct field sample_fields[] = {FIELDS_TCP_SAMPLE(SAMPLE){NULL, 0, FIELD_OTHER}};
#define REQUEST(field) ROW(request, field)
static const struct field request_fields[] = {FIELDS_REQUEST(REQUEST){NULL, 0, FIELD_OTHER}};
#define RESULT(field) ROW(result, field)
static const struct field result_fields[] = {FIELDS_RESULT(RESULT){NULL, 0, FIELD_OTHER}};

/* ---- Options ---- */

static bool store_number(char *at, enum field_kind kind, PyObject *value)
{
    unsigned long long number = PyLong_AsUnsignedLongLong(value);
    if (PyErr_Occurred())
        return false;
    if (kind == FIELD_U64) {
        *(uint64_t *)(void *)at = number;
        return true;
    }
    if (number > (kind == FIELD_U32 ? UINT32_MAX : INT32_MAX)) {
        PyErr_SetString(PyExc_OverflowError, "it is too large");
        return false;
    }
    *(uint32_t *)(void *)at = (uint32_t)number;
    return true;
}

/* Memory that lives as long as the list. */
static void *kept_memory(PyObject *keep, size_t bytes)
{
    PyObject *memory = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)bytes);
    if (!memory || PyList_Append(keep, memory) < 0) {
        Py_XDECREF(memory);
        return NULL;
    }
    Py_DECREF(memory);
    memset(PyBytes_AsString(memory), 0, bytes);
    return PyBytes_AsString(memory);
}

/* [(host, port, addresses)], with bytes for texts. */
static bool store_resolve(const struct ringsend_resolve **at, PyObject *value, PyObject *keep)
{
    Py_ssize_t count = PyList_Size(value);
    if (count < 0)
        return false;
    struct ringsend_resolve *rules = kept_memory(keep, (size_t)count * sizeof *rules + 1);
    if (!rules || PyList_Append(keep, value) < 0)
        return false;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *rule = PyList_GetItem(value, i);
        PyObject *host = rule ? PyTuple_GetItem(rule, 0) : NULL;
        PyObject *port = rule ? PyTuple_GetItem(rule, 1) : NULL;
        PyObject *addresses = rule ? PyTuple_GetItem(rule, 2) : NULL;
        if (!host || !port || !addresses)
            return false;
        rules[i].host = PyBytes_AsString(host);
        rules[i].port = (uint16_t)PyLong_AsUnsignedLong(port);
        rules[i].addresses = PyBytes_AsString(addresses);
        if (PyErr_Occurred())
            return false;
    }
    *at = rules;
    return true;
}

/* [(count, per_ns, burst, actual)], with str or None for the last. */
static bool store_costs(const struct ringsend_cost **at, PyObject *value, PyObject *keep)
{
    Py_ssize_t count = PyList_Size(value);
    if (count < 0)
        return false;
    struct ringsend_cost *costs = kept_memory(keep, (size_t)count * sizeof *costs + 1);
    if (!costs || PyList_Append(keep, value) < 0)
        return false;
    for (Py_ssize_t i = 0; i < count; i++) {
        unsigned long long limit, per_ns, burst;
        if (!PyArg_ParseTuple(PyList_GetItem(value, i), "KKKz", &limit, &per_ns, &burst,
                              &costs[i].actual))
            return false;
        costs[i].count = limit;
        costs[i].per_ns = per_ns;
        costs[i].burst = burst;
    }
    *at = costs;
    return true;
}

static bool store_bytes(void *at, size_t bytes, PyObject *value)
{
    char *data;
    Py_ssize_t length;
    if (PyBytes_AsStringAndSize(value, &data, &length) < 0)
        return false;
    if ((size_t)length != bytes) {
        PyErr_SetString(PyExc_ValueError, "these are not the bytes of the struct");
        return false;
    }
    memcpy(at, data, bytes);
    return true;
}

static bool store(const struct field *field, struct ringsend_options *options, PyObject *value,
                  PyObject *keep)
{
    char *at = (char *)options + field->offset;
    switch (field->kind) {
    case FIELD_BOOL:
        *(bool *)at = PyObject_IsTrue(value) == 1;
        return !PyErr_Occurred();
    case FIELD_U32:
    case FIELD_U64:
    case FIELD_INT:
        return store_number(at, field->kind, value);
    case FIELD_TEXT:
        *(const char **)(void *)at = PyBytes_AsString(value);
        return *(const char **)(void *)at && PyList_Append(keep, value) == 0;
    case FIELD_STATUSES:
        return store_bytes(at, sizeof(struct ringsend_status_set), value);
    case FIELD_OUTCOMES: {
        struct ringsend_outcomes *outcomes = kept_memory(keep, sizeof *outcomes);
        *(const struct ringsend_outcomes **)(void *)at = outcomes;
        return outcomes && store_bytes(outcomes, sizeof *outcomes, value);
    }
    case FIELD_RESOLVE:
        return store_resolve((const struct ringsend_resolve **)(void *)at, value, keep);
    case FIELD_COSTS:
        return store_costs((const struct ringsend_cost **)(void *)at, value, keep);
    case FIELD_TLS:
        *(struct ringsend_tls **)(void *)at = shared_tls(value);
        return !PyErr_Occurred() && PyList_Append(keep, value) == 0;
    case FIELD_LIMITS:
        *(struct ringsend_limits **)(void *)at = shared_limits(value);
        return !PyErr_Occurred() && PyList_Append(keep, value) == 0;
    case FIELD_OTHER:
        break;
    }
    PyErr_Format(PyExc_TypeError, "%s cannot be set from Python", field->name);
    return false;
}

static const struct field *find(const struct field *fields, PyObject *name)
{
    for (; fields->name; fields++)
        if (PyUnicode_CompareWithASCIIString(name, fields->name) == 0)
            return fields;
    return NULL;
}

bool fields_to_options(PyObject *fields, struct ringsend_options *options, PyObject *keep)
{
    PyObject *name, *value;
    Py_ssize_t at = 0;
    options->size = sizeof *options;
    while (PyDict_Next(fields, &at, &name, &value)) {
        const struct field *field = find(options_fields, name);
        if (!field) {
            PyErr_Format(PyExc_TypeError, "%S is no field of the header's", name);
            return false;
        }
        if (!store(field, options, value, keep))
            return false;
    }
    return true;
}

/* ---- Numbers out ---- */

static PyObject *number_at(const char *at, enum field_kind kind)
{
    switch (kind) {
    case FIELD_BOOL:
        return PyBool_FromLong(*(const bool *)at);
    case FIELD_U32:
        return PyLong_FromUnsignedLong(*(const uint32_t *)(const void *)at);
    case FIELD_U64:
        return PyLong_FromUnsignedLongLong(*(const uint64_t *)(const void *)at);
    case FIELD_INT:
        return PyLong_FromLong(*(const int *)(const void *)at);
    case FIELD_OTHER:
    case FIELD_TEXT:
    case FIELD_STATUSES:
    case FIELD_OUTCOMES:
    case FIELD_RESOLVE:
    case FIELD_COSTS:
    case FIELD_TLS:
    case FIELD_LIMITS:
        break;
    }
    Py_RETURN_NONE;
}

static PyObject *numbers(const struct field *fields, const void *from)
{
    PyObject *dict = PyDict_New();
    for (; dict && fields->name; fields++) {
        PyObject *value = number_at((const char *)from + fields->offset, fields->kind);
        if (!value || PyDict_SetItemString(dict, fields->name, value) < 0)
            Py_CLEAR(dict);
        Py_XDECREF(value);
    }
    return dict;
}

PyObject *fields_of_stats(const struct ringsend_stats *stats)
{
    return numbers(stats_fields, stats);
}

PyObject *fields_of_times(const struct ringsend_times *times)
{
    return numbers(times_fields, times);
}

PyObject *fields_of_attempt(const struct ringsend_attempt *attempt)
{
    PyObject *dict = numbers(attempt_fields, attempt);
    PyObject *wait = PyUnicode_FromString(library.wait_name(attempt->wait));
    PyObject *error =
        attempt->error == RINGSEND_OK ? Py_BuildValue("") : library_error_name(attempt->error);
    if (!dict || !wait || !error || PyDict_SetItemString(dict, "wait", wait) < 0 ||
        PyDict_SetItemString(dict, "error", error) < 0)
        Py_CLEAR(dict);
    Py_XDECREF(wait);
    Py_XDECREF(error);
    return dict;
}

PyObject *fields_of_sample(const struct ringsend_tcp_sample *sample)
{
    return numbers(sample_fields, sample);
}

static PyObject *kinds(const struct field *fields)
{
    PyObject *dict = PyDict_New();
    for (; dict && fields->name; fields++) {
        PyObject *kind = PyLong_FromLong(fields->kind);
        if (!kind || PyDict_SetItemString(dict, fields->name, kind) < 0)
            Py_CLEAR(dict);
        Py_XDECREF(kind);
    }
    return dict;
}

PyObject *fields_known(void)
{
    return Py_BuildValue("{s:N,s:N,s:N,s:N,s:N,s:N,s:N}", "options", kinds(options_fields), "stats",
                         kinds(stats_fields), "times", kinds(times_fields), "attempt",
                         kinds(attempt_fields), "tcp_sample", kinds(sample_fields), "request",
                         kinds(request_fields), "result", kinds(result_fields));
}
