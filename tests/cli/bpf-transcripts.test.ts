import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runArguments } from '../run-case.ts';

/** NAME.commands holds command lines, one a line; NAME.txt what a terminal shows of them, one after the other in one folder. */
const transcripts = join(import.meta.dirname, 'transcripts');
const folder = mkdtempSync(join(tmpdir(), 'tsbpftrace-transcript-'));
afterAll(() => rmSync(folder, { recursive: true }));
cpSync(join(import.meta.dirname, '../../examples/bpf'), folder, { recursive: true });

/** Words, with single quotes around spaces. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2]!);

async function play(line: string): Promise<string> {
  const { stdout, stderr, exitCode } = await runArguments(wordsOf(line), {}, folder);
  return `$ tsbpftrace ${line}\n${stdout}${stderr}${exitCode === 0 ? '' : `[exit ${exitCode}]\n`}`;
}

const names = readdirSync(transcripts).flatMap((file) => /^(.*)\.commands$/.exec(file)?.[1] ?? []);

test.each(names)('%s: the commands print what was recorded', async (name) => {
  const lines = readFileSync(join(transcripts, `${name}.commands`), 'utf8')
    .trim()
    .split('\n');
  const played: string[] = [];
  for (const line of lines) played.push(await play(line));
  await expect(played.join('\n')).toMatchFileSnapshot(join(transcripts, `${name}.txt`));
});

test('every transcript has its commands', () => {
  const recorded = readdirSync(transcripts).filter((file) => file.endsWith('.txt'));
  expect(recorded.sort()).toEqual(names.map((name) => `${name}.txt`).sort());
});
