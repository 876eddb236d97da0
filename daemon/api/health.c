#include <string.h>

#include "daemon/api/api.h"
#include "daemon/api/answer.h"

/* Alive: this is answered by the loop that does everything else. When the store is full, what there
 * is can be read all the same. */
int health_get(struct http_exchange *exchange, void *arg)
{
    const struct api *api = arg;
    enum store_health health = store_health(api->store);
    bool is_alive = health != STORE_FAILED;
    struct json_writer w;
    struct buffer body;

    answer_begin(&w, &body);
    jw_object_begin(&w);
    jw_key(&w, "status");
    jw_text(&w, is_alive ? "ok" : "failed");
    jw_key(&w, "store");
    jw_text(&w, store_health_name(health));
    jw_object_end(&w);
    return answer_json(exchange, is_alive ? 200 : 503, &w, &body);
}
