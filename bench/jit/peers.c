/*
 * The workloads of workloads.ts in C, and the same bytecode in ubpf, for the benchmark of the JIT: bench/jit.ts compiles and
 * starts this program and asks it to run. With a path to libubpf.so as its argument it loads that library; what it needs of
 * its interface (vm/inc/ubpf.h) is declared here, so that no header is needed.
 *
 *   load INDEX HEX SLOT:MAP...   answers "loaded"
 *   run ENGINE INDEX TIMES       answers nanoseconds and the last result; ENGINE: native, jit, interpreter
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef uint64_t (*helper_fn)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
typedef uint64_t (*jit_fn)(void *memory, size_t size);
struct ubpf_vm;

static struct {
  struct ubpf_vm *(*create)(void);
  int (*toggle_bounds_check)(struct ubpf_vm *, int);
  int (*register_helper)(struct ubpf_vm *, unsigned, const char *, helper_fn);
  int (*load)(struct ubpf_vm *, const void *, uint32_t, char **);
  jit_fn (*compile)(struct ubpf_vm *, char **);
  int (*exec)(const struct ubpf_vm *, void *, size_t, uint64_t *);
} ubpf;

enum { CONTEXT_SIZE = 1024, CPUS = 4, HASH_ENTRIES = 4096, HASH_SLOTS = 8192, ARRAY_ENTRIES = 64, RING_SIZE = 1 << 16 };

static uint8_t context[CONTEXT_SIZE] __attribute__((aligned(16)));
static uint32_t current_cpu;
static uint64_t current_time = ((uint64_t)7 << 32) | 123456;
static uint64_t current_pid_tgid = ((uint64_t)1230 << 32) | 1234;

/* map[0]: open addressing over a pool, values per CPU, as our runtime has it. */
static struct { int kind; } map_kinds[3] = {{0}, {1}, {2}};
static uint32_t hash_index[HASH_SLOTS];
static uint64_t hash_keys[HASH_ENTRIES];
static uint64_t hash_values[CPUS][HASH_ENTRIES];
static uint32_t hash_count;
/* map[1] */
static uint64_t array_values[CPUS][ARRAY_ENTRIES];
/* map[2] */
static uint8_t ring[RING_SIZE * 2] __attribute__((aligned(16)));
static uint32_t producer, consumer;

static inline uint32_t hash_of(uint64_t key) {
  uint32_t a = (uint32_t)key * 0x9e3779b1u;
  a ^= a >> 15;
  a = (a ^ (uint32_t)(key >> 32)) * 0x9e3779b1u;
  a ^= a >> 15;
  a *= 0x85ebca6bu;
  return a ^ a >> 13;
}

static inline uint64_t *hash_lookup(uint64_t key) {
  for (uint32_t slot = hash_of(key) & (HASH_SLOTS - 1);; slot = (slot + 1) & (HASH_SLOTS - 1)) {
    uint32_t element = hash_index[slot];
    if (element == 0) return NULL;
    if (hash_keys[element - 1] == key) return &hash_values[current_cpu][element - 1];
  }
}

static void hash_insert(uint64_t key, uint64_t value) {
  uint32_t slot = hash_of(key) & (HASH_SLOTS - 1);
  while (hash_index[slot] != 0) slot = (slot + 1) & (HASH_SLOTS - 1);
  hash_keys[hash_count] = key;
  hash_values[current_cpu][hash_count] = value;
  hash_index[slot] = ++hash_count;
}

static inline uint64_t *array_lookup(uint32_t key) {
  return key < ARRAY_ENTRIES ? &array_values[current_cpu][key] : NULL;
}

static inline uint8_t *ring_reserve(uint32_t size) {
  uint32_t total = (size + 8 + 7) & ~7u;
  if (producer + total - consumer > RING_SIZE) return NULL;
  uint8_t *at = ring + (producer & (RING_SIZE - 1));
  ((uint32_t *)at)[0] = size | 0x80000000u;
  ((uint32_t *)at)[1] = producer;
  producer += total;
  return at + 8;
}

static inline void ring_submit(uint8_t *record) { ((uint32_t *)record)[-2] &= 0x3fffffffu; }

