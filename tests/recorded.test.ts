import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commandOf, readExpected } from '../src/cli/golden/case.ts';
import { compareCase, type Difference } from '../src/cli/golden/compare.ts';
import { capture } from '../src/cli/golden/run-case.ts';
import { runCli } from '../src/cli/run-cli.ts';

/** Scripts with what real bpftrace 0.27.1 printed. */
const ROOT = join(import.meta.dirname, 'cases', 'bpftrace');
const differences = new Set(
  readFileSync(join(ROOT, 'differences.txt'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#')),
);
const areas = readdirSync(ROOT, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);
const casesOf = (area: string): string[] =>
  readdirSync(join(ROOT, area))
    .filter((name) => name.endsWith('.bt'))
    .map((name) => name.slice(0, -'.bt'.length));

/** How a run differs from the record, stream by stream. */
async function differencesOf(name: string): Promise<readonly Difference[]> {
  const base = join(ROOT, name);
  const found = { name, script: `${base}.bt`, base };
  return compareCase(readExpected(found), await capture(runCli, commandOf(found)));
}

describe.each(areas)('recorded: %s', (area) => {
  const names = casesOf(area).map((name) => `${area}/${name}`);
  test.each(names.filter((name) => !differences.has(name)))('%s prints what bpftrace printed', async (name) => {
    expect(await differencesOf(name)).toEqual([]);
  });
});

test('a case that agrees is not listed as different', async () => {
  const agreeing: string[] = [];
  for (const name of differences) {
    if ((await differencesOf(name)).length === 0) agreeing.push(name);
  }
  expect(agreeing).toEqual([]);
});

test('every listed difference is a case', () => {
  const names = new Set(areas.flatMap((area) => casesOf(area).map((name) => `${area}/${name}`)));
  expect([...differences].filter((name) => !names.has(name))).toEqual([]);
});
