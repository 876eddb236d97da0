/* Where records go: a descriptor, or the journal's socket. Neither is ever waited for. */
#pragma once

#include <stdbool.h>

#include "daemon/base/log_line.h"

#define LOG_JOURNAL_SOCKET "/run/systemd/journal/socket"

/* Whether a descriptor leads to the journal, by $JOURNAL_STREAM.
 *
 * source     systemd.exec(5) */
bool log_leads_to_journal(int fd);

/* returns whether it was written, whole */
bool log_write_line(int fd, const struct log_line *line);

/* returns a socket for datagrams, which is bound to nothing; -1 */
int log_open_socket(void);

/* Sends a datagram to the socket at path, which may have been made anew since the last one.
 *
 * fd         of log_open_socket(), whatever it returned
 * returns    whether it was taken; not if nobody is there, or the queue is full */
bool log_send_datagram(int fd, const char *path, const struct log_line *line);
