import { expect, test } from 'vitest';
import { readArguments } from '../../src/cli/getopt.ts';

const OPTIONS = [
  { short: 'l', long: 'list', takesValue: false },
  { short: 'v', long: 'verbose', takesValue: false },
  { short: 'o', long: 'output', takesValue: true },
  { short: 'e', takesValue: true },
  { long: 'no-warnings', takesValue: false },
  { long: 'no-feature', takesValue: true },
] as const;

/** The arguments as words: options as name or name=value, mistakes behind `!`. */
function read(...args: string[]): string[] {
  return [...readArguments(args, OPTIONS)].map((argument) => {
    if (argument.kind === 'operand') return argument.value;
    if (argument.kind === 'mistake') return `! ${argument.message}`;
    const { short, long } = argument.option as { short?: string; long?: string };
    return `-${long ?? short}${argument.option.takesValue ? `=${argument.value}` : ''}`;
  });
}

test.each<[string, string[], string[]]>([
  ['short options stand together', ['-lv'], ['-list', '-verbose']],
  ['a value may follow its letter', ['-ofile', '-vo', 'file'], ['-output=file', '-verbose', '-output=file']],
  ['a value may follow an equals sign', ['--output=a=b', '--output='], ['-output=a=b', '-output=']],
  ['a value may look like an option', ['-e', '-l', '--output', '--'], ['-e=-l', '-output=--']],
  ['options may follow operands', ['file', '-l', '-'], ['file', '-list', '-']],
  ['behind -- all are operands', ['file', '--', '-l', '--name=value'], ['file', '-l', '--name=value']],
  ['the beginning of a long option is enough', ['--verb', '--out=x'], ['-verbose', '-output=x']],
  ['an unknown long option', ['--nope=1'], ["! unrecognized option '--nope=1'"]],
  ['an unknown letter', ['-lZ'], ['-list', "! invalid option -- 'Z'"]],
  ['a beginning of several', ['--no'], ["! option '--no' is ambiguous; possibilities: '--no-warnings' '--no-feature'"]],
  ['a value where none belongs', ['--list=x'], ["! option '--list' doesn't allow an argument"]],
  ['a missing value', ['--output'], ["! option '--output' requires an argument"]],
  ['a missing value of a letter', ['-ve'], ['-verbose', "! option requires an argument -- 'e'"]],
])('%s', (_, args, words) => {
  expect(read(...args)).toEqual(words);
});
