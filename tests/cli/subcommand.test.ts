import { describe, expect, test } from 'vitest';
import { parseGolden } from '../../src/cli/golden/options.ts';
import { parseLab } from '../../src/cli/lab-options.ts';
import { parseRepl } from '../../src/cli/repl/options.ts';

const PARSERS = { lab: parseLab, repl: parseRepl, golden: parseGolden };

function parse(name: keyof typeof PARSERS, line: string): { readonly outcome: unknown; readonly printed: string } {
  let printed = '';
  const print = (text: string): void => void (printed += text);
  const outcome = PARSERS[name](line.split(' ').filter(Boolean), { stdout: print, stderr: print });
  return { outcome, printed };
}

describe('arguments of sub-commands', () => {
  test.each([
    ['lab', '--seed x', "option '--seed <n>' argument 'x' is invalid. It must be a whole number from 0 to 4294967295."],
    ['lab', '--cpus 0', "option '--cpus <n>' argument '0' is invalid. It must be a whole number from 1 to 64."],
    ['repl', '--cpus 65', "option '--cpus <n>' argument '65' is invalid. It must be a whole number from 1 to 64."],
    ['repl', '--jit fast', "argument 'fast' is invalid. Allowed choices are"],
    ['repl', 'script.bt', 'too many arguments. Expected 0 arguments but got 1.'],
    ['lab', 'one two', 'too many arguments'],
    ['golden', '-j none', "argument 'none' is invalid. It must be a number from 1 on."],
  ] as const)('a mistake is worded as bpftrace words its own, and help is named: %s %s', (name, line, message) => {
    const { outcome, printed } = parse(name, line);
    expect(outcome).toEqual({ kind: 'done', exitCode: 1 });
    expect(printed).toContain(message);
    expect(printed).toMatch(/^ERROR: USAGE: /);
    expect(printed).toContain(`Try 'tsbpftrace ${name} --help'.`);
  });

  test('what is not said has its default, and what is said is read', () => {
    expect(parse('lab', '--seed 7 --echo script').outcome).toEqual({
      kind: 'run',
      config: { command: undefined, scenario: 'server', seed: 7, cpus: undefined, arch: undefined, echo: true },
      operands: ['script'],
    });
  });

  test.each(['lab', 'repl', 'golden'] as const)('help of %s is printed on demand', (name) => {
    const { outcome, printed } = parse(name, '--help');
    expect(outcome).toEqual({ kind: 'done', exitCode: 0 });
    expect(printed).toContain(`Usage: tsbpftrace ${name} [options]`);
  });
});
