/* Random batches on random limits, next to an oracle that looks at every item each time. */
#include "daemon/engine/admission.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/model/origins.h"
#include "tests/support/fault.h"
#include "tests/support/random.h"

enum { MAX_HOSTS = 4, MAX_BATCHES = 4, MAX_REQUESTS = 8, MAX_ITEMS = 24, N_STEPS = 500 };
enum { MAX_PIECE = 8 };
#define TICK CO_MILLISECOND

enum state { DELAYED, RETRYING, WAITING, LATE, RUNNING, ABSENT, GONE };

/* What should be known of a batch. */
struct lane {
    uint32_t line[MAX_ITEMS]; /* items that wait, in order */
    size_t n_waiting;
    unsigned n_running;
    co_time not_before;
};

struct copy {
    bool exists, is_stopped, is_fed, has_started;
    unsigned n_pieces, n_added; /* in all; those that have come */
    unsigned n_places;          /* that are free */
    uint32_t n_left[MAX_ITEMS]; /* of each piece */
    enum state states[MAX_ITEMS];
    co_time times[MAX_ITEMS]; /* when it is due; when it has waited for too long */
    struct lane lanes[MAX_HOSTS];
    unsigned n_running;
    unsigned n_turns[MAX_BATCHES]; /* while that other batch could go, too */
};

static struct world {
    struct random random;
    unsigned max_running, max_running_per_host;
    co_time now;
    struct admission admission;
    struct admission_batch batches[MAX_BATCHES];
    struct run_piece pieces[MAX_BATCHES][MAX_ITEMS];
    struct job_spec specs[MAX_BATCHES];
    struct copy copies[MAX_BATCHES];
    unsigned n_running, n_running_on[MAX_HOSTS];
    bool is_paused;
} world;

static const char *const origins[MAX_HOSTS] = {"http://a:80", "http://b:80", "http://c:80",
                                               "https://a:443"};

static uint32_t draw(uint32_t limit)
{
    return random_below(&world.random, limit);
}

static unsigned host_of(size_t batch, size_t item)
{
    const char *origin = job_spec_request(&world.specs[batch], item)->url.origin;
    unsigned host = 0;

    while (origins[host] != origin)
        host++;
    return host;
}

static struct lane *lane_of(size_t batch, size_t item)
{
    return &world.copies[batch].lanes[host_of(batch, item)];
}

/* The piece an item belongs to. */
static struct run_piece *piece_of(size_t batch, size_t item)
{
    struct run_piece *piece = world.pieces[batch];

    while (item >= piece->first + piece->n_items)
        piece++;
    return piece;
}

static uint32_t slot_of(size_t batch, size_t item)
{
    const struct run_piece *piece = piece_of(batch, item);

    return world.copies[batch].is_fed ? piece->slots[item - piece->first] : (uint32_t)item;
}

/* --- The oracle ------------------------------------------------------------------------------- */

static unsigned or_unlimited(unsigned limit)
{
    return limit != 0 ? limit : UINT32_MAX;
}

static bool lane_may_go(size_t b, unsigned host)
{
    const struct copy *copy = &world.copies[b];
    const struct job_limits *limits = &world.specs[b].limits;
    const struct lane *lane = &copy->lanes[host];

    return copy->exists && !copy->is_stopped && lane->n_waiting > 0 &&
           (!copy->is_fed || (copy->has_started && !world.is_paused)) &&
           world.n_running < world.max_running &&
           world.n_running_on[host] < world.max_running_per_host &&
           copy->n_running < or_unlimited(limits->concurrency) &&
           lane->n_running < or_unlimited(limits->per_host_concurrency) &&
           lane->not_before <= world.now;
}

static bool batch_may_go(size_t b)
{
    bool may = false;

    for (unsigned host = 0; host < MAX_HOSTS; host++)
        may |= lane_may_go(b, host);
    return may;
}

static void insert(struct lane *lane, size_t place, uint32_t item)
{
    memmove(&lane->line[place + 1], &lane->line[place],
            (lane->n_waiting++ - place) * sizeof(lane->line[0]));
    lane->line[place] = item;
}

static void take_out(struct lane *lane, uint32_t item)
{
    size_t place = 0;

    while (lane->line[place] != item)
        ck_assert_uint_lt(++place, lane->n_waiting);
    memmove(&lane->line[place], &lane->line[place + 1],
            (--lane->n_waiting - place) * sizeof(lane->line[0]));
}