static uint64_t help_lookup(uint64_t map, uint64_t key, uint64_t c, uint64_t d, uint64_t e) {
  (void)c, (void)d, (void)e;
  switch (*(int *)map) {
  case 0: return (uint64_t)hash_lookup(*(uint64_t *)key);
  case 1: return (uint64_t)array_lookup(*(uint32_t *)key);
  default: return 0;
  }
}
static uint64_t help_update(uint64_t map, uint64_t key, uint64_t value, uint64_t flags, uint64_t e) {
  (void)map, (void)flags, (void)e;
  hash_insert(*(uint64_t *)key, *(uint64_t *)value);
  return 0;
}
#define NO_ARGUMENTS uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e
#define UNUSED (void)a, (void)b, (void)c, (void)d, (void)e
static uint64_t help_time(NO_ARGUMENTS) { UNUSED; return current_time; }
static uint64_t help_pid(NO_ARGUMENTS) { UNUSED; return current_pid_tgid; }
static uint64_t help_reserve(NO_ARGUMENTS) { UNUSED; return (uint64_t)ring_reserve((uint32_t)b); }
static uint64_t help_submit(NO_ARGUMENTS) { UNUSED; ring_submit((uint8_t *)a); return 0; }

#define WORKLOAD __attribute__((noinline)) static uint64_t

WORKLOAD empty(uint8_t *bytes) { (void)bytes; return 0; }

WORKLOAD hash64(uint8_t *bytes) {
  (void)bytes;
  uint64_t hash = 0xcbf29ce484222325;
  for (uint64_t i = 0; i < 1000; i++) {
    hash = (hash ^ i) * 0x100000001b3;
    hash ^= hash >> 29;
  }
  return hash;
}

WORKLOAD primes(uint8_t *bytes) {
  (void)bytes;
  uint32_t count = 0;
  for (uint32_t candidate = 2; candidate < 1000; candidate++) {
    uint32_t divisor = 2;
    while (divisor * divisor <= candidate && candidate % divisor != 0) divisor++;
    count += divisor * divisor > candidate;
  }
  return count;
}

WORKLOAD checksum(uint8_t *bytes) {
  uint64_t total = 0;
  for (int i = 0; i < CONTEXT_SIZE; i++) total += bytes[i];
  return total;
}

WORKLOAD count_by_pid(uint8_t *bytes) {
  (void)bytes;
  uint64_t *count = hash_lookup(current_pid_tgid >> 32);
  if (count != NULL) ++*count;
  else hash_insert(current_pid_tgid >> 32, 1);
  return 0;
}

WORKLOAD histogram(uint8_t *bytes) {
  uint64_t value = *(uint64_t *)bytes;
  uint32_t bucket = 0;
  if (value != 0) {
    bucket = 1;
    for (int bits = 32; bits > 0; bits >>= 1) {
      if (value < (uint64_t)1 << bits) continue;
      value >>= bits;
      bucket += bits;
    }
  }
  uint64_t *count = array_lookup(bucket);
  if (count != NULL) ++*count;
  return 0;
}

WORKLOAD compare(uint8_t *bytes) {
  for (int i = 0; i < 64; i++)
    if (bytes[256 + i] != bytes[512 + i]) return 0;
  return 1;
}

WORKLOAD compare_words(uint8_t *bytes) {
  for (int i = 0; i < 64; i += 8)
    if (*(uint64_t *)(bytes + 256 + i) != *(uint64_t *)(bytes + 512 + i)) return 0;
  return 1;
}

WORKLOAD event(uint8_t *bytes) {
  uint64_t *record = (uint64_t *)ring_reserve(40);
  if (record == NULL) return 0;
  record[0] = 7;
  record[1] = current_time;
  record[2] = current_pid_tgid;
  record[3] = ((uint64_t *)bytes)[0];
  record[4] = ((uint64_t *)bytes)[1];
  ring_submit((uint8_t *)record);
  return 0;
}

WORKLOAD divide(uint8_t *bytes) {
  uint64_t a = ((uint64_t *)bytes)[1], b = ((uint64_t *)bytes)[2];
  return a / b + a % b;
}

typedef uint64_t (*workload_fn)(uint8_t *);
/* In the order of WORKLOADS. */
static workload_fn natives[] = {empty,     hash64,  primes,        checksum, count_by_pid,
                                histogram, compare, compare_words, event,    divide};
enum { WORKLOADS = sizeof natives / sizeof *natives };

static struct { struct ubpf_vm *vm; jit_fn compiled; } loaded[WORKLOADS];

static void fail(const char *what, const char *why) {
  fprintf(stderr, "%s: %s\n", what, why);
  exit(1);
}

static void *symbol(void *library, const char *name) {
  void *address = dlsym(library, name);
  if (address == NULL) fail(name, "not in the library");
  return address;
}

