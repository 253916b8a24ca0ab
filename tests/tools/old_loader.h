/* An ld.so before glibc 2.35: src/platform/objects.c is compiled with this included first, and
 * finds no _dl_find_object. All else of ld.so is the machine's. */
#ifndef HAK_TESTS_TOOLS_OLD_LOADER_H
#define HAK_TESTS_TOOLS_OLD_LOADER_H

#define HAK_FIND_OBJECT_NAME "_dl_find_object of no ld.so"

#endif
