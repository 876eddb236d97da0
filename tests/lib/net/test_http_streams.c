/* What becomes of the streams that share a connection of HTTP/2 when it ends. */
#include <string.h>

#include "tests/support/crowd.h"
#include "tests/support/fake_tls.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

enum { N_STREAMS = 4, PREFACE_SIZE = 24 };

static struct crowd crowd;
static struct fake_tls tls;

/* --- As much of HTTP/2 as is needed -------------------------------------------------------- */

enum { FRAME_HEADERS = 1, FRAME_SETTINGS = 4, FRAME_GOAWAY = 7 };
enum { FLAG_END_STREAM = 1, FLAG_ACK = 1, FLAG_END_HEADERS = 4 };

struct frame {
    uint8_t length[3], type, flags, stream[4];
};

static const uint8_t ok_by_its_index = 0x88; /* of HPACK's static table: ":status: 200" */

static bool receive(int fd, void *bytes, size_t n)
{
    for (ssize_t done; n > 0; n -= (size_t)done, bytes = (char *)bytes + done)
        if ((done = co_read(fd, bytes, n)) <= 0)
            return false;
    return true;
}

static bool receive_frame(int fd, struct frame *ret_frame)
{
    char payload[4096];

    if (!receive(fd, ret_frame, sizeof(*ret_frame)))
        return false;
    size_t n =
        (size_t)(ret_frame->length[0] << 16 | ret_frame->length[1] << 8 | ret_frame->length[2]);
    ck_assert_uint_le(n, sizeof(payload));
    return receive(fd, payload, n);
}

struct output {
    char bytes[256];
    size_t n;
};

static void put_frame(struct output *out, struct frame frame, const void *payload, uint8_t n)
{
    frame.length[2] = n;
    memcpy(out->bytes + out->n, &frame, sizeof(frame));
    if (n > 0)
        memcpy(out->bytes + out->n + sizeof(frame), payload, n);
    out->n += sizeof(frame) + n;
}

static void put_answer(struct output *out, const uint8_t stream[4])
{
    struct frame frame = {.type = FRAME_HEADERS, .flags = FLAG_END_STREAM | FLAG_END_HEADERS};

    memcpy(frame.stream, stream, sizeof(frame.stream));
    put_frame(out, frame, &ok_by_its_index, 1);
}

/* --- Origins ------------------------------------------------------------------------------- */

/* What it says when all have asked; afterwards it hangs up. */
static const struct end {
    unsigned n_answered;
    bool says_goodbye;
    bool leaves_socket_open;
} ends[] = {{0, false, false}, {0, true, true},  {1, false, false},
            {1, false, true},  {1, true, false}, {N_STREAMS - 1, true, true}},
  *chosen;

static void put_end(struct output *out, uint8_t streams[N_STREAMS][4])
{
    uint8_t no_error_after[8] = {0};

    for (unsigned i = 0; i < chosen->n_answered; i++)
        put_answer(out, streams[i]);
    if (chosen->says_goodbye) {
        memcpy(no_error_after, streams[N_STREAMS - 1], 4);
        put_frame(out, (struct frame){.type = FRAME_GOAWAY}, no_error_after, 8);
    }
}

/* Answers the first request, so that the others know whom they deal with, and come along. */
static bool take_request(struct output *out, const struct frame *frame,
                         uint8_t streams[N_STREAMS][4], unsigned n)
{
    if (n == 0)
        put_answer(out, frame->stream);
    else
        memcpy(streams[n - 1], frame->stream, 4);
    if (n == N_STREAMS)
        put_end(out, streams);
    return n < N_STREAMS;
}

static void share(struct fake_origin *origin, int fd)
{
    struct output out = {.n = 0};
    struct frame frame;
    char preface[PREFACE_SIZE];
    uint8_t streams[N_STREAMS][4];
    unsigned n = 0;
    bool goes_on = origin->n_connections == 1 && receive(fd, preface, sizeof(preface));

    put_frame(&out, (struct frame){.type = FRAME_SETTINGS}, NULL, 0);
    while (goes_on && receive_frame(fd, &frame)) {
        if (frame.type == FRAME_SETTINGS && frame.flags != FLAG_ACK)
            put_frame(&out, (struct frame){.type = FRAME_SETTINGS, .flags = FLAG_ACK}, NULL, 0);
        else if (frame.type == FRAME_HEADERS)
            goes_on = take_request(&out, &frame, streams, n++);
        fake_origin_send_bytes(fd, out.bytes, out.n);
        out.n = 0;
    }
}

static void talk(struct fake_origin *origin, int fd)
{
    fake_tls_serve(&tls, origin, fd);
}

/* --- Their clients ------------------------------------------------------------------------- */

/* Whose end is called the one by libcurl 7.88, the other by 8.14. */
static unsigned n_unanswered(void)
{
    return crowd_count(&crowd, CO_HTTP_EMPTY_REPLY) + crowd_count(&crowd, CO_HTTP_RECV_RESET);
}

NET_TEST(all_streams_hear_of_the_end_of_their_connection)
{
    const struct co_http_tls_options options = {.ca_file = tls.ca_file};
    struct co_http_request request = {.tls = &options, .first_byte_timeout = 10 * CO_SECOND};

    chosen = &ends[_i];
    fake_tls_start(&tls,
                   &(struct fake_tls_options){.application = "h2",
                                              .leaves_socket_open = chosen->leaves_socket_open});
    tls.talk = share;
    net->origin.talk = talk;
    fetch(net, "https://127.0.0.1:@/", request);
    assert_success(net);
    crowd_join(&crowd, net, N_STREAMS, "https://127.0.0.1:@/#", request);
    crowd_wait(&crowd);
    ck_assert_uint_eq(crowd_count(&crowd, CO_HTTP_OK), chosen->n_answered);
    ck_assert_uint_eq(n_unanswered(), N_STREAMS - chosen->n_answered);
    crowd_leave(&crowd);
    fake_tls_stop(&tls);
}

Suite *suite_http_streams(void);

Suite *suite_http_streams(void)
{
    Suite *suite = suite_create("http_streams");
    TCase *tcase = tcase_create("http_streams");

    tcase_add_loop_test(tcase, all_streams_hear_of_the_end_of_their_connection, 0,
                        N_ELEMENTS(ends));
    suite_add_tcase(suite, tcase);
    return suite;
}
