import type { Program } from '../abi/program-image.ts';
import type { Insn } from '../isa/instruction.ts';
import { badObject, demand } from './bad-object.ts';
import type { FunctionPlace, ObjectFunction } from './read-functions.ts';

/** A program of an object, with the functions that it calls behind it. */
export interface LinkedProgram extends Pick<Program, 'name' | 'insns' | 'relocations' | 'functions' | 'lines'> {
  /** What the object says of its type and attach point: `kprobe/vfs_read`. */
  readonly section: string;
  /** Why it cannot be judged: what one of its functions refers to is not there. */
  readonly problem?: string;
}

/** Finds the function that starts at a place. */
export type FindFunction = (place: FunctionPlace) => ObjectFunction | undefined;

/** Functions by where they start. */
export function indexFunctions(functions: readonly ObjectFunction[]): FindFunction {
  const key = ({ section, start }: FunctionPlace): string => `${section}:${start}`;
  const byPlace = new Map(functions.map((fn) => [key(fn.place), fn]));
  return (place) => byPlace.get(key(place));
}

/** Puts the functions that a program reaches behind it, in the order in which they are first named, and fills in the distances. */
export function linkProgram(main: ObjectFunction, find: FindFunction, room: number): LinkedProgram {
  const starts = new Map<ObjectFunction, number>([[main, 0]]);
  const callee = (fn: ObjectFunction, slot: number, place: FunctionPlace): ObjectFunction =>
    find(place) ?? badObject(`instruction ${slot} of ${fn.name} names a function where none starts`);
  let size = 0;
  // A map's iteration goes on to what is added meanwhile.
  for (const fn of starts.keys()) {
    starts.set(fn, size);
    size += fn.insns.length;
    demand(size <= room, `${main.name} and the programs in front of it have more instructions than the kernel takes`);
    for (const { slot, place } of fn.calls) {
      const to = callee(fn, slot, place);
      if (!starts.has(to)) starts.set(to, 0);
    }
  }
  const order = [...starts];
  const insns: Insn[] = order.flatMap(([fn]) => fn.insns);
  for (const [fn, start] of order) {
    for (const { slot: own, place } of fn.calls) {
      const slot = start + own;
      insns[slot] = { ...insns[slot]!, imm: starts.get(callee(fn, own, place))! - slot - 1 };
    }
  }
  const shifted = <T extends { readonly slot: number }>(rows: readonly T[], start: number): T[] =>
    rows.map((row) => ({ ...row, slot: row.slot + start }));
  const problem = order.find(([fn]) => fn.problem !== undefined)?.[0].problem;
  return {
    ...(problem === undefined ? {} : { problem }),
    name: main.name,
    section: main.section,
    insns,
    relocations: order.flatMap(([fn, start]) => shifted(fn.maps, start)),
    functions: order.map(([fn, slot]) => ({ slot, name: fn.name })),
    lines: order.flatMap(([fn, start]) => shifted(fn.lines, start)),
  };
}