static void open_ubpf(const char *path) {
  void *library = dlopen(path, RTLD_NOW);
  if (library == NULL) fail(path, dlerror());
  ubpf.create = symbol(library, "ubpf_create");
  ubpf.toggle_bounds_check = symbol(library, "ubpf_toggle_bounds_check");
  ubpf.register_helper = symbol(library, "ubpf_register");
  ubpf.load = symbol(library, "ubpf_load");
  ubpf.compile = symbol(library, "ubpf_compile");
  ubpf.exec = symbol(library, "ubpf_exec");
}

/* ubpf has fewer helper numbers than Linux, so calls are renumbered to this order (PEER_HELPERS in peers.ts). */
static const struct { const char *name; helper_fn run; } helpers[] = {
    {"lookup", help_lookup}, {"update", help_update},   {"time", help_time},
    {"pid", help_pid},       {"reserve", help_reserve}, {"submit", help_submit},
};

static void load(int index, const char *hex, char *relocations) {
  uint8_t code[65536];
  size_t size = strlen(hex) / 2;
  for (size_t i = 0; i < size; i++) sscanf(hex + 2 * i, "%2hhx", &code[i]);
  for (char *row = strtok(relocations, " \n"); row != NULL; row = strtok(NULL, " \n")) {
    int slot, map;
    if (sscanf(row, "%d:%d", &slot, &map) != 2) fail(row, "no relocation");
    uint64_t address = (uint64_t)&map_kinds[map];
    memcpy(code + slot * 8 + 4, &address, 4);
    memcpy(code + slot * 8 + 12, (uint8_t *)&address + 4, 4);
    code[slot * 8 + 1] &= 0x0f;
  }
  struct ubpf_vm *vm = ubpf.create();
  /* The addresses of maps are not in the memory that ubpf knows; compiled code checks no bounds either. */
  ubpf.toggle_bounds_check(vm, 0);
  for (unsigned i = 0; i < sizeof helpers / sizeof *helpers; i++)
    ubpf.register_helper(vm, i, helpers[i].name, helpers[i].run);
  char *message = NULL;
  if (ubpf.load(vm, code, size, &message) != 0) fail("load", message);
  loaded[index].vm = vm;
  loaded[index].compiled = ubpf.compile(vm, &message);
  if (loaded[index].compiled == NULL) fail("compile", message);
}

/* One loop per engine; the ring is emptied as often as the harness of bench/jit.ts does. */
#define LOOP(call)                                                                                                     \
  for (uint64_t i = 0; i < times; i++) {                                                                               \
    result = (call);                                                                                                   \
    sum += result;                                                                                                     \
    if ((i & 511) == 511) consumer = producer;                                                                         \
  }

static volatile uint64_t sink;

static void run(const char *engine, int index, uint64_t times) {
  struct timespec start, end;
  uint64_t sum = 0, result = 0;
  workload_fn native = natives[index];
  jit_fn compiled = loaded[index].compiled;
  struct ubpf_vm *vm = loaded[index].vm;
  clock_gettime(CLOCK_MONOTONIC, &start);
  if (strcmp(engine, "native") == 0) LOOP(native(context))
  else if (strcmp(engine, "jit") == 0) LOOP(compiled(context, CONTEXT_SIZE))
  else LOOP((ubpf.exec(vm, context, CONTEXT_SIZE, &result), result))
  clock_gettime(CLOCK_MONOTONIC, &end);
  sink = sum;
  double ns = (end.tv_sec - start.tv_sec) * 1e9 + (end.tv_nsec - start.tv_nsec);
  printf("%.0f %d\n", ns, (int32_t)result);
}

int main(int count, char **arguments) {
  if (count > 1) open_ubpf(arguments[1]);
  for (int i = 0; i < CONTEXT_SIZE; i++) context[i] = (uint8_t)(i * 37 + 11);
  memcpy(context + 512, context + 256, 64);
  uint64_t words[] = {123456789, 987654321987654321, 12345678901};
  memcpy(context, words, sizeof words);
  static char line[1 << 18];
  while (fgets(line, sizeof line, stdin) != NULL) {
    char engine[16], hex[1 << 16];
    int index, read = 0;
    unsigned long long times;
    if (sscanf(line, "load %d %65535s%n", &index, hex, &read) == 2) {
      load(index, hex, line + read);
      puts("loaded");
    } else if (sscanf(line, "run %15s %d %llu", engine, &index, &times) == 3) {
      run(engine, index, times);
    } else fail(line, "not understood");
    fflush(stdout);
  }
  return 0;
}
