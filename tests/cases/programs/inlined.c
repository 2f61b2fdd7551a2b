/*
 * Functions that the compiler puts into others, of two files; DWARF 5 and, of the other file, DWARF 4:
 *   flags='-O2 -fno-omit-frame-pointer -fno-asynchronous-unwind-tables -fcf-protection=none'
 *   gcc -gdwarf-4 $flags -fdebug-prefix-map=$PWD=/src/inlined -c -o finish.o inlined-finish.c
 *   gcc -gdwarf-5 $flags -fdebug-prefix-map=$PWD=/src/inlined -static -nostdlib -Wl,--build-id=none -o inlined inlined.c finish.o
 */
#include "inlined.h"

long total;

/* Without optimisation it begins with `push %rbp`, by which the kernel knows that the caller is still on top of the stack. */
__attribute__((noinline, optimize("O0"))) static long measure(long value) { return value + 1; }

static inline __attribute__((always_inline)) long step(long value) {
  total += measure(value);
  return weigh(total);
}
static inline __attribute__((always_inline)) long loop(long count) {
  long sum = 0;
  for (long i = 0; i < count; i++) sum += step(i);
  return sum;
}
__attribute__((noinline)) static long work(long count) {
  long sum = loop(count);
  if (sum == 12345) sum += finish(measure(sum)) + step(sum);
  return finish(sum) + 1;
}

void _start(void) {
  long status = work(2) & 1;
  __asm__ volatile("syscall" : : "a"(60L), "D"(status) : "rcx", "r11", "memory");
  __builtin_unreachable();
}
