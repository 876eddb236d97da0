/* The files of assets.def, as they stand in the source. */
#ifdef __CET__
/* As in openapi_json.S: without the mark, the whole program would lose it. */
#include <cet.h>
#endif
    .macro asset symbol, path
    .globl dashboard_\symbol, dashboard_\symbol\()_length
    .type dashboard_\symbol, %object
    .type dashboard_\symbol\()_length, %object
dashboard_\symbol:
    .incbin "daemon/dashboard/\path"
dashboard_\symbol\()_end:
    .size dashboard_\symbol, dashboard_\symbol\()_end - dashboard_\symbol
    .balign 4
dashboard_\symbol\()_length:
    .long dashboard_\symbol\()_end - dashboard_\symbol
    .size dashboard_\symbol\()_length, 4
    .endm

    .section .rodata
#define ASSET(symbol, path, type) asset symbol, path
#include "daemon/dashboard/assets.def"

    .section .note.GNU-stack, "", %progbits