static void begin_to_wait(size_t b, uint32_t item)
{
    struct copy *copy = &world.copies[b];
    struct lane *lane = lane_of(b, item);
    int64_t timeout_us = job_spec_request(&world.specs[b], item)->options->queue_timeout_us;

    insert(lane, copy->states[item] == RETRYING ? 0 : lane->n_waiting, item);
    copy->states[item] = WAITING;
    copy->times[item] = timeout_us > 0 ? copy->times[item] + timeout_us * CO_MICROSECOND : CO_NEVER;
}

static bool has_a_time(const struct copy *copy, size_t item)
{
    return copy->states[item] <= WAITING && copy->times[item] != CO_NEVER;
}

static bool comes_before(size_t b, size_t i, size_t j)
{
    const co_time *times = world.copies[b].times;

    return times[i] < times[j] || (times[i] == times[j] && slot_of(b, i) < slot_of(b, j));
}

/* The item whose time comes first, of equal ones the one with the lowest slot. */
static size_t first_time(size_t b)
{
    const struct copy *copy = &world.copies[b];
    size_t n_items = world.specs[b].n_items, first = n_items;

    for (size_t i = 0; i < n_items; i++)
        if (has_a_time(copy, i) && (first == n_items || comes_before(b, i, first)))
            first = i;
    return first;
}

static void let_time_pass(size_t b)
{
    struct copy *copy = &world.copies[b];
    size_t item;

    while (copy->exists && !copy->is_stopped && (item = first_time(b)) < world.specs[b].n_items &&
           copy->times[item] <= world.now) {
        if (copy->states[item] != WAITING) {
            begin_to_wait(b, (uint32_t)item);
        } else {
            take_out(lane_of(b, item), (uint32_t)item);
            copy->states[item] = LATE;
        }
    }
}

static void go(size_t b, size_t item)
{
    struct lane *lane = lane_of(b, item);
    int64_t interval_us = world.specs[b].limits.per_host_interval_us;

    ck_assert_uint_gt(lane->n_waiting, 0);
    ck_assert_uint_eq(lane->line[0], item);
    ck_assert(lane_may_go(b, host_of(b, item)));
    take_out(lane, (uint32_t)item);
    world.copies[b].states[item] = RUNNING;
    lane->n_running++;
    world.copies[b].n_running++;
    world.n_running++;
    world.n_running_on[host_of(b, item)]++;
    if (interval_us > 0)
        lane->not_before = world.now + interval_us * CO_MICROSECOND;
}

/* Of two batches that could go all the time, neither is ahead of its share by more than a turn of
 * each; where only batches and no hosts stand in the way. */
static void check_pair(size_t b, size_t c)
{
    unsigned weight_b = world.specs[b].weight, weight_c = world.specs[c].weight;

    if (world.max_running_per_host >= MAX_ITEMS * MAX_BATCHES)
        ck_assert_uint_le(world.copies[b].n_turns[c] * weight_c,
                          world.copies[c].n_turns[b] * weight_b + weight_b + weight_c);
}

static void check_turns(size_t gone, const bool could_go[MAX_BATCHES])
{
    for (size_t b = 0; b < MAX_BATCHES; b++)
        for (size_t c = 0; c < MAX_BATCHES; c++)
            if (could_go[b] && could_go[c])
                world.copies[b].n_turns[c] += b == gone;
            else
                world.copies[b].n_turns[c] = 0;
    for (size_t b = 0; b < MAX_BATCHES; b++)
        for (size_t c = 0; c < MAX_BATCHES; c++)
            if (b != c)
                check_pair(b, c);
}

/* When something changes by time alone. */
static co_time next_change(void)
{
    co_time next = CO_NEVER;

    for (size_t b = 0; b < MAX_BATCHES; b++) {
        const struct copy *copy = &world.copies[b];
        if (!copy->exists || copy->is_stopped)
            continue;
        size_t first = first_time(b);
        if (first < world.specs[b].n_items && copy->times[first] < next)
            next = copy->times[first];
        for (unsigned host = 0; host < MAX_HOSTS; host++) {
            const struct lane *lane = &copy->lanes[host];
            if (lane->n_waiting > 0 && lane->not_before > world.now && lane->not_before < next &&
                lane->n_running < or_unlimited(world.specs[b].limits.per_host_concurrency))
                next = lane->not_before;
        }
    }
    return next;
}

