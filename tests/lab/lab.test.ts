import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runArguments } from '../run-case.ts';

const CASES = join(import.meta.dirname, '..', 'cases', 'lab');
const scripts = readdirSync(CASES).filter((name) => name.endsWith('.lab'));

/** Each runs seconds of a busy machine. */
const SLOWEST_MS = 180_000;

/** `# lab: --scenario interrupts` on the first line. */
function optionsOf(path: string): readonly string[] {
  const match = /^# lab: (.*)\n/.exec(readFileSync(path, 'utf8'));
  return match === null ? [] : match[1]!.trim().split(/\s+/);
}

describe('transcripts of the lab', () => {
  test.each(scripts)(
    '%s',
    async (name) => {
      const path = join(CASES, name);
      const { stdout, stderr } = await runArguments(['lab', '--echo', ...optionsOf(path), path], {}, CASES);
      expect(stderr).toBe('');
      await expect(stdout).toMatchFileSnapshot(path.replace(/\.lab$/, '.out'));
    },
    SLOWEST_MS,
  );
});
