/* The door of this room: the memory of a session, made and laid out; this process's facts of it;
 * and the environment by which the programs that it executes find the same keeper. */
#ifndef HAK_TRACE_MEMORY_H
#define HAK_TRACE_MEMORY_H

#include "trace/memory/current.h"
#include "trace/memory/environment.h"
#include "trace/memory/make.h"
#include "trace/memory/proc.h"

#endif
