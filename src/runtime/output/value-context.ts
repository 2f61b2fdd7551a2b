import type { Kernel } from '../kernel.ts';

/** What turning bytes into values needs beside the bytes and their type. Text is byte text. */
export interface ValueContext {
  /** Appended to a string that fills its type without a NUL. */
  readonly truncationTrailer: string;
  /** max_strlen: room for a formatted time. */
  readonly maxStringLength: number;
  /** By the index in a timestamp value. */
  readonly timeFormats: readonly string[];
  /** cpp_demangle: symbols of programs are shown as C++ declares them. */
  readonly demangles: boolean;
  /** show_debug_info: stacks of programs say where in the source they are, and what was inlined there. */
  readonly showsSource: boolean;
  readonly bootTimeNs: bigint;
  readonly kernel: Pick<Kernel, 'kernelSymbol' | 'userSymbol' | 'userSource' | 'userName' | 'cgroupPath'>;
}
