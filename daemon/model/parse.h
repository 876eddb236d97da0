/* A client's document to a job_spec: JSON in all its shorthands, NDJSON, and lists of URLs.
 *
 * Pure: no I/O, no loop, and it may run on any thread, which is where large documents are parsed.
 *
 * What cannot be read at all is refused with the place: 400 invalid_json, invalid_utf8,
 * nul_character, too_deep (more than PARSE_DEPTH_MAX arrays and objects in each other),
 * duplicate_key, number_out_of_range; 415 unsupported_media_type; 413 too_many_items, too_large.
 *
 * What can be read is checked as a whole, and every defect is noted with a JSON Pointer into what
 * the client has sent, so also into the shorthands: /0, /urls/3, /requests/2/headers/X-A. A list of
 * lines counts as an array of its requests, and the detail begins with the line: "line 7: ...". The
 * codes of defects are
 *
 *     unknown_member       wrong_type        out_of_range    invalid_url
 *     missing_member       invalid_value     too_long        unsupported_scheme
 *     conflicting_members  invalid_method    too_many        invalid_header
 *     not_supported        invalid_base64    no_requests     forbidden_header
 *     unknown_reference                                      duplicate_header
 *
 * With "on_invalid": "report" a URL that is none is no defect of the document: its request gets a
 * request_defect. All other mistakes are those of a program, and stay defects.
 *
 * What is decided here where the contract is silent: no requests at all is a defect; a duration is
 * at least a microsecond and at most a day (ttl_ms: 30 days), so no client can ask for "no limit";
 * userinfo in a URL becomes an Authorization header, unless there is one in the defaults or in the
 * request; a body without a method, neither in the request nor in the defaults, is sent by POST;
 * null removes also those headers that gatherd adds by itself: User-Agent, Accept, Accept-Encoding,
 * Content-Type, Authorization; not Host. Of auth and an Authorization header that of the request
 * comes before that of the defaults, and both in one object are a defect, so there is never more
 * than one of them. null for auth, proxy, resolve, retry, tls, expect and its members, capture and
 * its headers, retry.methods, and the names of certificates takes away what the defaults had; for
 * anything else it is a wrong type. "retry" without anything in it means three attempts, fewer if
 * the daemon allows no more.
 */
#pragma once

#include "daemon/model/defect.h"
#include "daemon/model/job_spec.h"

enum { PARSE_DEPTH_MAX = 64 };

/* While it is read, JSON may take json_room and so many times its own bytes of memory. Requests
 * take 6 to 17 times their bytes, and numbers 20, but nothing at all in brackets takes 75. */
enum { PARSE_JSON_RATIO = 20 };

/* What the daemon's configuration decides. A reload replaces it all, between two steps of the loop.
 * What it points to is its owner's, and the specs that are made with it hold that. */
struct parse_settings {
    struct refcount *owner;                /* NULL: it outlives the specs */
    size_t max_items;                      /* at most UINT32_MAX */
    size_t max_arena_bytes;                /* of one job */
    size_t json_room;                      /* see PARSE_JSON_RATIO */
    uint64_t max_capture_bytes;            /* a client may ask for less */
    unsigned max_redirects;                /* likewise */
    unsigned max_attempts;                 /* likewise; at least 1 */
    const struct credentials *credentials; /* what may be named; NULL: nothing */
    const struct co_url *proxies;          /* that may be asked for */
    size_t n_proxies;
    /* Of a request that says nothing. headers: User-Agent and the like, no Authorization. What is
     * only for a client to ask for stays zero: auth, proxy, pins, retry, expect, hash. */
    struct fetch_options defaults;
};

enum parse_kind {
    PARSE_GATHER,
    PARSE_JOB, /* may have what only a stored job has: ttl_ms */
};

/* A refusal: the HTTP status it deserves, its code and sentence; what is wrong in particular is in
 * the defects. */
struct parse_refusal {
    int status; /* 400, 413, 415, 422 */
    const char *code;
    char detail[256];
};

/* The settings as they are now, for who suspends or goes to a thread with them. returns a copy,
 * owed a parse_settings_release() */
struct parse_settings parse_settings_hold(const struct parse_settings *settings);
void parse_settings_release(struct parse_settings *settings);

/* Once, before anything is parsed: gives the JSON library a random seed for its hash tables, so
 * that nobody can choose keys that collide, and has it tell a lack of memory from bad JSON. */
void job_parse_init(void);

/* Parses a body. A body that parses as JSON is taken as JSON whatever content_type says (NULL: not
 * said); else the type decides: application/x-ndjson, text/uri-list, text/plain.
 *
 * returns    0: the caller owes one job_spec_free()
 *            1: refused; ret_refusal says how, and defects has been added to
 *            -ENOMEM
 */
int job_parse(const struct parse_settings *settings, enum parse_kind kind, const char *content_type,
              const char *bytes, size_t length, struct defect_list *defects,
              struct parse_refusal *ret_refusal, struct job_spec **ret_spec);

/* The same for URLs that came as query parameters. Pointers are /0, /1, ... */
int job_parse_urls(const struct parse_settings *settings, const char *const *urls, size_t n_urls,
                   struct defect_list *defects, struct parse_refusal *ret_refusal,
                   struct job_spec **ret_spec);
