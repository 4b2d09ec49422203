/* Forks without an end, and says on stdout when that first fails, with what. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void)
{
    int *told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (told == MAP_FAILED)
        return 1;
    for (;;) {
        if (fork() < 0 && !__atomic_exchange_n(told, 1, __ATOMIC_SEQ_CST)) {
            const char *name = strerrorname_np(errno);
            (void)!write(1, name, strlen(name));
            (void)!write(1, "\n", 1);
        }
    }
}
