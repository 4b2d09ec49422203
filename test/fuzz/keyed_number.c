/* keyed_number(): a line is the key, the rest a file of lines "KEY NUMBER". */
#include "fuzz.h"

#include "procfs.h"

/* The first line of that key decides. */
static bool reference(const char *text, const char *key, char **ret_digits)
{
    const uint8_t *data = (const uint8_t *)text;
    size_t size = strlen(text);

    while (size > 0) {
        char *line = text_next(&data, &size, '\n');
        bool found = strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == ' ';
        if (found)
            *ret_digits = strdup(line + strlen(key) + 1);
        free(line);
        if (found)
            return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t number = 0x6d636d;
    char *digits = NULL;

    char *key = text_next(&data, &size, '\n');
    char *text = text_copy(data, size);
    bool found = keyed_number(text, key, &number);
    bool expected = reference(text, key, &digits) && is_number_to(digits, UINT64_MAX);
    /* The kernel writes no zeros before a number: one that is longer than any is refused. */
    if (expected && strlen(digits) < 24)
        CHECK(found && says_number(digits, number));
    else
        CHECK(!found && number == 0x6d636d);
    free(digits);
    free(text);
    free(key);
    return 0;
}