/* --- What may happen -------------------------------------------------------------------------- */

static unsigned draw_limit(void)
{
    return draw(2) == 0 ? 0 : 1 + draw(4);
}

static void draw_request(struct job_spec *spec)
{
    static const struct fetch_options options[] = {
        {.queue_timeout_us = 0},
        {.queue_timeout_us = 3 * (TICK / CO_MICROSECOND)},
        {.queue_timeout_us = 10 * (TICK / CO_MICROSECOND)},
    };
    uint32_t n_repeats = draw(3) == 0 ? 1 + draw(3) : 1;

    spec->requests[spec->n_requests] = (struct request){
        .url.origin = origins[draw(MAX_HOSTS)],
        .n_repeats = n_repeats,
        .repeat_interval_us = draw(2) == 0 ? draw(10) * (TICK / CO_MICROSECOND) : 0,
        .options = &options[draw(3)],
    };
    for (uint32_t i = 0; i < n_repeats; i++)
        spec->items[spec->n_items++] = (struct item){(uint32_t)spec->n_requests, i};
    spec->n_requests++;
}

static void draw_spec(size_t b)
{
    static struct request requests[MAX_BATCHES][MAX_REQUESTS];
    static struct item items[MAX_BATCHES][MAX_ITEMS];
    struct job_spec *spec = &world.specs[b];

    *spec = (struct job_spec){.requests = requests[b], .items = items[b]};
    spec->limits = (struct job_limits){
        .concurrency = draw_limit(),
        .per_host_concurrency = draw_limit(),
        .per_host_interval_us = draw(3) == 0 ? (1 + draw(5)) * (TICK / CO_MICROSECOND) : 0,
    };
    spec->weight = draw(2) == 0 ? 1 : 1 + draw(5);
    for (uint32_t n = 1 + draw(MAX_REQUESTS); n > 0; n--)
        draw_request(spec);
    ck_assert_int_eq(origins_number(spec), 0);
}

static void come(size_t b, uint32_t item, co_time accepted)
{
    struct copy *copy = &world.copies[b];

    copy->states[item] = DELAYED;
    copy->times[item] = accepted + job_spec_delay_us(&world.specs[b], item) * CO_MICROSECOND;
    if (copy->times[item] <= world.now)
        begin_to_wait(b, item);
}

static void add_whole(size_t b)
{
    struct run_piece *whole = &world.pieces[b][0];

    *whole =
        (struct run_piece){.spec = &world.specs[b], .n_items = (uint32_t)world.specs[b].n_items};
    ck_assert_int_eq(admission_add(&world.admission, &world.batches[b], whole, world.now), 0);
    world.copies[b].n_left[0] = whole->n_items;
    for (uint32_t i = 0; i < whole->n_items; i++)
        come(b, i, world.now);
}

/* Cuts a batch into pieces, and opens it as one that was accepted some time ago. */
static void open_window(size_t b)
{
    struct copy *copy = &world.copies[b];
    uint32_t n_items = (uint32_t)world.specs[b].n_items, n;
    struct admission_room room = {.n_places = 1 + draw(3), .n_items = n_items};

    for (uint32_t first = 0; first < n_items; first += n) {
        n = 1 + draw(MAX_PIECE);
        n = n < n_items - first ? n : n_items - first;
        world.pieces[b][copy->n_pieces++] = (struct run_piece){
            .spec = &world.specs[b], .offset = first, .n_items = n, .first = first};
    }
    copy->is_fed = true;
    copy->n_places = room.n_places;
    ck_assert_int_eq(admission_open(&world.admission, &world.batches[b], &world.specs[b], &room,
                                    world.now - draw(20) * TICK),
                     0);
}

static void add(size_t b)
{
    struct copy *copy = &world.copies[b];

    draw_spec(b);
    *copy = (struct copy){.exists = true};
    for (size_t i = 0; i < MAX_ITEMS; i++)
        copy->states[i] = ABSENT;
    for (size_t c = 0; c < MAX_BATCHES; c++)
        world.copies[c].n_turns[b] = 0;
    if (draw(2) == 0)
        add_whole(b);
    else
        open_window(b);
}

