import { spawnSync } from 'node:child_process';
import { runCli } from '../../src/cli/run-cli.ts';
import type { Outcome } from './check.ts';
import type { SuiteTest } from './parse.ts';

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

/** Options of ours for every run: a quiet machine, as long as the test may take. */
const machineOptions = ({ timeoutSeconds }: SuiteTest): string[] => [
  '--scenario',
  'idle',
  '--duration',
  `${timeoutSeconds}s`,
];

/** Runs a test in this process, or through a shell if its line needs one. */
export async function runTest(test: SuiteTest, place: Place): Promise<Outcome> {
  const { kind, text } = test.command;
  const json = test.expectations[0]?.kind === 'json' ? ['-q', '-f', 'json'] : [];
  const words = kind === 'prog' ? [BPFTRACE, ...json, '-e', text] : simpleWords(text);
  const isOurs = words?.[0] === BPFTRACE && !words.slice(1).includes(BPFTRACE);
  return isOurs ? runHere(test, words.slice(1), place) : runInShell(test, place);
}

async function runHere(test: SuiteTest, args: readonly string[], { directory }: Place): Promise<Outcome> {
  const chunks: Buffer[] = [];
  let attachedAt: number | undefined;
  let startedAt: number | undefined;
  let interrupted = false;
  const exitCode = await runCli([...machineOptions(test), ...args], {
    stdout(bytes) {
      startedAt ??= chunks.length;
      chunks.push(Buffer.from(bytes));
    },
    stderr(bytes) {
      chunks.push(Buffer.from(bytes));
      if (/^Attached \d+ probe/.test(Buffer.from(bytes).toString())) attachedAt = chunks.length;
    },
    env: { ...test.env, test: test.name, PATH: process.env['PATH'] },
    directory,
    isTerminal: false,
    onInterrupt: () => (interrupted = true),
    onUserSignal: () => undefined,
    stdin: () => '',
    stdinChunks: () => {
      throw new Error('a test reads standard input');
    },
  });
  void interrupted;
  return {
    output: decode(Buffer.concat(chunks)),
    attachedOutput: decode(Buffer.concat(chunks.slice(attachedAt ?? startedAt ?? 0))),
    exitCode,
    ended: true,
  };
}

const SHELL_TIMEOUT_MS = 30_000;

function runInShell(test: SuiteTest, { directory, command }: Place): Outcome {
  const line = test.command.text.replaceAll(
    BPFTRACE,
    `${process.execPath} ${command} ${machineOptions(test).join(' ')}`,
  );
  const { stdout, status } = spawnSync('sh', ['-c', `{ ${line}\n} 2>&1`], {
    cwd: directory,
    env: { ...test.env, test: test.name, PATH: process.env['PATH'] },
    timeout: SHELL_TIMEOUT_MS,
  });
  const output = decode(stdout);
  return {
    output,
    attachedOutput: output.replace(/^[\s\S]*?Attached \d+ probes?\n/, ''),
    exitCode: status ?? 255,
    ended: status !== null,
  };
}
