/* The module ringsend._engine: what the package is made on. */
#include "native.h"

#include <string.h>

static PyObject *module_fields(PyObject *module, PyObject *none)
{
    (void)module;
    (void)none;
    return fields_known();
}

/* errors() -> [(name, text)], the first for no error. */
static PyObject *module_errors(PyObject *module, PyObject *none)
{
    (void)module;
    (void)none;
    PyObject *list = PyList_New(0);
    for (int i = 0; list && i < RINGSEND_ERROR_COUNT; i++) {
        PyObject *one = Py_BuildValue("ss", library.error_name((enum ringsend_error)i),
                                      library.error_text((enum ringsend_error)i));
        if (!one || PyList_Append(list, one) < 0)
            Py_CLEAR(list);
        Py_XDECREF(one);
    }
    return list;
}

static PyObject *module_retry_on_default(PyObject *module, PyObject *none)
{
    (void)module;
    (void)none;
    struct ringsend_outcomes outcomes = {0};
    library.retry_on_default(&outcomes);
    return PyBytes_FromStringAndSize((const char *)&outcomes, sizeof outcomes);
}

static PyMethodDef module_methods[] = {
    {"load", library_load, METH_O, "load(path): the library's version"},
    {"failed", result_failed, METH_VARARGS, "failed(type, data, number, error, detail)"},
    {"fields", module_fields, METH_NOARGS, "fields(): {struct: {field: kind}}"},
    {"errors", module_errors, METH_NOARGS, "errors(): [(name, text)]"},
    {"retry_on_default", module_retry_on_default, METH_NOARGS, "retry_on_default(): bytes"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "ringsend._engine",
    .m_doc = "libringsend, for the package ringsend alone.",
    .m_size = -1,
    .m_methods = module_methods,
};

static PyTypeObject *add_type(PyObject *module, const char *name, PyType_Spec *spec)
{
    PyObject *type = PyType_FromSpec(spec);
    if (!type || PyObject_SetAttrString(module, name, type) < 0) {
        Py_XDECREF(type);
        return NULL;
    }
    return (PyTypeObject *)type; /* lives as long as the process */
}

PyMODINIT_FUNC PyInit__engine(void);

PyMODINIT_FUNC PyInit__engine(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (!module)
        return NULL;
    engine_unusable = PyErr_NewException("ringsend._engine.Unusable", PyExc_RuntimeError, NULL);
    if (!engine_unusable || PyObject_SetAttrString(module, "Unusable", engine_unusable) < 0)
        return NULL;
    headers_type = add_type(module, "Headers", &headers_spec);
    shared_type = add_type(module, "Shared", &shared_spec);
    if (headers_type && shared_type && add_type(module, "Result", &result_spec) &&
        add_type(module, "Engine", &engine_spec) && engine_watch_forks() &&
        PyModule_AddStringConstant(module, "HEADER_VERSION", RINGSEND_VERSION) == 0 &&
        PyModule_AddIntConstant(module, "STATUS_SET_BYTES", sizeof(struct ringsend_status_set)) ==
            0)
        return module;
    Py_DECREF(module);
    return NULL;
}
