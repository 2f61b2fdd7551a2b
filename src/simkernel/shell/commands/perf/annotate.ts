import { symbolNamed } from '../../../probes/symbols.ts';
import { fileImage } from '../../../programs/executables.ts';
import { layoutOf } from '../../../programs/image-layout.ts';
import type { Machine } from '../../../machine.ts';
import { joinLines, type CommandContext, type Steps } from '../command.ts';
import { imageInstructions, kernelInstructions } from '../disassembly.ts';
import type { Instruction } from '../disassembly.ts';
import { misuse, readPerfOptions } from './options.ts';
import type { OptionRows } from './options.ts';
import { readRecording, type Place, type Sample } from './samples.ts';

const USAGE = 'perf annotate [<options>]';
const OPTIONS: OptionRows = {
  input: { names: ['-i', '--input'], value: true },
  symbol: { names: ['-s', '--symbol'], value: true },
  stdio: { names: ['--stdio'], value: false },
  noSource: { names: ['--no-source'], value: false },
  noRaw: { names: ['--asm-raw'], value: false },
  samples: { names: ['-n', '--show-nr-samples'], value: false },
  verbose: { names: ['-v', '--verbose'], value: false },
};

/** Its instructions, as they are in memory or in the file now. */
function instructionsOf(m: Machine, { isKernel, symbol, object }: Place): readonly Instruction[] {
  if (isKernel) {
    const text = symbolNamed(m, symbol);
    return text === undefined ? [] : kernelInstructions(m, text);
  }
  const image = fileImage(m, object);
  const row = image && layoutOf(image).functions.find(({ name }) => name === symbol);
  return image === undefined || row === undefined ? [] : imageInstructions(m, image, row);
}

/** Each instruction with its share of a function's samples. */
function annotated(m: Machine, event: string, samples: readonly Sample[], showsSamples: boolean): string {
  const { place } = samples[0]!;
  const total = samples.reduce((sum, { period }) => sum + period, 0);
  const object = place.isKernel ? 'kcore' : place.object.slice(place.object.lastIndexOf('/') + 1);
  const column = showsSamples ? 'Samples' : 'Percent';
  const kind = showsSamples ? '' : ', percent: local period';
  const title = ` ${column} |\tSource code & Disassembly of ${object} for ${event} (${samples.length} samples${kind})`;
  const instructions = instructionsOf(m, place);
  const share = ({ offset }: Instruction, i: number): string => {
    const end = instructions[i + 1]?.offset ?? Infinity;
    const here = samples.filter((sample) => sample.place.offset >= offset && sample.place.offset < end);
    const events = here.reduce((sum, { period }) => sum + period, 0);
    return showsSamples ? String(here.length) : ((100 * events) / total).toFixed(2);
  };
  return joinLines([
    title,
    '-'.repeat(title.length + 4),
    `         :   ${instructions[0]?.address ?? place.address} <${place.symbol}>:`,
    ...instructions.map((row, i) =>
      ` ${share(row, i).padStart(7)} :   ${row.address}:       ${row.text === '' ? `.byte  ${row.raw.trimEnd()}` : row.text}`.trimEnd(),
    ),
    '',
    '',
  ]);
}

/** perf annotate: where in a function the samples are. */
export function* perfAnnotate(c: CommandContext, args: readonly string[]): Steps<number> {
  const given = readPerfOptions(OPTIONS, args, false);
  if (typeof given === 'string') return yield* misuse(c, given, USAGE);
  const { options, operands } = given;
  const recording = yield* readRecording(c, options.get('input')?.at(-1));
  if (recording === undefined) return 1;
  const wanted = options.get('symbol')?.at(-1) ?? operands[0];
  const known = recording.samples.filter(({ place }) => place.symbol !== '');
  for (const event of new Set(known.map((sample) => sample.event))) {
    const functions = new Map<string, Sample[]>();
    for (const sample of known) {
      if (sample.event !== event || (wanted !== undefined && sample.place.symbol !== wanted)) continue;
      const key = `${sample.place.object} ${sample.place.symbol}`;
      functions.set(key, [...(functions.get(key) ?? []), sample]);
    }
    if (functions.size === 0) {
      yield* c.report(`Error:\nThe ${wanted ?? 'perf.data'} symbol has no samples!\n`);
      return 1;
    }
    for (const samples of [...functions.values()].sort((a, b) => b.length - a.length))
      yield* c.print(annotated(c.machine, event, samples, options.has('samples')));
  }
  return 0;
}
