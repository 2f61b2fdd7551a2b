import { availableParallelism } from 'node:os';
import { commandOf, findCases, readExpected, type CaseCommand, type GoldenCase } from '../golden/case.ts';
import { compareCase } from '../golden/compare.ts';
import { parseGolden, type GoldenConfig } from '../golden/options.ts';
import { progressBar } from '../golden/progress.ts';
import { REPORTERS, type Outcome } from '../golden/report.ts';
import { capture, type CaseResult, type Command } from '../golden/run-case.ts';
import { recordCase } from '../golden/update.ts';
import { createWorker, describeFailure, encodeResult, type WorkerAnswer } from '../golden/workers.ts';
import type { CliHost } from '../host.ts';
import { useColor } from '../color.ts';
import { CommandFailure } from './script.ts';
import { writeFile } from './write-file.ts';

/** Fewer cases than this for each are not worth another process. */
const CASES_PER_WORKER = 4;

/** Where nobody measures, nothing takes time. */
const NO_TIME = (): number => 0;

type Runner = (command: CaseCommand) => Promise<CaseResult>;

/** `tsbpftrace golden`: runs cases and compares what they print with what was recorded. */
export async function golden(args: readonly string[], host: CliHost, command: Command): Promise<number> {
  const parsed = parseGolden(args, host);
  if (parsed.kind === 'done') return parsed.exitCode;
  const { config, operands: paths } = parsed;
  if (config.worker) return answerRequests(host, command);
  const cases = findCases(paths.length === 0 ? ['.'] : paths, host.directory ?? '.');
  if (cases.length === 0) throw new CommandFailure('no case found: no NAME.bt beside a NAME.out');
  const outcomes = await runCases(cases, config, host, command);
  const report = REPORTERS[config.reporter](outcomes, config.output === undefined && useColor(host));
  if (config.output === undefined) host.stdout(report);
  else writeFile(config.output, report, host);
  return outcomes.some(({ differences, updated }) => differences.length > 0 && !updated) ? 1 : 0;
}

/** In their order, whoever runs them. */
async function runCases(
  cases: readonly GoldenCase[],
  config: GoldenConfig,
  host: CliHost,
  command: Command,
): Promise<readonly Outcome[]> {
  const { runners, stop } = openRunners(cases.length, config, host, command);
  const bar = progressBar(host, cases.length);
  const outcomes: Outcome[] = [];
  let next = 0;
  const work = async (run: Runner): Promise<void> => {
    for (let at = next++; at < cases.length; at = next++) {
      outcomes[at] = await judge(cases[at]!, config, run, host.clock ?? NO_TIME);
      bar.advance();
    }
  };
  await Promise.all(runners.map(work));
  stop();
  bar.clear();
  return outcomes;
}

function openRunners(
  count: number,
  { jobs }: GoldenConfig,
  { entry }: CliHost,
  command: Command,
): { readonly runners: readonly Runner[]; readonly stop: () => void } {
  const useful = Math.min(jobs ?? availableParallelism(), Math.ceil(count / CASES_PER_WORKER));
  if (entry === undefined || useful < 2)
    return { runners: [(request) => capture(command, request)], stop: () => undefined };
  const workers = Array.from({ length: useful }, () => createWorker(entry, ['golden', '--worker']));
  return { runners: workers.map(({ run }) => run), stop: () => workers.forEach((worker) => worker.stop()) };
}

/** Whatever goes wrong with one case is a difference of that case, and the others are run. */
async function judge(found: GoldenCase, config: GoldenConfig, run: Runner, clock: () => number): Promise<Outcome> {
  const started = clock();
  const verdict = await runAndCompare(found, config, run).catch((error: unknown) => ({
    differences: [{ what: 'no result', lines: describeFailure(error).split('\n') } as const],
    updated: false,
  }));
  return { name: found.name, ...verdict, seconds: clock() - started };
}

async function runAndCompare(
  found: GoldenCase,
  { update, jit }: GoldenConfig,
  run: Runner,
): Promise<Pick<Outcome, 'differences' | 'updated'>> {
  const { args, ...place } = commandOf(found);
  const result = await run({ ...place, args: [`--jit=${jit}`, ...args] });
  const differences = compareCase(readExpected(found), result);
  const updated = update && differences.length > 0;
  if (updated) recordCase(found, result);
  return { differences, updated };
}

/** What a worker does: a request a line, an answer a line. */
async function answerRequests(host: CliHost, command: Command): Promise<number> {
  const answer = (request: CaseCommand): Promise<WorkerAnswer> =>
    capture(command, request).then(encodeResult, (error: unknown) => ({ failure: describeFailure(error) }));
  let rest = '';
  for await (const chunk of host.stdinChunks()) {
    const lines = (rest + Buffer.from(chunk).toString('utf8')).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) host.stdout(`${JSON.stringify(await answer(JSON.parse(line) as CaseCommand))}\n`);
  }
  return 0;
}
