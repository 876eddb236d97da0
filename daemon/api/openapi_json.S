/* openapi.json, as it stands in the source. */
    .section .rodata
    .globl openapi_json, openapi_json_end
    .type openapi_json, %object
openapi_json:
    .incbin "daemon/api/openapi.json"
openapi_json_end:
    .size openapi_json, openapi_json_end - openapi_json

#if defined(__linux__) && defined(__ELF__)
    .section .note.GNU-stack, "", %progbits
#endif
