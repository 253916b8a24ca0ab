/* Symbols as addresses, and addresses as symbols, by the files of the capture's modules as they lie
 * on this machine now; one with another build-id is not used. */
#ifndef HAK_VIEWER_CAPTURE_ADDRESS_H
#define HAK_VIEWER_CAPTURE_ADDRESS_H

#include "viewer/capture/capture.h"

/* Address of SYMBOL, SYMBOL+16 or SYMBOL+0x10 in the processes of this capture. SYMBOL may be a C++
 * name with or without the namespaces and classes around it, and have FILE: in front: the source of
 * a static, or a module. False: the error, also that several symbols have the name, is printed. */
bool view_find_symbol_address(struct view *view, const char *text, uint64_t *address);

#endif
