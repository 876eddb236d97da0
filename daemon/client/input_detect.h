/* In which format an input is, as its name and its first bytes say. */
#pragma once

#include "daemon/client/input_reader.h"

/* How many bytes are looked at: no more, so that it does not depend on how many come at a time. */
enum { INPUT_DETECT_MAX = 4096 };

/* Whether these are enough to tell: who types a list should not have to end it first. */
bool input_detect_is_enough(struct input_line bytes);

/* returns the name of a format: one of input_format_name() */
const char *input_detect(const char *name, struct input_line bytes);
