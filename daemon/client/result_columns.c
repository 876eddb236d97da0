#include "daemon/client/result_columns.h"

const struct result_column result_columns[] = {
    {"index", "/index", false},
    {"id", "/id", false},
    {"repetition", "/repetition", false},
    {"seq", "/seq", false},
    {"state", "/state", false},
    {"outcome", "/outcome", false},
    {"method", "/request/method", false},
    {"url", "/request/url", false},
    {"effective_url", "/effective_url", false},
    {"status_code", "/status_code", false},
    {"error", "/error/code", false},
    {"error_message", "/error/message", false},
    {"started_at", "/started_at", false},
    {"finished_at", "/finished_at", false},
    {"remote_ip", "/remote_ip", false},
    {"body_bytes", "/body/decoded_bytes", false},
    {"sha256", "/body/sha256", false},
    {"queue_ms", "/timings/queue_ms", true},
    {"dns_ms", "/timings/dns_ms", true},
    {"connect_ms", "/timings/connect_ms", true},
    {"tls_ms", "/timings/tls_ms", true},
    {"send_ms", "/timings/send_ms", true},
    {"wait_ms", "/timings/wait_ms", true},
    {"receive_ms", "/timings/receive_ms", true},
    {"total_ms", "/timings/total_ms", true},
    {"redirect_ms", "/timings/redirect_ms", true},
    {"elapsed_ms", "/timings/elapsed_ms", true},
};

const size_t n_result_columns = sizeof(result_columns) / sizeof(result_columns[0]);
