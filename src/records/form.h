/* What the options make of a record that does not say itself what is to be sent: a template for
 * each part of the request. */
#ifndef RINGSEND_RECORDS_FORM_H
#define RINGSEND_RECORDS_FORM_H

#include "base/json_path.h"
#include "records/template.h"

#include <stdbool.h>

struct form {
    struct template_names names; /* of all templates here */
    struct template url;
    struct template method;
    struct template data;
    struct template data_file;
    struct template id;             /* its text becomes a JSON string */
    struct template *header_values; /* one for each default header; null: all are constant */
    bool has_method, has_data, has_data_file, has_id;
    bool line_is_body;        /* of lines, and of records of JSON */
    bool body_is_json;        /* whatever the record is */
    struct json_path *paths;  /* of records of JSON: of each name that is one */
    struct json_path id_path; /* to its id in a record of JSON; of no steps: none */
};

#endif
