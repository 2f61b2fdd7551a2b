/*
 * A program with debugging information that prints through the C library:
 *   gcc -g -O0 -fno-stack-protector -fcf-protection=none -Wl,--build-id=none -fdebug-prefix-map=$PWD=. -o shapes shapes.c
 * Checked in as built: tests need no compiler, and a compiler's own output is what the readers must understand.
 */
#include <stdio.h>
#include <stdlib.h>

struct point {
  int x, y;
  char name[8];
  struct point *next;
  unsigned visible : 1, layer : 5;
};
enum color { RED, GREEN = 5 };
typedef unsigned long area_t;

int drawn = 7;

int add(int a, int b) { return a + b; }
area_t area(const struct point *p, enum color c, double scale) { return (area_t)(p->x * p->y * scale) + c; }
static long sum_up(const int *values, int count) {
  long sum = 0;
  for (int i = 0; i < count; i++) sum += values[i] / 2 - (values[i] % 3 == 0);
  return sum;
}

int main(int argc, char **argv) {
  struct point origin = { 3, 4, "origin", NULL, 1, 9 };
  int *values = malloc(5 * sizeof(int));
  for (int i = 0; i < 5; i++) values[i] = add(i * i, argc);
  drawn += (int)sum_up(values, 5);
  printf("%s: %lu, %5.2f, %x\n", origin.name, area(&origin, GREEN, 1.5), drawn / 4.0, origin.layer << 8);
  free(values);
  if (argc > 1) puts(argv[1]);
  return drawn;
}
