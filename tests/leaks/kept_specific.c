/* pthread_setspecific: the first keys lie in the thread's own block, later ones behind a table that
 * the C library allocates. KEPT */
#include <pthread.h>
#include "leaks.h"

static pthread_key_t keys[100];

int main(void) {
    for (int i = 0; i < 100; i++) {
        if (pthread_key_create(&keys[i], NULL) != 0)
            return 2;
        pthread_setspecific(keys[i], take(10 + (size_t)i));
    }
    forget_frames();
    return 0;
}
