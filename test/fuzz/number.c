/* parse_uint(): 8 bytes are the greatest number that is allowed, the others the text. */
#include "fuzz.h"

#include "util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint64_t untouched = 0x6d636d;
    uint64_t max, value = untouched;

    if (size < sizeof(max))
        return -1;
    memcpy(&max, data, sizeof(max));
    char *text = text_copy(data + sizeof(max), size - sizeof(max));
    bool accepted = parse_uint(text, max, &value);
    CHECK(accepted == is_number_to(text, max));
    CHECK(accepted ? value <= max && says_number(text, value) : value == untouched);
    free(text);
    return 0;
}
