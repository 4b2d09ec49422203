/* list_has_item() and id_is_valid(): a line is the item, the rest the list. */
#include "fuzz.h"

#include "util.h"

/* By copies of every item. An empty list has none; what stands behind a last comma is none. */
static bool has_item(const char *list, const char *item)
{
    const uint8_t *data = (const uint8_t *)list;
    size_t size = strlen(list);
    bool found = false;

    while (size > 0) {
        char *next = text_next(&data, &size, ',');
        found = found || strcmp(next, item) == 0;
        free(next);
    }
    return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *item = text_next(&data, &size, '\n');
    char *list = text_copy(data, size);
    size_t hexadecimal = 0;

    CHECK(list_has_item(list, item, strlen(item)) == has_item(list, item));
    for (const char *next = item; *next != '\0'; next++)
        hexadecimal += (*next >= '0' && *next <= '9') || (*next >= 'a' && *next <= 'f');
    CHECK(id_is_valid(item) == (strlen(item) == 12 && hexadecimal == 12));
    free(item);
    free(list);
    return 0;
}
