import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import {
  assembleFile,
  type BinaryFormat,
  chooseProgram,
  disassembleFile,
  type FileName,
  programNames,
  readPrograms,
} from '../../pipeline/bpf-file.ts';
import { readHex } from '../../pipeline/bpf-hex.ts';
import { judgeLine, splitLines } from '../../pipeline/bpf-jsonl.ts';
import { createRunner, describeVerdict, verifyRaw } from '../../pipeline/bpf-run.ts';
import type { FileProgram } from '../../pipeline/bpf-program.ts';
import type { RawError, RawResult } from '../../pipeline/raw-result.ts';
import { parseBpfCommandLine, type BpfSubcommand } from '../bpf-command-line.ts';
import type { BpfConfig } from '../bpf-options.ts';
import type { CliHost } from '../host.ts';
import { reason } from './script.ts';
import { writeFile } from './write-file.ts';

/** A mistake that ends the command, already worded. */
class WordedFailure extends Error {
  override readonly name = 'WordedFailure';
}

type Subcommand = (config: BpfConfig, file: string, host: CliHost) => number | Promise<number>;

async function readInput(file: string, host: CliHost): Promise<Uint8Array> {
  if (file === '-') {
    const chunks: Uint8Array[] = [];
    for await (const chunk of host.stdinChunks()) chunks.push(chunk);
    return Buffer.concat(chunks);
  }
  try {
    return readFileSync(resolve(host.directory ?? '.', file));
  } catch (error) {
    throw new WordedFailure(`ERROR: failed to open file '${file}': ${reason(error)}`);
  }
}

const shownName = (file: string): string => (file === '-' ? 'stdin' : file);

function wording(file: string, errors: readonly RawError[]): string {
  return errors.flatMap((error) => wordsOf(shownName(file), error)).join('\n');
}

/** As mistakes in scripts are told: place and message, the line with the place underlined, a hint. */
function wordsOf(file: string, { line, column, length = 1, text, message, hint }: RawError): readonly string[] {
  const columns = column === undefined ? '' : `:${column}-${column + length}`;
  const place = line === undefined ? file : `${file}:${line}${columns}`;
  const marked = text === undefined || column === undefined ? [] : [' '.repeat(column - 1) + '~'.repeat(length)];
  return [
    `${place}: ERROR: ${message}`,
    ...(text === undefined ? [] : [text.replaceAll('\t', ' ')]),
    ...marked,
    ...(hint === undefined ? [] : [`HINT: ${hint}`]),
  ];
}

/** The value, or the end of the command. */
function valueOf<T>(file: string, result: RawResult<T>): T {
  if (!result.ok) throw new WordedFailure(wording(file, result.errors));
  return result.value;
}

const nameOf = (file: string): FileName => ({
  program: file === '-' ? 'stdin' : basename(file).replace(/(?:\.bpf)?\.\w+$/, ''),
  path: shownName(file),
});

const problemOf = (file: string, { program, problem = '' }: FileProgram): string =>
  wording(file, [{ message: `${program.name}: ${problem}` }]);

/** The programs of a file that the command line asks for. */
async function loadPrograms(config: BpfConfig, file: string, host: CliHost): Promise<readonly FileProgram[]> {
  const bytes = await readInput(file, host);
  const { type, attach, maps } = config;
  const read = readPrograms(bytes, nameOf(file), {
    maps,
    ...(type === undefined ? {} : { type }),
    ...(attach === undefined ? {} : { attach }),
  });
  const { programs, warnings } = valueOf(file, chooseProgram(valueOf(file, read), config.program));
  for (const warning of warnings) host.stderr(`${shownName(file)}: WARNING: ${warning}\n`);
  return programs;
}

async function inputMemory(config: BpfConfig, host: CliHost): Promise<Uint8Array> {
  const { memory, memoryFile } = config;
  if (memory !== undefined && memoryFile !== undefined)
    throw new WordedFailure('ERROR: USAGE: --mem conflicts with --mem-file');
  if (memoryFile !== undefined) return readInput(memoryFile, host);
  const bytes = readHex(memory ?? '');
  if (!bytes.ok) throw new WordedFailure(`ERROR: USAGE: --mem: ${bytes.errors[0]!.message}`);
  return bytes.value;
}

