/* What a record looks like. */
#pragma once

#include "daemon/base/log_line.h"
#include "daemon/base/log_record.h"

/* 2026-01-31T12:00:00.000213Z error: MESSAGE */
void log_format_text(struct log_line *line, const struct log_record *record);

/* <3>MESSAGE
 *
 * source     sd-daemon(3): what systemd takes from stderr */
void log_format_prefixed(struct log_line *line, const struct log_record *record);

/* {"time":"2026-01-31T12:00:00.000213Z","level":"error","event":"store.full","message":"MESSAGE",
 * "path":"/srv"}, in one line. */
void log_format_json(struct log_line *line, const struct log_record *record);

/* MESSAGE=..., PRIORITY=, MESSAGE_ID=, GATHERD_EVENT=, CODE_FILE=, GATHERD_PATH=, ...: a datagram
 * for the journal.
 *
 * source     https://systemd.io/JOURNAL_NATIVE_PROTOCOL: as no value has a newline once it is
 *            escaped, none needs the form that has a length */
void log_format_journal(struct log_line *line, const struct log_record *record);