static void draw_left_out(struct run_piece *piece, uint64_t *left_out)
{
    *left_out = 0;
    for (uint32_t i = 0; i < piece->n_items; i++)
        *left_out |= (uint64_t)(draw(3) == 0) << i;
    piece->left_out = draw(3) == 0 ? left_out : NULL;
}

/* Adds the next piece of a batch that is fed. */
static void feed(size_t b)
{
    struct copy *copy = &world.copies[b];
    struct run_piece *piece = &world.pieces[b][copy->n_added];
    uint32_t n_items = 0;
    uint64_t left_out;

    draw_left_out(piece, &left_out);
    for (uint32_t i = 0; i < piece->n_items; i++)
        n_items += piece->left_out == NULL || (left_out >> i & 1) == 0;
    int rc = admission_feed(&world.admission, &world.batches[b], piece, world.now);
    ck_assert_int_eq(rc, n_items == 0 ? 1 : copy->n_places == 0 ? -EAGAIN : 0);
    if (rc < 0)
        return;
    copy->n_left[copy->n_added++] = n_items;
    copy->n_places -= n_items > 0;
    for (uint32_t i = 0; i < piece->n_items; i++)
        if (piece->left_out == NULL || (left_out >> i & 1) == 0)
            come(b, run_piece_index(piece, i), world.batches[b].accepted);
        else
            copy->states[run_piece_index(piece, i)] = GONE;
}

/* An item needs its piece no more. */
static void leave_piece(size_t b, struct run_piece *piece)
{
    struct copy *copy = &world.copies[b];
    bool is_last = --copy->n_left[piece - world.pieces[b]] == 0;

    ck_assert_int_eq(admission_end_item(piece), is_last);
    copy->n_places += copy->is_fed && is_last;
}

static bool somebody_is_late(void)
{
    for (size_t b = 0; b < MAX_BATCHES; b++)
        for (size_t i = 0; world.copies[b].exists && i < world.specs[b].n_items; i++)
            if (world.copies[b].states[i] == LATE && !world.copies[b].is_stopped)
                return true;
    return false;
}

static void check_next_time(void)
{
    co_time next = admission_next_time(&world.admission);

    ck_assert_int_eq(next <= world.now, somebody_is_late());
    ck_assert_int_le(next, next_change());
}

static void next(void)
{
    bool could_go[MAX_BATCHES];
    uint32_t item;
    struct run_piece *piece = admission_next(&world.admission, world.now, &item);

    for (size_t b = 0; b < MAX_BATCHES; b++) {
        let_time_pass(b);
        could_go[b] = batch_may_go(b);
        if (piece == NULL)
            ck_assert(!could_go[b]);
    }
    if (piece != NULL) {
        go((size_t)(piece->batch - world.batches), run_piece_index(piece, item));
        check_turns((size_t)(piece->batch - world.batches), could_go);
    }
    check_next_time();
}

static size_t n_ready(size_t b)
{
    const struct job_limits *limits = &world.specs[b].limits;
    unsigned share = 2 * world.max_running_per_host;
    size_t n = 0;

    if (limits->per_host_concurrency != 0 && 2 * limits->per_host_concurrency < share)
        share = 2 * limits->per_host_concurrency;
    if (limits->per_host_interval_us > 0)
        share = 1;
    for (unsigned host = 0; host < MAX_HOSTS; host++) {
        size_t n_waiting = world.copies[b].lanes[host].n_waiting;
        n += n_waiting < share ? n_waiting : share;
    }
    return n;
}

static void check_window(size_t b)
{
    const struct copy *copy = &world.copies[b];

    if (!copy->exists || !copy->is_fed || copy->is_stopped)
        return;
    ck_assert_int_eq(admission_has_room(&world.batches[b]), copy->n_places > 0);
    ck_assert_uint_eq(admission_n_ready(&world.batches[b]), n_ready(b));
}

static void expire(void)
{
    struct run_piece *piece;
    uint32_t item;

    while ((piece = admission_expired(&world.admission, world.now, &item)) != NULL) {
        size_t b = (size_t)(piece->batch - world.batches);
        enum state *state = &world.copies[b].states[run_piece_index(piece, item)];
        let_time_pass(b);
        ck_assert_int_eq(*state, LATE);
        *state = GONE;
        leave_piece(b, piece);
    }
    for (size_t b = 0; b < MAX_BATCHES; b++) {
        let_time_pass(b);
        check_window(b);
    }
    ck_assert(!somebody_is_late());
    check_next_time();
}

