import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { storeWord } from '../memory/arena.ts';
import type { Task } from '../tasks/task.ts';
import type { Attachment } from './attach.ts';
import type { Handler } from './handler.ts';

/** What one call of an iterator's program is about: the words behind the `meta` pointer of its context. */
type Row = readonly (KernelObject | number | null)[];

const INIT = 1;
const META_SIZE = 32;
/** struct seq_file. */
const SEQUENCE_SIZE = 128;
const CONTEXT_SIZE = 64;

function* tasks(m: Machine): Generator<Row> {
  for (const task of byPid(m)) yield [task];
}
function* taskFiles(m: Machine): Generator<Row> {
  for (const task of byPid(m)) {
    for (const [fd, file] of (task.process?.files.files ?? []).entries()) if (file !== null) yield [task, fd, file];
  }
}
function* taskMappings(m: Machine): Generator<Row> {
  for (const task of byPid(m)) {
    const mm = task.process?.mm;
    const mappings = [...(mm?.mappings ?? [])].sort((a, b) => a.start - b.start);
    for (const mapping of mappings) yield [task, mm!.vmaOf(mapping)];
  }
}
function byPid(m: Machine): readonly Task[] {
  return [...m.tasks.values()].sort((a, b) => a.pid - b.pid);
}

/** kernel/bpf/task_iter.c: the iterators, and how many words of the context each has. */
const ITERATORS: Readonly<Record<string, { readonly words: number; readonly rows: (m: Machine) => Generator<Row> }>> = {
  task: { words: 1, rows: tasks },
  task_file: { words: 3, rows: taskFiles },
  task_vma: { words: 2, rows: taskMappings },
};

function hasIterator(name: string): boolean {
  return Object.hasOwn(ITERATORS, name);
}

export interface IteratorTarget {
  readonly kind: 'iter';
  readonly name: string;
  /** Takes what programs write to the file that is read. */
  readonly write: (text: Uint8Array) => void;
}

/** Reads an iterator to its end: the program runs for every element, and once more with nothing. */
export function attachIterator(m: Machine, { name, write }: IteratorTarget, handler: Handler): Attachment {
  const iterator = hasIterator(name) ? ITERATORS[name] : undefined;
  if (iterator === undefined) return { ok: false, errno: 'EINVAL', reason: `no iterator ${name}` };
  const context = m.arena.allocate(CONTEXT_SIZE, 64);
  const meta = m.arena.allocate(META_SIZE, 64);
  const sequence = m.arena.allocate(SEQUENCE_SIZE, 64);
  storeWord(m.words, meta, { address: sequence });
  m.sequences.set(sequence, write);
  const run = (row: Row): void => {
    storeWord(m.words, context, { address: meta });
    row.forEach((word, i) => storeWord(m.words, context + 8 * (i + 1), word));
    handler(context);
  };
  // There are processes once somebody has asked for one.
  m.hasProcess(INIT);
  m.asTracer(() => {
    for (const row of iterator.rows(m)) run(row);
    run(new Array<null>(iterator.words).fill(null));
  });
  m.sequences.delete(sequence);
  return { ok: true, detach: () => undefined };
}
