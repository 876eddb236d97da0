#include "daemon/model/parse_tables.h"

const struct parse_table *const parse_tables[] = {
    &parse_auth_table,          &parse_body_table,
    &parse_callback_table,      &parse_capture_table,
    &parse_body_operator_table, &parse_header_operator_table,
    &parse_json_operator_table, &parse_duration_operator_table,
    &parse_rate_table,          &parse_limits_table,
    &parse_quorum_table,        &parse_gather_table,
    &parse_document_table,      &parse_reader_table,
    &parse_spec_table,          &parse_header_name_table,
    &parse_pointer_table,       &parse_expect_table,
    &parse_option_table,        &parse_repeat_table,
    &parse_interval_table,      &parse_draft_table,
    &parse_request_table,       &parse_retry_table,
    &parse_schedule_table,      &parse_schedule_name_table,
    &parse_tls_table,
};
const size_t parse_n_tables = sizeof(parse_tables) / sizeof(parse_tables[0]);