/* An item's end, for now or for good. */
static void end(size_t b)
{
    struct copy *copy = &world.copies[b];
    uint32_t item = draw(MAX_ITEMS);

    if (!copy->exists || item >= world.specs[b].n_items || copy->states[item] != RUNNING)
        return;
    struct run_piece *piece = piece_of(b, item);
    copy->n_running--;
    lane_of(b, item)->n_running--;
    world.n_running--;
    world.n_running_on[host_of(b, item)]--;
    if (draw(3) == 0) {
        copy->states[item] = RETRYING;
        copy->times[item] = world.now + (1 + draw(6)) * TICK;
        admission_retry(&world.admission, piece, item - piece->first, copy->times[item]);
    } else {
        copy->states[item] = GONE;
        admission_release(&world.admission, piece, item - piece->first);
        leave_piece(b, piece);
    }
}

static void stop(size_t b)
{
    admission_stop(&world.admission, &world.batches[b]);
    world.copies[b].is_stopped = true;
}

/* Whatever is left of pieces goes with them. */
static void take_apart(size_t b)
{
    struct copy *copy = &world.copies[b];
    unsigned n_there = 0;
    struct run_piece *piece;

    for (size_t i = 0; i < MAX_ITEMS; i++)
        n_there += copy->n_left[i] > 0;
    for (; (piece = admission_take_piece(&world.batches[b])) != NULL; n_there--)
        ck_assert_uint_gt(copy->n_left[piece - world.pieces[b]], 0);
    ck_assert_uint_eq(n_there, 0);
    ck_assert(!admission_remove(&world.admission, &world.batches[b]));
    copy->exists = false;
}

static void take_waiting(size_t b)
{
    struct copy *copy = &world.copies[b];
    uint32_t item;
    struct run_piece *piece = admission_take_waiting(&world.batches[b], &item);

    if (piece != NULL) {
        enum state *state = &copy->states[run_piece_index(piece, item)];
        ck_assert(*state < RUNNING);
        *state = GONE;
        leave_piece(b, piece);
        return;
    }
    for (size_t i = 0; i < world.specs[b].n_items; i++)
        ck_assert(copy->states[i] >= RUNNING);
    if (copy->n_running == 0)
        take_apart(b);
}

/* What only concerns batches that are fed. */
static void look_after_window(size_t b)
{
    struct copy *copy = &world.copies[b];

    if (!copy->has_started && draw(3) == 0) {
        admission_start(&world.admission, &world.batches[b]);
        copy->has_started = true;
    }
    if (copy->n_added < copy->n_pieces && draw(2) == 0)
        feed(b);
    if (draw(20) == 0) {
        world.is_paused = !world.is_paused;
        admission_pause(&world.admission, world.is_paused);
    }
}

static void take_a_step(void)
{
    size_t b = draw(MAX_BATCHES);

    if (draw(3) == 0)
        world.now += draw(3) * TICK;
    if (!world.copies[b].exists)
        add(b);
    else if (world.copies[b].is_stopped && world.copies[b].n_running == 0 && draw(20) == 0)
        take_apart(b);
    else if (world.copies[b].is_stopped)
        take_waiting(b);
    else if (draw(40) == 0)
        stop(b);
    else if (world.copies[b].is_fed)
        look_after_window(b);
    for (uint32_t n = draw(4); n > 0; n--)
        next();
    if (draw(4) == 0)
        expire();
    for (uint32_t n = draw(8); n > 0; n--)
        end(draw(MAX_BATCHES));
}

static void end_everything(void)
{
    for (size_t b = 0; b < MAX_BATCHES; b++) {
        while (world.copies[b].exists) {
            stop(b);
            end(b);
            take_waiting(b);
        }
    }
}

static void check_counts(void)
{
    ck_assert_uint_eq(world.admission.n_running, world.n_running);
    ck_assert_uint_le(world.n_running, world.max_running);
    for (size_t b = 0; b < MAX_BATCHES; b++)
        if (world.copies[b].exists)
            ck_assert_uint_eq(world.batches[b].n_running, world.copies[b].n_running);
}

