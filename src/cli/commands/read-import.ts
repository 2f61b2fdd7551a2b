import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { CompileInput } from '../../pipeline/compile.ts';
import { reason } from './script.ts';

const WRITABLE_BY_OTHERS = 0o002;

type Entry = ReturnType<NonNullable<CompileInput['readImport']>>;

/** What an `import` finds at a path of this computer; undefined when there is nothing. */
export function readImport(path: string): Entry {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) return undefined;
  const worldWritable = ((status.mode | statSync(dirname(path)).mode) & WRITABLE_BY_OTHERS) !== 0;
  return {
    worldWritable,
    ...(status.isDirectory() ? { entries: readdirSync(path) } : {}),
    read: () => {
      try {
        return { text: readFileSync(path, 'utf8') };
      } catch (error) {
        return { problem: reason(error) };
      }
    },
  };
}
