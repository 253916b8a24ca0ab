/* Writes into the page that the kernel maps into every program. */
#include <sys/auxv.h>

int main(void) {
    char *volatile page = (char *)getauxval(AT_SYSINFO_EHDR);
    page[64] = 0;
    return 0;
}
