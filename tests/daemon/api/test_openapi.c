/* openapi.json tells the same as the routes and the tables that documents are read by. */
#include "daemon/api/openapi.h"

#include <check.h>
#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "daemon/api/api.h"
#include "daemon/model/parse_tables.h"

static json_t *contract;

static void set_up(void)
{
    json_error_t error;

    contract = json_loadb(openapi_json, openapi_json_length, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(contract != NULL, "line %d: %s", error.line, error.text);
}

static void tear_down(void)
{
    json_decref(contract);
}

/* "paths", "/v1/jobs", ..., NULL. NULL: there is no such thing */
static json_t *find(const char *const names[])
{
    json_t *value = contract;

    for (; *names != NULL; names++)
        value = json_object_get(value, *names);
    return value;
}

#define FIND(...) find((const char *const[]){__VA_ARGS__, NULL})

START_TEST(it_is_of_the_version_it_says)
{
    ck_assert_str_eq(json_string_value(FIND("openapi")), "3.1.0");
}
END_TEST

/* --- Routes ----------------------------------------------------------------------------------- */

static void lower(const char *method, char out[8])
{
    size_t i = 0;

    for (; method[i] != '\0' && i < 7; i++)
        out[i] = (char)tolower((unsigned char)method[i]);
    out[i] = '\0';
}

START_TEST(every_route_is_told)
{
    for (size_t i = 0; i < api_n_routes; i++) {
        char method[8];

        lower(api_routes[i].method, method);
        ck_assert_msg(FIND("paths", api_routes[i].path, method) != NULL, "%s %s is not told",
                      api_routes[i].method, api_routes[i].path);
    }
}
END_TEST

static bool is_route(const char *path, const char *operation)
{
    char method[8];

    for (size_t i = 0; i < api_n_routes; i++) {
        lower(api_routes[i].method, method);
        if (strcmp(api_routes[i].path, path) == 0 && strcmp(method, operation) == 0)
            return true;
    }
    return false;
}

START_TEST(nothing_is_told_that_is_no_route)
{
    const char *path, *operation;
    json_t *operations, *value;

    json_object_foreach(FIND("paths"), path, operations)
        json_object_foreach(operations, operation, value) if (strcmp(operation, "parameters") != 0)
            ck_assert_msg(is_route(path, operation), "there is no %s %s", operation, path);
}
END_TEST

/* Who needs no token, is told that. */
START_TEST(what_needs_no_token_is_told)
{
    for (size_t i = 0; i < api_n_routes; i++) {
        char method[8];

        lower(api_routes[i].method, method);
        json_t *security = FIND("paths", api_routes[i].path, method, "security");
        ck_assert_msg((api_routes[i].needs == NO_RIGHT) == (security != NULL), "%s",
                      api_routes[i].path);
    }
}
END_TEST

/* --- Members of documents --------------------------------------------------------------------- */

static bool is_told(const struct parse_table *table, const struct parse_member *member)
{
    return FIND("components", "schemas", table->schema, "properties", member->name) != NULL;
}

START_TEST(every_member_that_is_read_is_told)
{
    for (size_t i = 0; i < parse_n_tables; i++) {
        const struct parse_table *table = parse_tables[i];
        for (size_t j = 0; j < table->n_members; j++)
            ck_assert_msg(is_told(table, &table->members[j]), "%s of %s", table->members[j].name,
                          table->schema);
    }
}
END_TEST

static bool is_read(const char *schema, const char *name)
{
    for (size_t i = 0; i < parse_n_tables; i++) {
        const struct parse_table *table = parse_tables[i];
        for (size_t j = 0; strcmp(table->schema, schema) == 0 && j < table->n_members; j++)
            if (strcmp(table->members[j].name, name) == 0)
                return true;
    }
    return false;
}

START_TEST(every_member_that_is_told_is_read)
{
    for (size_t i = 0; i < parse_n_tables; i++) {
        const char *name, *schema = parse_tables[i]->schema;
        json_t *value;

        json_object_foreach(FIND("components", "schemas", schema, "properties"), name, value)
            ck_assert_msg(is_read(schema, name), "%s of %s is told", name, schema);
    }
}
END_TEST

static bool is_in(const json_t *array, const char *text)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *element = json_string_value(json_array_get(array, i));
        if (element != NULL && strcmp(element, text) == 0)
            return true;
    }
    return false;
}

START_TEST(what_is_required_is_told)
{
    for (size_t i = 0; i < parse_n_tables; i++) {
        const struct parse_table *table = parse_tables[i];
        json_t *required = FIND("components", "schemas", table->schema, "required");
        for (size_t j = 0; j < table->n_members; j++)
            ck_assert_msg(is_in(required, table->members[j].name) == table->members[j].is_required,
                          "%s of %s", table->members[j].name, table->schema);
    }
}
END_TEST

/* Of a word that is one of several. NULL: the schema is of something else. */
static json_t *words_of(const char *schema, const char *name)
{
    return FIND("components", "schemas", schema, "properties", name, "enum");
}

START_TEST(words_are_those_that_are_understood)
{
    for (size_t i = 0; i < parse_n_tables; i++) {
        const struct parse_table *table = parse_tables[i];
        for (size_t j = 0; j < table->n_members; j++) {
            const struct parse_member *member = &table->members[j];
            json_t *words = words_of(table->schema, member->name);
            size_t n = 0;

            if (words == NULL || member->words == NULL)
                continue;
            for (; member->words[n] != NULL; n++)
                ck_assert_msg(is_in(words, member->words[n]), "%s of %s", member->words[n],
                              member->name);
            ck_assert_uint_eq(json_array_size(words), n);
        }
    }
}
END_TEST

/* --- References ------------------------------------------------------------------------------- */

static void check_reference(const char *text)
{
    char path[128];
    json_t *value = contract;

    ck_assert_uint_lt(strlen(text), sizeof(path));
    ck_assert_int_eq(strncmp(text, "#/", 2), 0);
    strcpy(path, text + 2);
    for (char *name = strtok(path, "/"); name != NULL; name = strtok(NULL, "/"))
        value = json_object_get(value, name);
    ck_assert_msg(value != NULL, "there is no %s", text);
}

static void check_references(json_t *value)
{
    const char *name;
    json_t *member;
    size_t i;

    json_array_foreach(value, i, member) check_references(member);
    json_object_foreach(value, name, member)
    {
        if (strcmp(name, "$ref") == 0)
            check_reference(json_string_value(member));
        else
            check_references(member);
    }
}

START_TEST(every_reference_leads_somewhere)
{
    check_references(contract);
}
END_TEST

Suite *suite_openapi(void);

Suite *suite_openapi(void)
{
    Suite *suite = suite_create("daemon/api/openapi");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, it_is_of_the_version_it_says);
    tcase_add_test(tcase, every_route_is_told);
    tcase_add_test(tcase, nothing_is_told_that_is_no_route);
    tcase_add_test(tcase, what_needs_no_token_is_told);
    tcase_add_test(tcase, every_member_that_is_read_is_told);
    tcase_add_test(tcase, every_member_that_is_told_is_read);
    tcase_add_test(tcase, what_is_required_is_told);
    tcase_add_test(tcase, words_are_those_that_are_understood);
    tcase_add_test(tcase, every_reference_leads_somewhere);
    suite_add_tcase(suite, tcase);
    return suite;
}
