/*
 * A program whose debugging information and symbols are in a file of their own:
 *   gcc -g -O1 -fno-omit-frame-pointer -static -nostdlib -fno-asynchronous-unwind-tables -fcf-protection=none \
 *     -Wl,--build-id=none -fdebug-prefix-map=$PWD=. -o apart apart.c
 *   objcopy --only-keep-debug apart apart.debug
 *   objcopy --strip-all --add-gnu-debuglink=apart.debug apart
 */
struct point {
  long x, y;
};
__attribute__((noinline, noipa)) static long distance(const struct point *from, long scale) {
  return (from->x + from->y) * scale;
}
void _start(void) {
  struct point here = {3, 4};
  long sum = distance(&here, 6);
  __asm__ volatile("syscall" : : "a"(60L), "D"(sum) : "rcx", "r11", "memory");
}
