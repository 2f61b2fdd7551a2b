import type { Difference } from './compare.ts';

/** What became of one case. */
export interface Outcome {
  readonly name: string;
  /** Empty: it printed what was recorded. */
  readonly differences: readonly Difference[];
  readonly updated: boolean;
  readonly seconds: number;
}

export const REPORTERS = {
  text: textReport,
  tap: tapReport,
  junit: junitReport,
} as const satisfies Record<string, (outcomes: readonly Outcome[], color: boolean) => string>;
export type ReporterName = keyof typeof REPORTERS;

const hasFailed = ({ differences, updated }: Outcome): boolean => differences.length > 0 && !updated;
const cases = (count: number): string => `${count} ${count === 1 ? 'case' : 'cases'}`;

const COLORS: Readonly<Record<string, string>> = { '+': '\u001b[32m', '-': '\u001b[31m', '@': '\u001b[36m' };
const BOLD = '\u001b[1m';
const RESET = '\u001b[0m';

function paint(line: string, color: boolean): string {
  const start = color ? COLORS[line[0] ?? ''] : undefined;
  return start === undefined ? line : `${start}${line}${RESET}`;
}

/** For people: the failures with their diffs, and how many there were of each. */
function textReport(outcomes: readonly Outcome[], color: boolean): string {
  const failed = outcomes.filter(hasFailed);
  const updated = outcomes.filter((outcome) => outcome.updated).length;
  const heading = (text: string): string => (color ? `${BOLD}${text}${RESET}` : text);
  const failures = failed.map(({ name, differences }) => {
    const parts = differences.map(
      ({ what, lines }) => `${heading(`${name}: ${what}`)}\n${lines.map((line) => `${paint(line, color)}\n`).join('')}`,
    );
    return `${parts.join('')}\n`;
  });
  const counts = [
    `${outcomes.length - failed.length - updated} as recorded`,
    ...(failed.length > 0 ? [`${failed.length} different`] : []),
    ...(updated > 0 ? [`${updated} updated`] : []),
  ];
  return `${failures.join('')}${cases(outcomes.length)}: ${counts.join(', ')}\n`;
}

/** Test Anything Protocol, version 14. */
function tapReport(outcomes: readonly Outcome[]): string {
  const points = outcomes.map((outcome, i) => {
    const point = `${hasFailed(outcome) ? 'not ok' : 'ok'} ${i + 1} - ${outcome.name.replaceAll('#', '\\#')}\n`;
    if (!hasFailed(outcome)) return point;
    const details = outcome.differences.flatMap(({ what, lines }) => [
      `${what}: |`,
      ...lines.map((line) => `  ${line}`),
    ]);
    return `${point}  ---\n${details.map((line) => `  ${line}\n`).join('')}  ...\n`;
  });
  return `TAP version 14\n1..${outcomes.length}\n${points.join('')}`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
/** XML 1.0 has no way to write most control characters. */
function xml(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '\ufffd').replace(/[&<>"]/g, (c) => ENTITIES[c]!);
}

/** The XML that CI systems read. */
function junitReport(outcomes: readonly Outcome[]): string {
  const failures = outcomes.filter(hasFailed).length;
  const seconds = outcomes.reduce((sum, outcome) => sum + outcome.seconds, 0);
  const elements = outcomes.map((outcome) => {
    const open = `    <testcase classname="golden" name="${xml(outcome.name)}" time="${outcome.seconds.toFixed(3)}"`;
    if (!hasFailed(outcome)) return `${open}/>\n`;
    const bodies = outcome.differences.map(
      ({ what, lines }) => `      <failure message="${what}">${xml(lines.join('\n'))}</failure>\n`,
    );
    return `${open}>\n${bodies.join('')}    </testcase>\n`;
  });
  const counts = `tests="${outcomes.length}" failures="${failures}" time="${seconds.toFixed(3)}"`;
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ${counts}>\n` +
    `  <testsuite name="tsbpftrace golden" ${counts}>\n${elements.join('')}  </testsuite>\n</testsuites>\n`
  );
}
