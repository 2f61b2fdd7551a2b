import { isMapType } from '../abi/map-types.ts';
import type { MapDefinition, ProgramType } from '../abi/program-image.ts';
import { decodeInsns } from '../isa/codec.ts';
import { PSEUDO } from '../isa/opcodes.ts';
import { impossibleMap } from '../runtime/maps/map-attributes.ts';
import { readHex } from './bpf-hex.ts';
import { DEFAULT_PROGRAM_TYPE, RAW_PROGRAM_TYPES, type RawProgram } from './bpf-program.ts';
import { verifyRaw, type Runner } from './bpf-run.ts';

/**
 * One program a line, as JSON. All keys but `insns` may be absent:
 *
 *   name, type      of the program; the default type is that of `bpf verify`
 *   attach          of tracing programs: "fentry vfs_read"
 *   insns           16 hex digits each, the bytes in memory order
 *   maps            [name, type, key size, value size, max entries, flags?]
 *   relocs          [slot, map] or [slot, map, offset]: what the 64-bit immediate load there gets
 *   funcs           [slot, name]: function records
 *   data            hex: the packet or context of a run
 */
interface Job {
  readonly name: string | null;
  readonly raw: RawProgram;
  readonly input: Uint8Array;
}

/** What one line of standard input becomes; keys in the order in which they are printed. */
export interface Judgement {
  readonly name: string | null;
  readonly verdict: 'accept' | 'reject' | 'error';
  /** The verifier's last message, empty for an accepted program. */
  readonly message?: string;
  readonly insns_processed?: number;
  /** Low 32 bits of r0, unsigned; null where nothing ran. */
  readonly retval?: number | null;
  /** What kept the program from being judged, or an accepted one from running. */
  readonly error?: string;
}

/** The line's own mistake; caught where the line is answered. */
class BadLine extends Error {
  override readonly name = 'BadLine';
}

type Json = Readonly<Record<string, unknown>>;

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;

function demand(condition: boolean, message: string): asserts condition {
  if (!condition) throw new BadLine(message);
}

function rows(json: Json, key: string): readonly (readonly unknown[])[] {
  const value = json[key] ?? [];
  demand(Array.isArray(value) && value.every((row) => Array.isArray(row)), `"${key}" must be a list of lists`);
  return value as readonly (readonly unknown[])[];
}

function text(json: Json, key: string): string | undefined {
  const value = json[key] ?? undefined;
  demand(value === undefined || typeof value === 'string', `"${key}" must be a string`);
  return value;
}

function hex(digits: string, key: string): Uint8Array {
  const bytes = readHex(digits);
  if (!bytes.ok) throw new BadLine(`"${key}": ${bytes.errors[0]!.message}`);
  return bytes.value;
}

function readMap(row: readonly unknown[]): MapDefinition {
  const [name, type, keySize, valueSize, maxEntries, flags = 0] = row;
  demand(typeof name === 'string', `"maps": a map's name must be a string`);
  demand(typeof type === 'string' && isMapType(type), `"maps": no map type ${JSON.stringify(type)}`);
  demand(
    isCount(keySize) && isCount(valueSize) && isCount(maxEntries) && isCount(flags),
    `"maps": the sizes of ${name} must be whole numbers`,
  );
  return { name, type, keySize, valueSize, maxEntries, flags };
}

function readJob(line: string): Job {
  let json: Json;
  try {
    json = JSON.parse(line) as Json;
  } catch (error) {
    throw new BadLine(error instanceof Error ? error.message : String(error));
  }
  demand(typeof json === 'object' && json !== null && !Array.isArray(json), 'a line must hold an object');
  const name = text(json, 'name') ?? null;
  const type = text(json, 'type') ?? DEFAULT_PROGRAM_TYPE;
  demand(RAW_PROGRAM_TYPES.includes(type as ProgramType), `no program type '${type}'`);
  const words = json['insns'];
  demand(
    Array.isArray(words) && words.every((word) => typeof word === 'string'),
    '"insns" must be a list of hex strings',
  );
  const insns = decodeInsns(hex(words.join('\n'), 'insns'));
  demand(insns !== undefined, '"insns" must be 8 bytes each');
  const maps = rows(json, 'maps').map(readMap);
  const refusal = impossibleMap(maps);
  if (refusal !== undefined) throw new BadLine(refusal);
  const relocations = rows(json, 'relocs').map(([slot, map, offset]) => {
    demand(isCount(slot) && insns[slot] !== undefined, `"relocs": no instruction ${JSON.stringify(slot)}`);
    const index = maps.findIndex((candidate) => candidate.name === map);
    demand(index >= 0, `"relocs": no map ${JSON.stringify(map)}`);
    const at = offset ?? undefined;
    demand(at === undefined || typeof at === 'number', '"relocs": an offset must be a number');
    insns[slot] = { ...insns[slot]!, src: at === undefined ? PSEUDO.map_fd : PSEUDO.map_value };
    return { slot, map: index, ...(at === undefined ? {} : { offset: at }) };
  });
  const functions = rows(json, 'funcs').map(([slot, label]) => {
    demand(isCount(slot) && typeof label === 'string', '"funcs" must hold [slot, name]');
    return { slot, name: label };
  });
  const attach = text(json, 'attach');
  return {
    name,
    input: hex(text(json, 'data') ?? '', 'data'),
    raw: {
      maps,
      program: {
        name: name ?? 'program',
        type: type as ProgramType,
        insns,
        relocations,
        functions,
        lines: [],
        ...(attach === undefined ? {} : { attach: attach.replace(' ', '/') }),
      },
    },
  };
}

function judge({ name, raw, input }: Job, runner: Runner | undefined): Judgement {
  const verdict = verifyRaw(raw);
  const insns_processed = verdict.insnsProcessed;
  if (verdict.verdict === 'reject')
    return { name, verdict: 'reject', message: verdict.lines.at(-1) ?? '', insns_processed, retval: null };
  const accepted = { name, verdict: 'accept', message: '', insns_processed } as const;
  if (runner === undefined) return { ...accepted, retval: null };
  const outcome = runner.run(raw, verdict, input);
  if (typeof outcome === 'string') return { ...accepted, retval: null, error: outcome };
  return { ...accepted, retval: Number(BigInt.asUintN(32, outcome.result)) };
}

/** The name of a line that could not be answered, where it can be read. */
function nameOf(line: string): string | null {
  const match = /"name"\s*:\s*("(?:[^"\\]|\\.)*")/.exec(line);
  try {
    return match === null ? null : (JSON.parse(match[1]!) as string);
  } catch {
    return null;
  }
}

/** Judges, and with a runner runs, the program of one line; whatever goes wrong becomes a verdict. */
export function judgeLine(line: string, lineNumber: number, runner: Runner | undefined): Judgement {
  try {
    return judge(readJob(line), runner);
  } catch (error) {
    // Not only InternalError: a program that exhausts the stack or the memory of the host must not end the others.
    const reason = error instanceof Error ? error.message : String(error);
    return { name: nameOf(line), verdict: 'error', error: `line ${lineNumber}: ${reason}` };
  }
}

/** Lines of a stream, one at a time. */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = parts.pop()!;
    yield* parts;
  }
  rest += decoder.decode();
  if (rest !== '') yield rest;
}
