import type { Machine } from '../machine.ts';
import { storeWord } from '../memory/arena.ts';
import type { Arena, Word } from '../memory/arena.ts';
import type { Handler } from '../probes/handler.ts';
import { runHandlers } from '../probes/handler.ts';
import { hashText } from '../time/random.ts';
import { recordFields } from './tracepoint.ts';
import type { TracepointRow } from './tracepoint.ts';

const RECORD_SIZE = 8192;
const RAW_SIZE = 256;

/** Who listens to a tracepoint, and the function that builds its record once somebody wanted one. */
export interface TracepointHandlers {
  record: readonly Handler[];
  raw: readonly Handler[];
  builder: ((args: readonly Word[]) => void) | null;
}

/** Guest memory in which the record and the raw arguments of the event under way lie. */
export interface TracepointBuffers {
  readonly record: number;
  readonly raw: number;
}
export function allocateTracepointBuffers(arena: Arena): TracepointBuffers {
  return { record: arena.allocate(RECORD_SIZE, 64), raw: arena.allocate(RAW_SIZE, 64) };
}

export function fireTracepoint(m: Machine, row: TracepointRow, args: readonly Word[]): void {
  const handlers = m.tracepointHandlers.get(row.index);
  if (handlers === undefined) return;
  m.traceHere((hashText(row.name) >>> 4) & 15);
  if (handlers.raw.length > 0) runHandlers(m, handlers.raw, storeRawArguments(m, args));
  if (handlers.record.length > 0) {
    handlers.builder ??= recordBuilder(m, row);
    handlers.builder(args);
    runHandlers(m, handlers.record, m.tracepointBuffers.record);
  }
}

/** The u64 arguments that a raw tracepoint's handler gets. */
export function storeRawArguments(m: Machine, args: readonly Word[]): number {
  const { raw } = m.tracepointBuffers;
  for (let i = 0; i < args.length; i += 1) storeWord(m.words, raw + 8 * i, args[i]);
  return raw;
}

/** struct trace_entry: what every record starts with. */
export function storeCommonFields(m: Machine, at: number, id: number): void {
  const { view } = m.arena;
  view.setUint16(at, id, true);
  view.setUint8(at + 2, m.cpu.interruptsEnabled ? 0 : 1);
  view.setUint8(at + 3, 0);
  view.setInt32(at + 4, m.cpu.current.pid, true);
}

function recordBuilder(m: Machine, row: TracepointRow): (args: readonly Word[]) => void {
  const { record } = m.tracepointBuffers;
  const { fields, id, restart } = recordFields(m, row.category, row.name, record);
  const fill = row.record(fields, m) as (...args: readonly Word[]) => void;
  return (args) => {
    restart();
    storeCommonFields(m, record, id);
    fill(...args);
  };
}
