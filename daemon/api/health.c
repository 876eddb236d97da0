#include <string.h>

#include "daemon/api/api.h"
#include "daemon/api/answer.h"

/* Alive: this is answered by the loop that does everything else. */
int health_get(struct http_exchange *exchange, void *arg)
{
    struct json_writer w;
    struct buffer body;

    (void)arg;
    answer_begin(&w, &body);
    jw_object_begin(&w);
    jw_key(&w, "status");
    jw_text(&w, "ok");
    jw_object_end(&w);
    return answer_json(exchange, 200, &w, &body);
}
