/* environment_read(): what is read from --env-fd. */
#include "fuzz.h"

#include "environment.h"

/* Entry by entry: each has a name and an "=", and is ended. */
static bool is_sound(const uint8_t *data, size_t size, size_t *ret_count)
{
    bool sound = size == 0 || data[size - 1] == '\0';

    for (*ret_count = 0; size > 0; ++*ret_count) {
        char *entry = text_next(&data, &size, '\0');
        sound = sound && entry[0] != '=' && strchr(entry, '=') != NULL;
        free(entry);
    }
    return sound;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {0};
    char **environment = NULL;
    size_t count;

    int fd = file_of(data, size);
    bool accepted = environment_read(fd, &environment, &error) == 0;
    CHECK(accepted == is_sound(data, size, &count));
    for (size_t i = 0; accepted && i < count; i++) {
        char *entry = text_next(&data, &size, '\0');
        CHECK(strcmp(environment[i], entry) == 0);
        free(entry);
    }
    CHECK(accepted ? environment[count] == NULL : error.step == STEP_OPTIONS);
    free(environment);
    close(fd);
    return 0;
}
