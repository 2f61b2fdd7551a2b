import { COMMON_SIZE } from './event.ts';
import { PRINT_EVENT } from './ftrace-events.ts';
import type { TraceArray } from './trace-array.ts';

/** Leaves a line of text in the trace buffer: what trace_marker is written and what BPF programs print. */
export function printText(array: TraceArray, title: string, text: string): void {
  const line = text.replace(/\n$/, '');
  const data = new Uint8Array(COMMON_SIZE + 8 + line.length + 1);
  for (let i = 0; i < line.length; i += 1) data[COMMON_SIZE + 8 + i] = line.charCodeAt(i);
  if (!array.isOn) return;
  const format = { format: '%s', args: [{ kind: 'text', value: line }] } as const;
  array.commit({ ...PRINT_EVENT, print: line, format, title }, data);
}
