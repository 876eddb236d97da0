/* The tables that documents of clients are read by, for what tells of them: each is for the objects
 * of one schema of openapi.json, and a schema may have several.
 */
#pragma once

#include "daemon/model/parse_value.h"

struct parse_table {
    const char *schema;
    const struct parse_member *members;
    size_t n_members;
};

#define PARSE_TABLE(name, table)                                                                   \
    {                                                                                              \
        .schema = (name), .members = (table), .n_members = sizeof(table) / sizeof((table)[0])      \
    }

extern const struct parse_table parse_auth_table;
extern const struct parse_table parse_body_table;
extern const struct parse_table parse_callback_table;
extern const struct parse_table parse_capture_table;
extern const struct parse_table parse_body_operator_table;
extern const struct parse_table parse_header_operator_table;
extern const struct parse_table parse_json_operator_table;
extern const struct parse_table parse_duration_operator_table;
extern const struct parse_table parse_rate_table;
extern const struct parse_table parse_limits_table;
extern const struct parse_table parse_quorum_table;
extern const struct parse_table parse_gather_table;
extern const struct parse_table parse_document_table;
extern const struct parse_table parse_reader_table;
extern const struct parse_table parse_spec_table;
extern const struct parse_table parse_header_name_table;
extern const struct parse_table parse_pointer_table;
extern const struct parse_table parse_expect_table;
extern const struct parse_table parse_option_table;
extern const struct parse_table parse_repeat_table;
extern const struct parse_table parse_interval_table;
extern const struct parse_table parse_draft_table;
extern const struct parse_table parse_request_table;
extern const struct parse_table parse_retry_table;
extern const struct parse_table parse_schedule_table;
extern const struct parse_table parse_schedule_name_table;
extern const struct parse_table parse_tls_table;

/* All of them. */
extern const struct parse_table *const parse_tables[];
extern const size_t parse_n_tables;
