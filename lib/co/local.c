/* The values of a task are a table that never changes: tasks that were spawned with it share it,
 * and who sets a value makes a table of its own. So spawning copies nothing, and there is never
 * more than one table to look in. A value counts the tables it is in. */
#include "lib/co/local.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/co/runtime.h"

struct value {
    unsigned n_references;
    const struct co_local *key;
    void *value;
    void (*free_value)(void *value);
};

struct co_locals {
    unsigned n_references;
    unsigned n_values;
    struct value *values[]; /* one a key */
};

static void value_unref(struct value *value)
{
    if (--value->n_references > 0)
        return;
    if (value->free_value != NULL)
        value->free_value(value->value);
    free(value);
}

struct co_locals *co_locals_ref(struct co_locals *locals)
{
    if (locals != NULL)
        locals->n_references++;
    return locals;
}

void co_locals_unref(struct co_locals *locals)
{
    if (locals == NULL || --locals->n_references > 0)
        return;
    for (unsigned i = 0; i < locals->n_values; i++)
        value_unref(locals->values[i]);
    free(locals);
}

static void add(struct co_locals *locals, struct value *value)
{
    value->n_references++;
    locals->values[locals->n_values++] = value;
}

/* The table with one value more, or another one. */
static struct co_locals *with(const struct co_locals *old, struct value *value)
{
    unsigned n_old = old != NULL ? old->n_values : 0;
    struct co_locals *locals = malloc(sizeof(*locals) + (n_old + 1) * sizeof(*locals->values));

    if (locals == NULL)
        return NULL;
    locals->n_references = 1;
    locals->n_values = 0;
    for (unsigned i = 0; i < n_old; i++)
        if (old->values[i]->key != value->key)
            add(locals, old->values[i]);
    add(locals, value);
    return locals;
}

int co_local_set(const struct co_local *key, void *value, void (*free_value)(void *value))
{
    struct co_task *self = co_running();
    struct value *new = malloc(sizeof(*new));

    if (new == NULL)
        return -ENOMEM;
    *new = (struct value){.key = key, .value = value, .free_value = free_value};
    struct co_locals *old = self->locals, *locals = with(old, new);
    if (locals == NULL) {
        free(new);
        return -ENOMEM;
    }
    self->locals = locals;
    co_locals_unref(old);
    return 0;
}

void *co_local_get(const struct co_local *key)
{
    const struct co_locals *locals = co_running()->locals;

    for (unsigned i = 0; locals != NULL && i < locals->n_values; i++)
        if (locals->values[i]->key == key)
            return locals->values[i]->value;
    return NULL;
}
