import type { Node } from 'yaml';
import type { IoLimits } from '../../simkernel/block/io-groups.ts';
import type { ContainerSpec } from '../../simkernel/scenarios/scenario.ts';
import { hashText } from '../../simkernel/time/random.ts';
import { files, fileSpecs } from './files.ts';
import { size } from './quantities.ts';
import { absolutePath, complain, listOf, optional, record, required, text, wholeNumber } from './schema.ts';
import type { Reading, Shape } from './schema.ts';

/** A word, and where it stands: names that others must know or must not have. */
interface Word {
  readonly word: string;
  readonly node: Node;
}
/** What a container may be called. */
export const containerName: Shape<Word> = (node, reading) => {
  const word = text(node, reading);
  if (word === undefined) return undefined;
  return /^[\w.-]+$/.test(word)
    ? { word, node }
    : complain(node, reading, `'${word}' is no name of a container`, 'letters, digits, "_", "." and "-"');
};

/** Commands a second, at most. */
const MOST_OPERATIONS = 10_000_000;

const container = record('a container', {
  name: required(containerName),
  image: optional(text),
  directories: optional(listOf(absolutePath, 'paths')),
  files: optional(files),
  'read-limit': optional(size),
  'write-limit': optional(size),
  reads: optional(wholeNumber(1, MOST_OPERATIONS)),
  writes: optional(wholeNumber(1, MOST_OPERATIONS)),
});
export const containers = listOf(container, 'containers');
type Row = Exclude<ReturnType<typeof containers>, undefined>[number];

/** Container runtimes number what they start; here the number is made of the name, so that it is the same in every run. */
export function containerId(name: string): string {
  return Array.from({ length: ID_WORDS }, (_, i) =>
    (hashText(name, i + 1) >>> 0).toString(16).padStart(ID_CHARACTERS / ID_WORDS, '0'),
  ).join('');
}
const ID_CHARACTERS = 64;
const ID_WORDS = 8;

function limitsOf({ 'read-limit': read, 'write-limit': write, reads, writes }: Row): IoLimits {
  return {
    ...(read === undefined ? {} : { readBytesPerSecond: read }),
    ...(write === undefined ? {} : { writeBytesPerSecond: write }),
    ...(reads === undefined ? {} : { readsPerSecond: reads }),
    ...(writes === undefined ? {} : { writesPerSecond: writes }),
  };
}

/** The containers of a file; two of one name are a mistake. */
export function containerSpecs(rows: readonly Row[], reading: Reading): readonly ContainerSpec[] {
  const known = new Set<string>();
  for (const { name } of rows) {
    if (known.has(name.word)) complain(name.node, reading, `there is another container '${name.word}'`);
    known.add(name.word);
  }
  return rows.map((row) => {
    return {
      id: containerId(row.name.word),
      image: row.image ?? row.name.word,
      directories: row.directories ?? [],
      files: fileSpecs(row.files ?? []),
      io: limitsOf(row),
    };
  });
}

/** The id of the container that a process says it runs in. */
export function containerOf(rows: readonly Row[], { word, node }: Word, reading: Reading): string | undefined {
  if (rows.some(({ name }) => name.word === word)) return containerId(word);
  const names = rows.map(({ name }) => name.word);
  const hint = names.length === 0 ? "the file has no 'containers'" : `known: ${names.join(', ')}`;
  return complain(node, reading, `there is no container '${word}'`, hint);
}
