import { readFileSync, writeFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import {
  assembleFile,
  disassembleFile,
  readHex,
  readProgram,
  type RawError,
  type RawProgram,
} from '../../pipeline/bpf-program.ts';
import { judgeLine, splitLines } from '../../pipeline/bpf-jsonl.ts';
import { createRunner, describeVerdict, verifyRaw } from '../../pipeline/bpf-run.ts';
import { encodeHex, encodeProgram } from '../../pipeline/bpf-program.ts';
import { parseBpfCommandLine, type BpfSubcommand } from '../bpf-command-line.ts';
import type { BpfConfig } from '../bpf-options.ts';
import type { CliHost } from '../host.ts';
import { reason } from './script.ts';

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

function wording(file: string, errors: readonly RawError[]): string {
  const name = file === '-' ? 'stdin' : file;
  return errors
    .map(({ line, message }) => `${name}${line === undefined ? '' : `:${line}`}: ERROR: ${message}`)
    .join('\n');
}

async function loadProgram(config: BpfConfig, file: string, host: CliHost): Promise<RawProgram> {
  const bytes = await readInput(file, host);
  const { type, attach, maps } = config;
  const name = file === '-' ? 'stdin' : basename(file).replace(/\.\w+$/, '');
  const loaded = readProgram(bytes, name, {
    maps,
    ...(type === undefined ? {} : { type }),
    ...(attach === undefined ? {} : { attach }),
  });
  if (!loaded.ok) throw new WordedFailure(wording(file, loaded.errors));
  return loaded.value;
}

async function inputMemory(config: BpfConfig, host: CliHost): Promise<Uint8Array> {
  const { memory, memoryFile } = config;
  if (memory !== undefined && memoryFile !== undefined)
    throw new WordedFailure('ERROR: USAGE: --mem conflicts with --mem-file');
  if (memoryFile !== undefined) return readInput(memoryFile, host);
  const bytes = readHex(memory ?? '');
  if (!bytes.ok) throw new WordedFailure(wording('--mem', bytes.errors));
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

const SUBCOMMANDS: Record<BpfSubcommand, Subcommand> = {
  async asm(config, file, host) {
    const result = assembleFile(new TextDecoder().decode(await readInput(file, host)));
    if (!result.ok) throw new WordedFailure(wording(file, result.errors));
    if (config.output === undefined) {
      host.stdout(encodeHex(result.value));
      return 0;
    }
    try {
      writeFileSync(resolve(host.directory ?? '.', config.output), encodeProgram(result.value));
    } catch (error) {
      throw new WordedFailure(`ERROR: failed to open file '${config.output}': ${reason(error)}`);
    }
    return 0;
  },
  async dis(_, file, host) {
    const result = disassembleFile(await readInput(file, host));
    if (!result.ok) throw new WordedFailure(wording(file, result.errors));
    host.stdout(result.value);
    return 0;
  },
  async verify(config, file, host) {
    const raw = await loadProgram(config, file, host);
    const verdict = verifyRaw(raw, config.verbose ? 2 : 0);
    if (config.verbose) host.stdout(verdict.log.map((line) => `${line}\n`).join(''));
    const description = describeVerdict(raw, verdict).map((line) => `${line}\n`);
    host.stdout(description.join(''));
    return verdict.verdict === 'accept' ? 0 : 1;
  },
  async run(config, file, host) {
    const raw = await loadProgram(config, file, host);
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
