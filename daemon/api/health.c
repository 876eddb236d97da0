#include <string.h>

#include "daemon/api/api.h"
#include "daemon/api/answer.h"

static const struct {
    int status;
    const char *text, *store;
} states[] = {
    [STORE_OK] = {200, "ok", "ok"},
    [STORE_FULL] = {200, "ok", "full"},
    [STORE_FAILED] = {503, "failed", "failed"},
};

/* Alive: this is answered by the loop that does everything else. When the store is full, what there
 * is can be read all the same. */
int health_get(struct http_exchange *exchange, void *arg)
{
    const struct api *api = arg;
    enum store_health health = store_health(api->store);
    struct json_writer w;
    struct buffer body;

    answer_begin(&w, &body);
    jw_object_begin(&w);
    jw_key(&w, "status");
    jw_text(&w, states[health].text);
    jw_key(&w, "store");
    jw_text(&w, states[health].store);
    jw_object_end(&w);
    return answer_json(exchange, states[health].status, &w, &body);
}
