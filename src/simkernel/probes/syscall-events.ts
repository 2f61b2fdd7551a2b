import { storeCommonFields, storeRawArguments } from '../tracepoints/fire.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { storeNumber } from '../memory/arena.ts';
import { tracepointFormat } from '../tracepoint-formats.ts';
import { syscallByNumber } from '../syscalls.ts';
import type { Handler } from './handler.ts';
import { runHandlers } from './handler.ts';

/**
 * Who listens to system calls: raw_syscalls:* for all, syscalls:sys_enter_NAME by number. Both are fed from the same two
 * places in do_syscall_64, as in Linux.
 */
export interface SyscallEvents {
  enterUsers: number;
  exitUsers: number;
  enter: readonly Handler[];
  exit: readonly Handler[];
  rawEnter: readonly Handler[];
  rawExit: readonly Handler[];
  readonly enterByNumber: Map<number, readonly Handler[]>;
  readonly exitByNumber: Map<number, readonly Handler[]>;
}
export function createSyscallEvents(): SyscallEvents {
  return {
    enterUsers: 0,
    exitUsers: 0,
    enter: [],
    exit: [],
    rawEnter: [],
    rawExit: [],
    enterByNumber: new Map(),
    exitByNumber: new Map(),
  };
}

const ids = new Map<string, number>();
function formatId(category: string, name: string): number {
  const key = `${category}:${name}`;
  let id = ids.get(key);
  if (id === undefined) ids.set(key, (id = tracepointFormat(category, name)?.id ?? 0));
  return id;
}

/** As user space of this architecture numbers it. */
const ownNumber = (m: Machine, nr: number): number => m.arch.systemCallNumber(nr) ?? nr;

/** Records share one layout: number at 8, arguments (or the result) of 8 bytes each from 16 on. */
function startRecord(m: Machine, category: string, name: string, nr: number): number {
  const at = m.tracepointBuffers.record;
  storeCommonFields(m, at, formatId(category, name));
  storeNumber(m.words, at + 8, ownNumber(m, nr));
  return at;
}
function storeArguments(m: Machine, at: number, regs: number): void {
  const { words, abi } = m;
  const registers = abi.systemCallArguments;
  for (let i = 0; i < registers.length; i += 1) {
    words[(at >> 2) + 4 + 2 * i] = words[(regs + registers[i]!) >> 2]!;
    words[(at >> 2) + 5 + 2 * i] = words[((regs + registers[i]!) >> 2) + 1]!;
  }
}

export function fireSyscallEnter(m: Machine, regs: KernelObject, nr: number): void {
  const events = m.syscallEvents;
  m.traceHere();
  if (events.rawEnter.length > 0) runHandlers(m, events.rawEnter, storeRawArguments(m, [regs, ownNumber(m, nr)]));
  if (events.enter.length > 0) {
    const at = startRecord(m, 'raw_syscalls', 'sys_enter', nr);
    storeArguments(m, at, regs.address);
    runHandlers(m, events.enter, at);
  }
  const handlers = events.enterByNumber.get(nr);
  if (handlers !== undefined && handlers.length > 0) {
    const at = startRecord(m, 'syscalls', `sys_enter_${syscallByNumber(nr)?.entry ?? ''}`, nr);
    storeArguments(m, at, regs.address);
    runHandlers(m, handlers, at);
  }
}

export function fireSyscallExit(m: Machine, regs: KernelObject, nr: number, ret: number): void {
  const events = m.syscallEvents;
  m.traceHere();
  if (events.rawExit.length > 0) runHandlers(m, events.rawExit, storeRawArguments(m, [regs, ret]));
  if (events.exit.length > 0) {
    const at = startRecord(m, 'raw_syscalls', 'sys_exit', nr);
    storeNumber(m.words, at + 16, ret);
    runHandlers(m, events.exit, at);
  }
  const handlers = events.exitByNumber.get(nr);
  if (handlers !== undefined && handlers.length > 0) {
    const at = startRecord(m, 'syscalls', `sys_exit_${syscallByNumber(nr)?.entry ?? ''}`, nr);
    storeNumber(m.words, at + 16, ret);
    runHandlers(m, handlers, at);
  }
}
