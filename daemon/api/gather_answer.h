/* The answer of a gather: its results, and the bytes made of them while they are sent. It outlives
 * the request's handler, since sending does. */
#pragma once

#include "daemon/api/http_exchange.h"
#include "daemon/model/result_set.h"

struct gather_answer;

/* Takes spec over, whatever it returns: 0, -ENOMEM. */
int gather_answer_new(struct gather_answer **ret_answer, struct job_spec *spec,
                      struct result_budget *budget);
void gather_answer_freep(struct gather_answer **answer);

/* To be filled. */
struct result_set *gather_answer_results(struct gather_answer *answer);

/* Takes the answer over, whatever it returns: as http_answer_source(). */
int gather_answer_send(struct http_exchange *exchange, struct gather_answer *answer,
                       int64_t elapsed_us);
