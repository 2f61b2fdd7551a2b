extern long total;

static inline __attribute__((always_inline)) long weigh(long value) {
  return value * 3 + total;
}
long finish(long value);
