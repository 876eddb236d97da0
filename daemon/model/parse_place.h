/* Where a member belongs that somebody has put into the wrong object. */
#pragma once

/* For a sentence: `"defaults" or a request`. NULL: no object has a member of this name */
const char *parse_place_of(const char *name);
