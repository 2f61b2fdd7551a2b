import { errorText } from '../../error-text.ts';
import { readPath } from '../../output.ts';
import type { CommandContext, Steps } from '../command.ts';

export const DATA_FILE = 'perf.data';
/** What perf.data begins with. */
const MAGIC = 'PERFILE2';

/** A place in some text: where a CPU was, or where it will return to. */
export interface Place {
  /** Hexadecimal, without 0x. */
  readonly address: string;
  /** Empty where no symbol is known. */
  readonly symbol: string;
  /** From the symbol's start. */
  readonly offset: number;
  /** `[kernel.kallsyms]`, the path of a program or library. */
  readonly object: string;
  readonly isKernel: boolean;
}

/** What a sample of perf.data says. */
export interface Sample {
  readonly event: string;
  readonly comm: string;
  readonly pid: number;
  readonly tid: number;
  readonly cpu: number;
  readonly timeNs: number;
  /** How many events it stands for. */
  readonly period: number;
  /** Of tracepoints and probes. */
  readonly text: string;
  readonly place: Place;
  /** Innermost first, from the place itself; empty where none was recorded. */
  readonly chain: readonly Place[];
}

/** A recording: what was asked for, and what was seen. */
export interface Recording {
  readonly command: string;
  readonly hasChains: boolean;
  /** Events of tracepoints and probes have texts of their own. */
  readonly isTracepoint: Readonly<Record<string, boolean>>;
  readonly samples: readonly Sample[];
}

interface StoredSample extends Omit<Sample, 'place' | 'chain'> {
  readonly place: number;
  readonly chain: readonly number[];
}
type Head = Omit<Recording, 'samples'> & { readonly places: readonly Place[] };

/** The text of the file: places are written once and numbered. */
export function recordingText({ samples, ...rest }: Recording): string {
  const numbers = new Map<string, number>();
  const places: Place[] = [];
  const numberOf = (place: Place): number => {
    const key = `${place.object} ${place.address}`;
    const known = numbers.get(key);
    if (known !== undefined) return known;
    numbers.set(key, places.length);
    places.push(place);
    return places.length - 1;
  };
  const stored = samples.map((sample): StoredSample => ({
    ...sample,
    place: numberOf(sample.place),
    chain: sample.chain.map(numberOf),
  }));
  const head: Head = { ...rest, places };
  return [MAGIC, JSON.stringify(head), ...stored.map((sample) => JSON.stringify(sample))].join('\n');
}

/** What perf record has written; says so when there is nothing. */
export function* readRecording(c: CommandContext, path = DATA_FILE): Steps<Recording | undefined> {
  const text = yield* readPath(c.u, path);
  if (typeof text === 'number') {
    const hint = path === DATA_FILE ? "  (try 'perf record' first)" : '';
    yield* c.report(`failed to open ${path}: ${errorText(text)}${hint}\n`);
    return undefined;
  }
  const [magic, head, ...lines] = text.split('\n');
  if (magic !== MAGIC || head === undefined) {
    yield* c.report(`incompatible file format (rerun with -v to learn more)\n`);
    return undefined;
  }
  const { places, ...rest } = JSON.parse(head) as Head;
  const samples = lines.map((line): Sample => {
    const { place, chain, ...sample } = JSON.parse(line) as StoredSample;
    return { ...sample, place: places[place]!, chain: chain.map((number) => places[number]!) };
  });
  if (samples.length === 0) yield* c.report(`Error:\nThe ${path} data has no samples!\n`);
  return { ...rest, samples };
}
