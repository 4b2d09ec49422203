/* What the measured containers run: called true it ends at once, called pause it waits for ever. */
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc > 0 && strstr(argv[0], "pause") != NULL)
        pause();
    return 0;
}
