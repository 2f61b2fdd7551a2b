import type { Machine } from '../machine.ts';
import { attach } from '../probes/attach.ts';
import { fieldsByName, tracepointEvent } from './event.ts';
import { fieldValue } from './print-format.ts';

const MOST_READ = 128;
/** A number of the record that a tracepoint would leave. */
export type FieldReader = (field: string) => number;

/** Tells of each hit of a tracepoint until what it returns is called. */
export function onTracepoint(
  m: Machine,
  category: string,
  name: string,
  hit: (field: FieldReader) => void,
): () => void {
  const fields = fieldsByName(tracepointEvent(category, name)!);
  const attached = attach(m, { kind: 'tracepoint', category, name }, (at) => {
    const data = m.arena.bytes.subarray(at, at + MOST_READ);
    hit((field) => Number(fieldValue({ machine: m, data, fields }, field)));
  });
  return () => attached.ok && attached.detach();
}
