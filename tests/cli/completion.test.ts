import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { COMPLETIONS } from '../../src/cli/completion.ts';
import { manualPage } from '../../src/cli/manual.ts';
import { OPTIONS, type OptionRow } from '../../src/cli/options.ts';
import { runArguments } from '../run-case.ts';

const shells = Object.keys(COMPLETIONS) as (keyof typeof COMPLETIONS)[];
const longNames = Object.values<OptionRow>(OPTIONS).flatMap(({ long, help }) =>
  long === undefined || help === undefined ? [] : [long],
);

test.each(shells)('%s completes every option', (shell) => {
  const script = COMPLETIONS[shell]();
  expect(longNames.filter((name) => !new RegExp(`(?:--|-l )${name}\\b`).test(script))).toEqual([]);
});

test.each(shells)('completion %s prints the script', async (shell) => {
  expect(await runArguments(['completion', shell])).toEqual({ stdout: COMPLETIONS[shell](), stderr: '', exitCode: 0 });
});

test('an unknown shell is a mistake', async () => {
  expect(await runArguments(['completion', 'tcsh'])).toEqual({
    stdout: '',
    stderr: 'ERROR: USAGE: tsbpftrace completion bash|zsh|fish\n',
    exitCode: 1,
  });
});

/** What bash offers behind these words; the last one is being typed. */
function complete(...words: string[]): string[] {
  const script = `${COMPLETIONS.bash()}
COMP_WORDS=(tsbpftrace ${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}; _tsbpftrace; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return spawnSync('bash', ['--norc', '-c', script], { encoding: 'utf8' }).stdout.split('\n').filter(Boolean).sort();
}

test.each<[string, string[], string[]]>([
  ['options by their beginning', ['--no'], ['--no-feature', '--no-warnings']],
  ['values of an option', ['-f', ''], ['json', 'text']],
  ['stages', ['-d', 'b'], ['bytecode']],
  ['subcommands', ['gol'], ['golden']],
  ['options of a subcommand', ['golden', '--re'], ['--reporter']],
  ['values of its options', ['golden', '--reporter', 'j'], ['junit']],
  ['what bpf does', ['bpf', ''], ['asm', 'dis', 'run', 'verify']],
  ['options of bpf', ['bpf', 'run', '--mem'], ['--mem', '--mem-file']],
  ['shells', ['completion', 'z'], ['zsh']],
])('bash completes %s', (_, words, offered) => {
  expect(complete(...words)).toEqual(offered);
});

test('the manual page in docs is the one that the option rows make', () => {
  expect(readFileSync(join(import.meta.dirname, '../../docs/tsbpftrace.1'), 'utf8')).toBe(manualPage());
});
