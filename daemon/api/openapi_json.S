/* openapi.json, as it stands in the source. */
#ifdef __CET__
/* Marks that nothing here jumps where it must not. One object without that mark is enough for the linker
 * to leave it out of the whole program. */
#include <cet.h>
#endif
    .section .rodata
    .globl openapi_json, openapi_json_length
    .type openapi_json, %object
    .type openapi_json_length, %object
openapi_json:
    .incbin "daemon/api/openapi.json"
openapi_json_end:
    .size openapi_json, openapi_json_end - openapi_json
    .balign 4
openapi_json_length:
    .long openapi_json_end - openapi_json
    .size openapi_json_length, 4

    .section .note.GNU-stack, "", %progbits
