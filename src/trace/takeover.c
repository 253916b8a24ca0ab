#include "trace/keeper.h"
void hak_keeper_replace_dead(void) {}
