import type { LineInfo, Program, ProgramImage } from '../abi/program-image.ts';
import type { VerifiedImage, VerifiedProgram } from '../abi/verified-image.ts';
import { helperName } from '../abi/known-helpers.ts';
import { decode } from '../isa/decode.ts';
import type { Target } from '../lang/target.ts';
import { template, withHint, type Diagnostic } from '../source/diagnostic.ts';
import type { Source, Span } from '../source/source.ts';
import { type Detail, explain } from '../verifier/explain.ts';
import { needsTypes, verifyProgram } from '../verifier/verify.ts';
import { ProvedCode } from './proved-code.ts';

export interface ProgramLog {
  readonly program: string;
  readonly lines: readonly string[];
}

export interface VerifySettings {
  /** Keeps the whole log. */
  readonly wantLog: boolean;
  readonly detail: Detail;
}

export interface Verification {
  /** Absent when a program was refused. */
  readonly verified?: VerifiedImage;
  readonly diagnostics: readonly Diagnostic[];
  readonly logs: readonly ProgramLog[];
}

const rejection = template(
  'verifier-rejection',
  'error',
  (program: string, message: string) => `The verifier refuses ${program}: ${message}`,
);

/** Refusals that are about a helper and the probe it is used in: bpftrace words these itself. */
const ABOUT_HELPERS: readonly (readonly [pattern: RegExp, complaint: string])[] = [
  [/helper call is not allowed in probe|program of this type cannot use helper/, ' not allowed in probe'],
  [/pointer arithmetic on \w*ptr_or_null_ prohibited/, ': result needs to be null-checked before accessing fields'],
];
const helperRefusal = template(
  'helper-refusal',
  'error',
  (helper: string, complaint: string) => `helper ${helper}${complaint}`,
);

function aboutHelper(program: Program, slot: number, message: string, source: Source): Diagnostic | undefined {
  const complaint = ABOUT_HELPERS.find(([pattern]) => pattern.test(message))?.[1];
  const calls = program.insns.slice(0, slot + 1).map((insn) => decode(insn));
  const call = calls.findLastIndex((operation) => operation?.kind === 'call' && operation.callee === 'helper');
  if (complaint === undefined || call < 0) return undefined;
  return helperRefusal(spanOf(program, call, source), helperName(program.insns[call]!.imm), complaint);
}

/** The place of the script that the instruction in a slot was made from. */
function spanOf(program: Program, slot: number, source: Source): Span | undefined {
  const line = program.lines.findLast((row: LineInfo) => row.slot <= slot);
  return line === undefined || line.sourceName !== source.name
    ? undefined
    : { source, start: line.start, end: line.end };
}

/** Verifies each program of an image; a refusal becomes a diagnostic at the place in the script that the instruction came from. */
export function verify(
  image: ProgramImage,
  source: Source,
  target: Target,
  { wantLog, detail }: VerifySettings,
): Verification {
  const diagnostics: Diagnostic[] = [];
  const logs: ProgramLog[] = [];
  const programs: VerifiedProgram[] = [];
  const proved = new ProvedCode();
  for (const program of image.programs) {
    // A log names the lines of its own program.
    const known = wantLog ? undefined : proved.factsOf(program);
    if (known !== undefined) {
      logs.push({ program: program.name, lines: [] });
      programs.push({ program, facts: known });
      continue;
    }
    const verdict = verifyProgram(program, image.maps, {
      // Decoding the kernel's types is worth avoiding.
      ...(needsTypes(program) ? { types: target.types } : {}),
      abi: target.abi.name,
      logLevel: wantLog ? 2 : 0,
    });
    logs.push({ program: program.name, lines: verdict.log });
    if (verdict.verdict === 'accept') {
      proved.add(program, verdict.facts);
      programs.push({ program, facts: verdict.facts });
      continue;
    }
    const helper = aboutHelper(program, verdict.slot, verdict.message, source);
    if (helper !== undefined) {
      diagnostics.push(helper);
      continue;
    }
    const at = rejection(spanOf(program, verdict.slot, source), program.name, verdict.message);
    diagnostics.push(withHint(at, ...explain(program, verdict, detail)));
  }
  return { diagnostics, logs, ...(diagnostics.length === 0 ? { verified: { image, programs } } : {}) };
}
