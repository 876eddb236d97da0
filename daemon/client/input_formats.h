/* The readers of formats: bodies of generators, whose argument is a struct input_feed. */
#pragma once

#include "lib/co/co.h"

co_gen_fn input_read_urls;
co_gen_fn input_read_ndjson;
co_gen_fn input_read_json;
co_gen_fn input_read_sitemap;
co_gen_fn input_read_curl;
