#include "daemon/api/http_refusal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "daemon/api/http_exchange_private.h"
#include "daemon/model/problem_text.h"

static void write_date(FILE *out)
{
    char text[sizeof("Sun, 06 Nov 1994 08:49:37 GMT")];
    time_t now = time(NULL);
    struct tm utc;

    gmtime_r(&now, &utc);
    if (strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &utc) > 0)
        fprintf(out, "Date: %s\r\n", text);
}

static void write_message(FILE *out, const struct http_exchange *exchange)
{
    const struct http_answer *answer = &exchange->answer;
    const char *name = NULL;
    const char *value;

    fprintf(out, "HTTP/1.1 %d %s\r\n", answer->status, http_status_title(answer->status));
    write_date(out);
    while (http_answer_next_field(answer, &name, &value))
        fprintf(out, "%s: %s\r\n", name, value);
    fprintf(out, "Content-Length: %zu\r\nConnection: close\r\n\r\n", answer->body.len);
    if (answer->body.len > 0 && strcmp(exchange->method, "HEAD") != 0)
        fwrite(answer->body.data, 1, answer->body.len, out);
}

void http_refusal_send(int fd, const struct http_exchange *exchange)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    if (out != NULL) {
        write_message(out, exchange);
        if (fclose(out) == 0)
            (void)send(fd, text, length, MSG_DONTWAIT | MSG_NOSIGNAL);
        free(text);
    }
    shutdown(fd, SHUT_WR);
}
