import type { Insn } from '../isa/instruction.ts';
import type { MapType } from './map-types.ts';

/** Program types by their kernel names (enum bpf_prog_type), those that we load. */
export const PROGRAM_TYPES = {
  socket_filter: { id: 1 },
  kprobe: { id: 2 },
  sched_cls: { id: 3 },
  tracepoint: { id: 5 },
  xdp: { id: 6 },
  perf_event: { id: 7 },
  raw_tracepoint: { id: 17 },
  tracing: { id: 26 },
} as const satisfies Record<string, { readonly id: number }>;
export type ProgramType = keyof typeof PROGRAM_TYPES;

/** What libbpf would load: the one product of code generation. */
export interface ProgramImage {
  readonly programs: readonly Program[];
  readonly maps: readonly MapDefinition[];
}

export interface Program {
  /** Unique; a valid ELF symbol, e.g. `kprobe_vfs_read_1`. */
  readonly name: string;
  readonly type: ProgramType;
  /** Where what is allowed depends on it, how and where it attaches, as libbpf's section names say: `fentry/vfs_read`, `tp_btf/sched_switch`, `iter/task`, `kprobe.session/vfs_read`. */
  readonly attach?: string;
  /** Main program from slot 0, then its subprograms. Map references are by `relocations`, with the map's index not yet in `imm`. */
  readonly insns: readonly Insn[];
  readonly relocations: readonly Relocation[];
  /** Start slots of functions: 0 for the main program, then each subprogram and callback (BTF func_info). */
  readonly functions: readonly { readonly slot: number; readonly name: string }[];
  readonly lines: readonly LineInfo[];
}

/** The ld_imm64 at `slot` gets the map itself, or with `offset` the address of that byte of the (single) value of an array map. */
export interface Relocation {
  readonly slot: number;
  /** Index into ProgramImage.maps. */
  readonly map: number;
  readonly offset?: number;
}

/** From this slot to the next row's the code comes from this place of the script. */
export interface LineInfo {
  readonly slot: number;
  readonly sourceName: string;
  readonly line: number;
  readonly column: number;
  readonly text: string;
  /** UTF-16 offsets of the construct in the source, for diagnostics. */
  readonly start: number;
  readonly end: number;
}

export interface MapDefinition {
  /** A valid ELF symbol, e.g. `AT_start` for `@start`. */
  readonly name: string;
  readonly type: MapType;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  /** Contents of a `.rodata`-like array map with one element. */
  readonly initial?: Uint8Array;
}
