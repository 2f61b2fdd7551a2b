/*
 * A program of its own, without any library, with static probes as <sys/sdt.h> makes them:
 *   gcc -O2 -static -nostdlib -fcf-protection=none -Wl,--build-id=none -o probed probed.c
 */
#define PROBE(provider, name, semaphore, arguments, ...)                                              \
  __asm__ volatile("990: nop\n"                                                                       \
                   ".pushsection .note.stapsdt,\"\",\"note\"\n"                                       \
                   ".balign 4\n.4byte 992f-991f, 994f-993f, 3\n"                                      \
                   "991: .asciz \"stapsdt\"\n992: .balign 4\n"                                        \
                   "993: .8byte 990b, _.stapsdt.base, " semaphore "\n"                                \
                   ".asciz \"" provider "\"\n.asciz \"" name "\"\n.asciz \"" arguments "\"\n"         \
                   "994: .balign 4\n.popsection\n"                                                    \
                   ".ifndef _.stapsdt.base\n"                                                         \
                   ".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n"            \
                   ".weak _.stapsdt.base\n_.stapsdt.base: .space 1\n.popsection\n.endif\n" ::__VA_ARGS__)

unsigned short work_started_semaphore __attribute__((section(".probes")));
static char text[] = "loop\n";

static long call3(long number, long a, long b, long c) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return result;
}

__attribute__((noinline)) long triple(long value) { return value * 3; }

void _start(void) {
  for (int round = 1; round <= 3; round++) {
    long value = triple(round);
    if (work_started_semaphore) PROBE("work", "started", "work_started_semaphore", "-4@%0 8@%1", "r"(round), "r"(value));
    PROBE("work", "stepped", "0", "4@$7", "r"(round));
    call3(1, 1, (long)text, sizeof text - 1);
  }
  call3(60, 3, 0, 0);
}
