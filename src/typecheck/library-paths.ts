/** C files of bpftrace 0.27's standard library: what `import` finds when no file has that name, alone or by its folder. */
export const LIBRARY_PATHS = [
  'stdlib/base.bpf.c',
  'stdlib/map/map.bpf.c',
  'stdlib/process/process.bpf.c',
  'stdlib/stack/dwunwind.bpf.c',
  'stdlib/stack/dwunwind_defs.h',
  'stdlib/strings/errors.h',
  'stdlib/strings/signal.h',
  'stdlib/strings/strings.bpf.c',
  'stdlib/strings/strings.h',
  'stdlib/strings/syscall.h',
  'stdlib/system/system.bpf.c',
  'stdlib/task/task.bpf.c',
  'stdlib/task/vma.bpf.c',
  'stdlib/test/test.bpf.c',
  'stdlib/usdt/usdt.bpf.c',
] as const;
