/* The names of the steps, for who notes them: see base/machine.h. */
#include "engine/steps.h"

#ifdef RINGSEND_SLOW_CHECKS
static const char *const request_names[] = {REQUEST_STEPS(STEP_NAMES)};
static const char *const attempt_names[] = {ATTEMPT_STEPS(STEP_NAMES)};
static const char *const pool_names[] = {POOL_STEPS(STEP_NAMES)};
static const char *const conn_names[] = {CONN_STEPS(STEP_NAMES)};
static const char *const send_names[] = {SEND_HALVES(STEP_NAMES)};
static const char *const receive_names[] = {RECEIVE_HALVES(STEP_NAMES)};

const struct machine machine_request = {"request", request_names};
const struct machine machine_attempt = {"attempt", attempt_names};
const struct machine machine_pool = {"pool", pool_names};
const struct machine machine_conn = {"conn", conn_names};
const struct machine machine_send = {"exchange", send_names};
const struct machine machine_receive = {"exchange", receive_names};
#endif