START_TEST(it_does_what_a_slow_oracle_says)
{
    size_t live_before = fault_live();

    world = (struct world){.random = {(uint64_t)_i}};
    world.max_running = draw(3) == 0 ? 1000 : 1 + draw(6);
    world.max_running_per_host = draw(3) == 0 ? 1000 : 1 + draw(3);
    ck_assert_int_eq(
        admission_init(&world.admission, world.max_running, world.max_running_per_host), 0);
    for (int step = 0; step < N_STEPS; step++) {
        take_a_step();
        check_counts();
    }
    end_everything();
    check_counts();
    admission_done(&world.admission);
    ck_assert_uint_eq(fault_live(), live_before);
}
END_TEST

/* --- A large world ---------------------------------------------------------------------------- */

enum { N_MANY_HOSTS = 5000, N_MANY_ITEMS = 10000, N_MANY_BATCHES = 4 };

static struct {
    char origins[N_MANY_HOSTS][32];
    struct request requests[N_MANY_ITEMS];
    struct item items[N_MANY_ITEMS];
    struct admission_batch batches[N_MANY_BATCHES];
    struct run_piece pieces[N_MANY_BATCHES];
    bool has_gone[N_MANY_BATCHES][N_MANY_ITEMS];
    struct {
        unsigned batch;
        uint32_t item;
    } running[64];
    size_t n_running;
} many;

static struct job_spec make_large_spec(void)
{
    static const struct fetch_options no_options;

    for (unsigned i = 0; i < N_MANY_HOSTS; i++)
        snprintf(many.origins[i], sizeof(many.origins[i]), "http://host-%u:80", i);
    for (uint32_t i = 0; i < N_MANY_ITEMS; i++) {
        many.requests[i] = (struct request){.url.origin = many.origins[draw(N_MANY_HOSTS)],
                                            .options = &no_options};
        many.items[i] = (struct item){i, 0};
    }
    struct job_spec spec = {.requests = many.requests,
                            .n_requests = N_MANY_ITEMS,
                            .items = many.items,
                            .n_items = N_MANY_ITEMS};
    ck_assert_int_eq(origins_number(&spec), 0);
    return spec;
}

static size_t start_what_may(struct admission *admission)
{
    struct run_piece *piece;
    uint32_t index;
    size_t n = 0;

    while ((piece = admission_next(admission, 0, &index)) != NULL) {
        unsigned b = (unsigned)(piece - many.pieces);
        ck_assert(!many.has_gone[b][index]);
        many.has_gone[b][index] = true;
        many.running[many.n_running].batch = b;
        many.running[many.n_running++].item = index;
        n++;
    }
    return n;
}

static void end_one(struct admission *admission)
{
    size_t i = draw((uint32_t)many.n_running);

    admission_release(admission, &many.pieces[many.running[i].batch], many.running[i].item);
    many.running[i] = many.running[--many.n_running];
}

START_TEST(thousands_of_hosts_are_served_to_the_end)
{
    struct admission admission;
    struct job_spec spec = make_large_spec();
    size_t n_gone = 0;

    ck_assert_int_eq(admission_init(&admission, 64, 1), 0);
    for (int b = 0; b < N_MANY_BATCHES; b++) {
        many.pieces[b] = (struct run_piece){.spec = &spec, .n_items = N_MANY_ITEMS};
        ck_assert_int_eq(admission_add(&admission, &many.batches[b], &many.pieces[b], 0), 0);
    }
    while (n_gone += start_what_may(&admission), many.n_running > 0) {
        (void)admission_queue(&admission);
        end_one(&admission);
    }
    ck_assert_uint_gt(admission.n_hosts, N_MANY_HOSTS / 2);
    ck_assert_uint_ge(admission.n_buckets, admission.n_hosts);
    ck_assert_uint_eq(n_gone, N_MANY_BATCHES * N_MANY_ITEMS);
    for (int b = 0; b < N_MANY_BATCHES; b++) {
        admission_stop(&admission, &many.batches[b]);
        while (admission_remove(&admission, &many.batches[b]))
            continue;
    }
    admission_done(&admission);
}
END_TEST

Suite *suite_admission_random(void);

Suite *suite_admission_random(void)
{
    Suite *suite = suite_create("daemon/engine/admission_random");
    TCase *tcase = tcase_create("all");

    tcase_add_loop_test(tcase, it_does_what_a_slow_oracle_says, 0, 60);
    tcase_add_test(tcase, thousands_of_hosts_are_served_to_the_end);
    suite_add_tcase(suite, tcase);
    return suite;
}
