/*
 * Integer instructions of SSE2, each folded into a number that report() is called with; a program of its own:
 *   gcc -O1 -static -nostdlib -fcf-protection=none -fno-asynchronous-unwind-tables -Wl,--build-id=none -o lanes lanes.c
 * On a CPU of today it ends with the same status, the sum of all reports modulo 128.
 */
#include <emmintrin.h>

__attribute__((noinline, noipa)) static void report(unsigned long value) { __asm__ volatile("" : : "r"(value)); }

static unsigned long sum;
static void fold(__m128i value) {
  unsigned long words[2];
  _mm_storeu_si128((__m128i *)words, value);
  unsigned long folded = words[0] * 31 + words[1];
  sum += folded & 0xffff;
  report(folded & 0xffff);
}
#define PAIR(operate) fold(_mm_##operate(a, b))

__attribute__((force_align_arg_pointer)) void _start(void) {
  __m128i a = _mm_set_epi32(0x7fff8001, 0x12345678, -5, 0x00ff00fe);
  __m128i b = _mm_set_epi32(0x01028003, 0x12345677, -7, 0x01fe80ff);
  __asm__ volatile("" : "+x"(a), "+x"(b));
  PAIR(add_epi8); PAIR(add_epi16); PAIR(add_epi32); PAIR(add_epi64);
  PAIR(sub_epi8); PAIR(sub_epi16); PAIR(sub_epi32); PAIR(sub_epi64);
  PAIR(cmpeq_epi8); PAIR(cmpeq_epi16); PAIR(cmpeq_epi32);
  PAIR(cmpgt_epi8); PAIR(cmpgt_epi16); PAIR(cmpgt_epi32);
  PAIR(min_epu8); PAIR(max_epu8); PAIR(min_epi16); PAIR(max_epi16);
  PAIR(mullo_epi16); PAIR(mulhi_epi16); PAIR(mulhi_epu16);
  PAIR(unpacklo_epi8); PAIR(unpacklo_epi16); PAIR(unpacklo_epi32); PAIR(unpacklo_epi64);
  PAIR(unpackhi_epi8); PAIR(unpackhi_epi16); PAIR(unpackhi_epi32); PAIR(unpackhi_epi64);
  fold(_mm_slli_epi16(a, 3)); fold(_mm_slli_epi32(a, 7)); fold(_mm_slli_epi64(a, 33));
  fold(_mm_srli_epi16(a, 3)); fold(_mm_srli_epi32(a, 7)); fold(_mm_srli_epi64(a, 33));
  fold(_mm_srai_epi16(a, 3)); fold(_mm_srai_epi32(a, 40));
  fold(_mm_slli_si128(a, 5)); fold(_mm_srli_si128(a, 9));
  __m128i count = _mm_cvtsi32_si128(11);
  __asm__ volatile("" : "+x"(count));
  fold(_mm_sll_epi32(a, count)); fold(_mm_srl_epi64(a, count)); fold(_mm_sra_epi16(a, count));
  sum += _mm_movemask_epi8(a);
  report(_mm_movemask_epi8(a));
  __asm__ volatile("syscall" : : "a"(60L), "D"(sum & 0x7f) : "rcx", "r11", "memory");
}