/** Answers each line of standard input with one; they are read as they are answered. */
async function answerLines(config: BpfConfig, withRuns: boolean, host: CliHost): Promise<number> {
  const runner = withRuns ? createRunner(config.jit) : undefined;
  let lineNumber = 0;
  let exitCode = 0;
  for await (const line of splitLines(host.stdinChunks())) {
    lineNumber++;
    if (line.trim() === '') continue;
    const judgement = judgeLine(line, lineNumber, runner);
    if (judgement.verdict === 'error') exitCode = 1;
    host.stdout(`${JSON.stringify(judgement)}\n`);
  }
  return exitCode;
}

/** Objects have names that end in `.o`; bytes would be a mess on a terminal. */
function formatOf({ format, output }: BpfConfig): BinaryFormat {
  if (format !== undefined) return format;
  if (output === undefined) return 'hex';
  return output.endsWith('.o') ? 'elf' : 'raw';
}

const SUBCOMMANDS: Record<BpfSubcommand, Subcommand> = {
  async asm(config, file, host) {
    const text = new TextDecoder().decode(await readInput(file, host));
    const result = valueOf(file, assembleFile(text, nameOf(file), formatOf(config)));
    if (config.output === undefined) host.stdout(result);
    else writeFile(config.output, result, host);
    return 0;
  },
  async dis(config, file, host) {
    host.stdout(valueOf(file, disassembleFile(await readInput(file, host), config.program)));
    return 0;
  },
  async verify(config, file, host) {
    let exitCode = 0;
    for (const raw of await loadPrograms(config, file, host)) {
      if (raw.problem !== undefined) {
        host.stderr(`${problemOf(file, raw)}\n`);
        exitCode = 1;
        continue;
      }
      const verdict = verifyRaw(raw, config.verbose ? 2 : 0);
      const lines = [...(config.verbose ? verdict.log : []), ...describeVerdict(raw, verdict)];
      host.stdout(lines.map((line) => `${line}\n`).join(''));
      if (verdict.verdict === 'reject') exitCode = 1;
    }
    return exitCode;
  },
  async run(config, file, host) {
    const [raw, ...others] = await loadPrograms(config, file, host);
    if (raw === undefined || others.length > 0) {
      const names = programNames([raw!, ...others]);
      throw new WordedFailure(wording(file, [{ message: `several programs: choose one by --program, of ${names}` }]));
    }
    if (raw.problem !== undefined) throw new WordedFailure(problemOf(file, raw));
    const input = await inputMemory(config, host);
    const verdict = verifyRaw(raw);
    if (verdict.verdict === 'reject') throw new WordedFailure(describeVerdict(raw, verdict).join('\n'));
    const outcome = createRunner(config.jit).run(raw, verdict, input);
    if (typeof outcome === 'string') throw new WordedFailure(`ERROR: ${raw.program.name} cannot run: ${outcome}`);
    host.stdout(`r0 = 0x${outcome.result.toString(16)} (${BigInt.asIntN(64, outcome.result)})\n`);
    if (config.showMemory) host.stdout(`${Buffer.from(outcome.memory).toString('hex')}\n`);
    return 0;
  },
};

/** `tsbpftrace bpf ...`: programs without a script. */
export async function bpf(args: readonly string[], host: CliHost): Promise<number> {
  const parsed = parseBpfCommandLine(args, host);
  if (parsed.kind === 'done') return parsed.exitCode;
  const { subcommand, config, file } = parsed;
  try {
    if (config.jsonl) {
      if (file !== undefined && file !== '-') throw new WordedFailure('ERROR: USAGE: --jsonl reads standard input');
      return await answerLines(config, subcommand === 'run', host);
    }
    if (file === undefined) throw new WordedFailure("ERROR: USAGE: missing required argument 'file'");
    return await SUBCOMMANDS[subcommand](config, file, host);
  } catch (error) {
    if (!(error instanceof WordedFailure)) throw error;
    host.stderr(`${error.message}\n`);
    return 1;
  }
}
