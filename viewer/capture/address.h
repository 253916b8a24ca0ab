/* Symbols as addresses: SYMBOL+OFFSET by the symbol tables of the capture's modules. */
#ifndef HAK_VIEWER_CAPTURE_ADDRESS_H
#define HAK_VIEWER_CAPTURE_ADDRESS_H

#include "viewer/capture/capture.h"

/* Address of SYMBOL, SYMBOL+16 or SYMBOL+0x10 in the processes of this capture, from the module
 * files as they lie on this machine now. False: the error is printed. */
bool view_find_symbol_address(struct view *view, const char *text, uint64_t *address);

#endif
