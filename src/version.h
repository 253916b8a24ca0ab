/* The version of everything that is built here. */
#ifndef HAK_VERSION_H
#define HAK_VERSION_H

#define HAK_VERSION "0.1"

#endif
