import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { runArguments } from '../run-case.ts';

const README = readFileSync('README.md', 'utf8');

/** Each `$ tsbpftrace ...` of README's blocks, with what stands below it. */
const samples = [...README.matchAll(/^```\n(\$ tsbpftrace [^]*?)^```$/gm)].flatMap(([, block]) =>
  block!
    .split(/^\$ tsbpftrace /m)
    .slice(1)
    .map((sample): [string, string] => {
      const end = sample.indexOf('\n');
      return [sample.slice(0, end), sample.slice(end + 1)];
    }),
);

/** As a shell takes a line apart that has single quotes and nothing else. */
const words = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!);

test('README has samples', () => expect(samples.length).toBeGreaterThan(4));

test.each(samples)('README shows what this prints: tsbpftrace %s', async (line, shown) => {
  const { stdout, stderr } = await runArguments(words(line));
  // Blank lines around maps are left out at the end.
  expect(shown.trimEnd()).toBe(`${stderr}${stdout}`.trimEnd());
});
