import type { ProgramImage } from '../abi/program-image.ts';
import type { VerifiedImage } from '../abi/verified-image.ts';
import type { Program } from '../ast/nodes.ts';
import { generate } from '../bytecode/generate.ts';
import type { Resources } from '../lang/resources.ts';
import type { Target } from '../lang/target.ts';
import type { TypedProgram } from '../lang/typed-program.ts';
import { parse, parseExpression } from '../parser/parse.ts';
import { hasErrors, template, withHint, type Diagnostic } from '../source/diagnostic.ts';
import type { Source } from '../source/source.ts';
import { check, type CheckResult } from '../typecheck/check.ts';
import type { CheckInput } from '../typecheck/context.ts';
import { verify, type ProgramLog } from './verify.ts';

export interface CompileInput {
  readonly source: Source;
  readonly target: Target;
  /** `$1`, `$2`, ... */
  readonly positional?: readonly string[];
  /** `name=value` or `name` for named parameters. */
  readonly named?: readonly string[];
  /** Environment: BPFTRACE_* configuration. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Real text of an #include found in -I folders; virtual kernel headers need none. */
  readonly readInclude?: (name: string) => string | undefined;
  /** Files of --include, as if the script began with them. */
  readonly includes?: readonly string[];
  /** What the path of an `import` leads to. */
  readonly readImport?: NonNullable<CheckInput['readImport']>;
  readonly unsafe?: boolean;
  /** False for --no-feature kprobe_session. */
  readonly kprobeSessions?: boolean;
  /** -p: events of other processes do not count. */
  readonly pid?: number;
  /** Child of -c. */
  readonly childPid?: number;
  /** Keeps the verifier's whole log. */
  readonly verifierLog?: boolean;
  /** --explain: rejections by the verifier with the whole history of the value at fault. */
  readonly explain?: boolean;
  /** The last stage that is wanted; absent: all of them. */
  readonly until?: 'program' | 'types';
  /** -k: events for failing probe reads. */
  readonly reportHelperErrors?: boolean;
}

/** What the stages made, as far as they came: errors in `diagnostics` say why a later one is absent. */
export interface Compilation {
  readonly diagnostics: readonly Diagnostic[];
  readonly program?: Program;
  readonly typed?: TypedProgram;
  /** What the script's getopt() calls ask for, by name. */
  readonly options?: CheckResult['options'];
  readonly generated?: { readonly image: ProgramImage; readonly resources: Resources };
  readonly verified?: VerifiedImage;
  /** The verifier's log of each program that it walked. */
  readonly verifierLogs?: readonly ProgramLog[];
}

const tooDeep = template('too-deeply-nested', 'error', () => 'the script is too deeply nested');

/** Runs the stages in order and stops behind the first that reports an error. */
export function compile(input: CompileInput): Compilation {
  return withinBounds(() => runStages(input));
}

/** The stages that find most mistakes, for whoever asks at every key: no code is generated. */
export function checkScript(input: CompileInput): Compilation {
  return withinBounds(() => frontEnd(input));
}

function withinBounds(run: () => Compilation): Compilation {
  try {
    return run();
  } catch (error) {
    // The stages walk trees by recursion. The parser bounds nesting, but a chain of thousands of operators is as deep a tree.
    if (!(error instanceof RangeError)) throw error;
    return { diagnostics: [withHint(tooDeep(undefined), 'split long chains of operators over several statements')] };
  }
}

function frontEnd(input: CompileInput): Compilation {
  const parsed = parse(input.source);
  if (parsed.program === undefined || hasErrors(parsed.diagnostics)) return { diagnostics: parsed.diagnostics };
  const { program } = parsed;
  if (input.until === 'program') return { diagnostics: parsed.diagnostics, program };

  const checked = check(program, { ...input, parse, parseExpression });
  const diagnostics = [...parsed.diagnostics, ...checked.diagnostics];
  const { typed, options } = checked;
  return { diagnostics, program, options, ...(typed === undefined || hasErrors(checked.diagnostics) ? {} : { typed }) };
}

function runStages(input: CompileInput): Compilation {
  const checked = frontEnd(input);
  const { typed } = checked;
  if (typed === undefined || input.until !== undefined) return checked;
  const diagnostics = [...checked.diagnostics];

  // bpftrace's own switch for tests of tseries: the time is read from a map.
  const clockMap = input.env?.['BPFTRACE_DUMMY_TS_MAP'];
  const {
    image,
    resources,
    diagnostics: generation,
  } = generate(typed, {
    reportHelperErrors: input.reportHelperErrors ?? false,
    ...(clockMap === undefined ? {} : { clockMap: clockMap.replace(/^@/, '') }),
  });
  diagnostics.push(...generation);
  if (hasErrors(generation)) return { ...checked, diagnostics };

  const verification = verify(image, input.source, input.target, {
    wantLog: input.verifierLog ?? false,
    detail: input.explain === true ? 'whole' : 'brief',
  });
  diagnostics.push(...verification.diagnostics);
  return {
    ...checked,
    diagnostics,
    generated: { image, resources },
    verifierLogs: verification.logs,
    ...(verification.verified === undefined ? {} : { verified: verification.verified }),
  };
}
