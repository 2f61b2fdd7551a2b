import { tracepointFormat } from '../../src/simkernel/tracepoint-formats.ts';
import type { AbiName } from '../../src/btf/abi/abis.ts';
import { createMachine } from '../../src/simkernel/machine.ts';
import type { Machine } from '../../src/simkernel/machine.ts';
import type { Image } from '../../src/simkernel/programs/image.ts';
import { defineScenario } from '../../src/simkernel/scenarios/define.ts';
import type { DiskSpec, FileSpec, Scenario } from '../../src/simkernel/scenarios/scenario.ts';

export const MILLISECOND = 1e6;
export const SECOND = 1e9;

/** A machine that runs these programs as processes 1000, 1001, ... */
export function machineRunning(
  mains: readonly NonNullable<Image['main']>[],
  options: {
    files?: readonly FileSpec[];
    cpus?: number;
    seed?: number;
    disks?: readonly DiskSpec[];
    arch?: AbiName;
  } = {},
): Machine {
  const scenario: Scenario = defineScenario({
    name: 'test',
    summary: '',
    seed: 7,
    cpus: 2,
    lengthNs: SECOND,
    files: options.files ?? [],
    disks: options.disks ?? [],
    images: [],
    processes: mains.map((main, i) => ({
      pid: 1000 + i,
      image: { path: `/usr/bin/program${i}`, symbols: ['main', 'inner'], main },
    })),
  });
  return createMachine({
    scenario,
    seed: options.seed ?? 7,
    ...(options.cpus === undefined ? {} : { cpus: options.cpus }),
    ...(options.arch === undefined ? {} : { arch: options.arch }),
  });
}

export function runFor(m: Machine, ns: number): void {
  const end = m.now() + ns;
  while (m.now() < end) {
    m.run(end);
    if (m.halted !== undefined) throw new Error(m.halted);
  }
}

/** A NUL-terminated string at an arena offset. */
export function textAt(m: Machine, offset: number): string {
  const end = m.arena.bytes.indexOf(0, offset);
  return String.fromCharCode(...m.arena.bytes.subarray(offset, end));
}
export function currentComm(m: Machine): string {
  return textAt(m, m.current.comm);
}
export function currentPid(m: Machine): number {
  return m.words[m.current.pidTgid >> 2]!;
}
/** The u64 at an arena offset; exact to 2^53, which is enough for what the tests look at. */
export function u64At(m: Machine, offset: number): number {
  return (m.words[offset >> 2]! >>> 0) + m.words[(offset >> 2) + 1]! * 4294967296;
}
/** Arena offset behind the kernel pointer at an arena offset, or -1. */
export function follow(m: Machine, offset: number, size = 8): number {
  return m.memory.kernelAddress(m.words[offset >> 2]!, m.words[(offset >> 2) + 1]!, size);
}
/** `name+offset` of every frame of the kernel stack, innermost first. */
export function kernelFrames(m: Machine): string[] {
  const out = m.arena.allocate(512);
  const count = m.kernelStack(out, 64, 0);
  const frames: string[] = [];
  for (let i = 0; i < count; i += 1) {
    const at = (out >> 2) + 2 * i;
    const symbol = m.kernelSymbol(m.words[at]!, m.words[at + 1]!);
    frames.push(symbol === undefined ? '?' : `${symbol.name}+${symbol.offset}`);
  }
  m.arena.free(out, 512);
  return frames;
}
/** Their names only. */
export function kernelFunctions(m: Machine): string[] {
  return kernelFrames(m).map((frame) => frame.slice(0, frame.indexOf('+')));
}

/** Offset of a field in a tracepoint's record. */
export function fieldOffset(event: string, field: string): number {
  const [category, name] = event.split(':');
  const found = tracepointFormat(category!, name!)?.fields.find((candidate) => candidate.name === field);
  if (found === undefined) throw new Error(`${event} has no field ${field}`);
  return found.offset;
}
