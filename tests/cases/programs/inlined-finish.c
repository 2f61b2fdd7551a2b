/* See inlined.c. */
#include "inlined.h"

__attribute__((noinline, optimize("O0"))) static long last(long value) { return value; }

static inline long ending(long value) { return last(weigh(value)) + weigh(1); }

long finish(long value) { return ending(value) + 2; }
