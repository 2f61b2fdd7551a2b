import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runCase } from './run-case.ts';

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

async function agreement(name: string): Promise<{ readonly got: unknown; readonly recorded: unknown }> {
  const base = join(ROOT, name);
  const recorded = {
    stdout: readFileSync(`${base}.out`, 'utf8'),
    stderr: readFileSync(`${base}.err`, 'utf8'),
    exitCode: existsSync(`${base}.rc`) ? Number(readFileSync(`${base}.rc`, 'utf8')) : 0,
  };
  return { got: await runCase(`${base}.bt`, []), recorded };
}

describe.each(areas)('recorded: %s', (area) => {
  const names = casesOf(area).map((name) => `${area}/${name}`);
  test.each(names.filter((name) => !differences.has(name)))('%s prints what bpftrace printed', async (name) => {
    const { got, recorded } = await agreement(name);
    expect(got).toEqual(recorded);
  });
});

test('a case that agrees is not listed as different', async () => {
  const agreeing: string[] = [];
  for (const name of differences) {
    const { got, recorded } = await agreement(name);
    if (JSON.stringify(got) === JSON.stringify(recorded)) agreeing.push(name);
  }
  expect(agreeing).toEqual([]);
});

test('every listed difference is a case', () => {
  const names = new Set(areas.flatMap((area) => casesOf(area).map((name) => `${area}/${name}`)));
  expect([...differences].filter((name) => !names.has(name))).toEqual([]);
});
