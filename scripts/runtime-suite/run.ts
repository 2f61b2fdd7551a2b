import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { runCli } from '../../src/cli/run-cli.ts';
import type { CliHost } from '../../src/cli/host.ts';
import type { Outcome } from './check.ts';
import type { SuiteTest } from './parse.ts';
import { AFTER_SHELL, beforePid, scenarioFor } from './programs.ts';

export interface Place {
  /** The checkout's tests folder. */
  readonly directory: string;
  /** The built command, for lines that need a shell. */
  readonly command: string;
}

/** Words of a shell line without anything that only a shell can do; undefined if there is. */
function simpleWords(line: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let i = 0; i < line.length; i++) {
    const c = line[i]!;
    if (quote === "'") {
      if (c === "'") quote = '';
      else word += c;
    } else if (quote === '"') {
      if (c === '"') quote = '';
      else if (c === '\\' && '"\\$`'.includes(line[i + 1] ?? '')) word += line[++i]!;
      else if (c === '$' || c === '`') return undefined;
      else word += c;
    } else if (c === "'" || c === '"') {
      quote = c;
      word ??= '';
    } else if (/\s/.test(c)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (c === '\\') word = (word ?? '') + (line[++i] ?? '');
    else if (/[$`|&;<>()*?[#~]/.test(c)) return undefined;
    else word = (word ?? '') + c;
  }
  if (word !== undefined) words.push(word);
  return words;
}

/** Bytes that are no UTF-8 as Python's backslashreplace shows them. */
function decode(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  if (!text.includes('\ufffd')) return text;
  return [...bytes.toString('latin1')]
    .map((c) => (c.charCodeAt(0) < 0x80 ? c : `\\x${c.charCodeAt(0).toString(16)}`))
    .join('');
}

const BPFTRACE = '{{BPFTRACE}}';
const BEFORE_PID = '{{BEFORE_PID}}';

/** Options of ours for every run: as long as the test may take. */
const lengthOptions = ({ timeoutSeconds }: SuiteTest): string[] => ['--duration', `${timeoutSeconds}s`];

/** `| grep -e PATTERN` behind the one command of a line. */
const GREP = /\s\| grep -e '([^']*)'$/;
function grepOf({ command: { kind, text } }: SuiteTest): RegExp | undefined {
  const match = kind === 'run' ? GREP.exec(text) : null;
  return match === null ? undefined : new RegExp(match[1]!);
}

const KALLSYMS = /\$\(awk '\$3 == "(\w+)" \{print \$1\}' \/proc\/kallsyms\)/g;
/** Addresses that a line looks up in the kernel's symbols: of the machine, not of the host. */
async function withAddresses(text: string): Promise<string> {
  let result = text;
  for (const [lookup, name] of text.matchAll(KALLSYMS)) {
    const chunks: Buffer[] = [];
    await runCli(['-q', '--scenario', 'idle', '-e', `begin { printf("%lx", kaddr("${name}")); }`], {
      ...QUIET_HOST,
      stdout: (bytes) => chunks.push(Buffer.from(bytes)),
    });
    result = result.replaceAll(lookup, Buffer.concat(chunks).toString().trim());
  }
  return result;
}

/** PIDs as the test means them: of the program before it, or found by its name. */
function withPids(text: string, befores: readonly string[]): string {
  return text.replaceAll(BEFORE_PID, String(beforePid(0))).replace(/\$\(pidof (\w+)\)/g, (whole, name: string) => {
    const index = befores.findIndex((line) => line.split(' ')[0]?.endsWith(`/${name}`));
    return index < 0 ? whole : String(beforePid(index));
  });
}

/** The arguments of a test whose line needs no shell. */
function argumentsOf({ command: { kind, text }, expectations, befores }: SuiteTest): readonly string[] | undefined {
  if (kind === 'prog') return [...(expectations[0]?.kind === 'json' ? ['-q', '-f', 'json'] : []), '-e', text];
  const words = simpleWords(withPids(text, befores).replace(GREP, '').replaceAll(BPFTRACE, '@'));
  return words?.[0] === '@' && !words.includes('@', 1) ? words.slice(1) : undefined;
}

/** Such tests may share files in /tmp, so they run one after the other. */
export const needsShell = (test: SuiteTest): boolean => argumentsOf(test) === undefined;

/** Runs a test in this process, or through a shell if its line needs one. */
export async function runTest(given: SuiteTest, place: Place): Promise<Outcome> {
  const { kind, text } = given.command;
  const test: SuiteTest = { ...given, command: { kind, text: kind === 'run' ? await withAddresses(text) : text } };
  const args = argumentsOf(test);
  if (args !== undefined) return runHere(test, args, place);
  return runInShell(test, test.command.text.replaceAll(BEFORE_PID, String(beforePid(0))), place);
}

const NOTHING = (): void => undefined;
const QUIET_HOST: CliHost = {
  stdout: NOTHING,
  stderr: NOTHING,
  env: {},
  directory: '/',
  isTerminal: false,
  onInterrupt: NOTHING,
  onUserSignal: NOTHING,
  stdin: () => '',
  stdinChunks: () => {
    throw new Error('a test reads standard input');
  },
};

async function runHere(test: SuiteTest, args: readonly string[], { directory }: Place): Promise<Outcome> {
  const chunks: Buffer[] = [];
  let attachedAt: number | undefined;
  const signals = { interrupt: NOTHING, user: NOTHING };
  const exitCode = await runCli([...lengthOptions(test), ...args], {
    stdout: (bytes) => chunks.push(Buffer.from(bytes)),
    stderr: (bytes) => chunks.push(Buffer.from(bytes)),
    env: { ...test.env, test: test.name, PATH: process.env['PATH'] },
    directory,
    scenario: scenarioFor(test.befores, test.after, {
      interrupt: () => signals.interrupt(),
      user: () => signals.user(),
    }),
    isTerminal: false,
    onAttached(machine) {
      attachedAt = chunks.length;
      if (test.after === undefined) return;
      const shell = machine.spawn([AFTER_SHELL]);
      if (typeof shell === 'object') shell.start();
    },
    onInterrupt: (handler) => (signals.interrupt = handler),
    onUserSignal: (handler) => (signals.user = handler),
    stdin: () => '',
    stdinChunks: () => {
      throw new Error('a test reads standard input');
    },
  });
  const wanted = grepOf(test);
  const filter = (text: string): string =>
    wanted === undefined
      ? text
      : text
          .split('\n')
          .filter((line) => wanted.test(line))
          .join('\n');
  const output = filter(decode(Buffer.concat(chunks)));
  const attachedOutput = filter(decode(Buffer.concat(chunks.slice(attachedAt ?? 0))));
  return { output, attachedOutput, exitCode, ended: true };
}

const SHELL_TIMEOUT_MS = 30_000;
const NOTIFIED = '__BPFTRACE_NOTIFY_PROBES_ATTACHED';

/** A shell line, with everything that it started, killed when its time is over. */
async function runInShell(test: SuiteTest, line: string, { directory, command }: Place): Promise<Outcome> {
  const options = ['--scenario', 'idle', ...lengthOptions(test)].join(' ');
  const whole = line.replaceAll(BPFTRACE, `${process.execPath} ${command} ${options}`);
  const shell = spawn('bash', ['--norc', '-c', `{ ${whole}\n} 2>&1`], {
    cwd: directory,
    env: { ...test.env, test: test.name, PATH: process.env['PATH'], [NOTIFIED]: '1' },
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  const chunks: Buffer[] = [];
  shell.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  let ended = true;
  const timer = setTimeout(
    () => {
      ended = false;
      process.kill(-shell.pid!, 'SIGKILL');
    },
    line.includes(BPFTRACE) ? SHELL_TIMEOUT_MS : test.timeoutSeconds * 1000,
  );
  const [status] = (await once(shell, 'close')) as [number | null];
  clearTimeout(timer);
  const output = decode(Buffer.concat(chunks));
  const attached = output.indexOf(`${NOTIFIED}\n`);
  return {
    output,
    attachedOutput: attached < 0 ? output : output.slice(attached + NOTIFIED.length + 1),
    exitCode: status ?? 255,
    ended,
  };
}
