/* The C++ runtime's names for libhakmem.a: the linker fetches them with operator new. */
#define HAK_CXX_BOUND
#define HAK_CXX_FIND NULL
#include "entry/cxx_names.h"
