/* Where the connections of an origin are.
 *
 * Those of a busy one are in more than one shard. A transfer goes to where one of them is free for
 * it; for that the places that have such are kept in front, the one that was used last first.
 */
#include "lib/net/http_private.h"

#include <errno.h>
#include <stdlib.h>

static bool has_room(const struct co_http_place *place)
{
    bool is_shared = place->origin->speaks == CO_HTTP_SPEAKS_2;

    return place->n_running < (is_shared ? place->n_shared * CO_HTTP_MAX_STREAMS : place->n_open);
}

static struct co_http_place *place_of(const struct co_list *node)
{
    return co_container_of(node, struct co_http_place, of_origin);
}

static struct co_http_place *find(struct co_http_origin *origin, const struct co_http_shard *shard)
{
    for (struct co_list *node = origin->places.next; node != &origin->places; node = node->next)
        if (place_of(node)->shard == shard)
            return place_of(node);
    return NULL;
}

static struct co_http_place *make(struct co_http_origin *origin, struct co_http_shard *shard)
{
    struct co_http_place *place = malloc(sizeof(*place));

    if (place == NULL)
        return NULL;
    *place = (struct co_http_place){.origin = origin, .shard = shard};
    co_list_append(&origin->places, &place->of_origin);
    return place;
}

bool co_http_place_is_free(const struct co_http_origin *origin)
{
    return !co_list_is_empty(&origin->places) && has_room(place_of(origin->places.next));
}

static struct co_http_place *choose(const struct co_http_transfer *transfer)
{
    struct co_http_origin *origin = transfer->origin;

    if (co_http_place_is_free(origin))
        return place_of(origin->places.next);
    struct co_http_shard *shard = co_http_shard_choose(transfer->session, transfer->request);
    return find(origin, shard) ?: make(origin, shard);
}

static void give_up(struct co_http_place *place)
{
    co_list_remove(&place->of_origin);
    co_http_origin_release(place->shard->session, place->origin);
    free(place);
}

static void count(struct co_http_place *place, int transfers, int connections)
{
    struct co_list *places = &place->origin->places;

    co_http_shard_count(place->shard, transfers, connections);
    place->n_running += transfers;
    place->n_open += connections;
    co_list_remove(&place->of_origin);
    co_list_insert(has_room(place) ? places->next : places, &place->of_origin);
    if (place->n_running == 0 && place->n_open == 0)
        give_up(place);
}

int co_http_place_enter(struct co_http_transfer *transfer)
{
    transfer->place = choose(transfer);
    if (transfer->place == NULL)
        return -ENOMEM;
    count(transfer->place, +1, 0);
    return 0;
}

void co_http_place_leave(struct co_http_transfer *transfer)
{
    count(co_take(transfer->place), -1, 0);
    co_http_origin_admit(transfer->origin);
}

void co_http_place_opened(struct co_http_place *place)
{
    count(place, 0, +1);
}

void co_http_place_shared(struct co_http_place *place)
{
    place->n_shared++;
    count(place, 0, 0);
}

void co_http_place_closed(struct co_http_place *place, bool was_shared)
{
    place->n_shared -= was_shared;
    count(place, 0, -1);
}
