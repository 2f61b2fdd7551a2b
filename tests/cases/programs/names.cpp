/*
 * A program whose functions have names of C++, overloaded and from templates:
 *   g++ -O1 -fno-omit-frame-pointer -static -nostdlib -fno-exceptions -fno-rtti -fno-asynchronous-unwind-tables \
 *     -fcf-protection=none -Wl,--build-id=none -o names names.cpp
 */
namespace shape {
struct Square {
  long side;
  __attribute__((noinline)) long area() const { return side * side; }
};
__attribute__((noinline)) long scale(long by) { return by * 2; }
__attribute__((noinline)) long scale(long by, long times) { return by * times; }
template <typename T> __attribute__((noinline)) T twice(T value) { return value + value; }
}  // namespace shape

extern "C" void _start() {
  shape::Square square{3};
  long sum = shape::scale(square.area()) + shape::scale(4, 5) + shape::twice(6L) + shape::twice('a');
  asm volatile("syscall" : : "a"(60L), "D"(sum & 0x7f) : "rcx", "r11", "memory");
}
