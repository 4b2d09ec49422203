/* json_string(): any text becomes a string that a reader of JSON takes for the same. */
#include "fuzz.h"

#include "status.h"

#define REPLACEMENT "\xef\xbf\xbd"

/* How many bytes of valid UTF-8 stand at `text`: by decoding, and encoding again. 0: none. */
static size_t utf8_length(const unsigned char *text)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = text[0] < 0x80 ? 1 : text[0] >> 5 == 6 ? 2 : text[0] >> 4 == 14 ? 3 : 4;
    uint32_t code = length == 1 ? text[0] : text[0] & (0x7fU >> length);

    if (length == 4 && text[0] >> 3 != 30)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if (text[i] >> 6 != 2)
            return 0;
        code = code << 6 | (text[i] & 0x3f);
    }
    bool surrogate = code >= 0xd800 && code < 0xe000;
    return code < least[length] || code > 0x10ffff || surrogate ? 0 : length;
}

/* What a reader is to see: the text, with a mark for each byte that is no part of a character. */
static char *expected_of(const char *text)
{
    char *expected = malloc(strlen(text) * 3 + 1), *next = expected;

    CHECK(expected != NULL);
    while (*text != '\0') {
        size_t length = utf8_length((const unsigned char *)text);
        next = length > 0 ? mempcpy(next, text, length) : mempcpy(next, REPLACEMENT, 3);
        text += length > 0 ? length : 1;
    }
    *next = '\0';
    return expected;
}

/* Reads a string of JSON (RFC 8259) from behind its opening quotation mark to the closing one. */
static char *decoded(const char *text, const char **ret_end)
{
    char *value = malloc(strlen(text) + 1), *next = value;
    unsigned int code;

    CHECK(value != NULL);
    for (; *text != '"'; text++) {
        CHECK((unsigned char)*text >= 0x20);
        if (*text != '\\') {
            *next++ = *text;
        } else if (text[1] == 'u') {
            CHECK(sscanf(text + 2, "%4x", &code) == 1 && code < 0x80);
            *next++ = (char)code;
            text += 5;
        } else {
            CHECK(text[1] == '"' || text[1] == '\\');
            *next++ = *++text;
        }
    }
    *next = '\0';
    *ret_end = text + 1;
    return value;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json_line line;
    const char *rest;

    char *text = text_copy(data, size);
    json_begin(&line);
    json_string(&line, "key", text);
    json_number(&line, "number", size);
    json_end(&line);
    CHECK(line.length == strlen(line.text) && line.length < sizeof(line.text));
    CHECK(line.text[line.length - 1] == '\n');
    /* One that does not fit is left out. */
    if (strncmp(line.text, "{\"key\":\"", 8) == 0) {
        char *value = decoded(line.text + 8, &rest), *expected = expected_of(text);
        CHECK(strcmp(value, expected) == 0);
        CHECK(strncmp(rest, ",\"number\":", 10) == 0 || strcmp(rest, "}\n") == 0);
        free(value);
        free(expected);
    } else {
        CHECK(strlen(text) * 6 + 32 > sizeof(line.text));
    }
    free(text);
    return 0;
}
