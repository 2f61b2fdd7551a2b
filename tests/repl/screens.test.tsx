import { render } from 'ink-testing-library';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Model } from '../../src/repl/model/model.ts';
import { Screen } from '../../src/repl/view/Screen.tsx';
import { letterWidth, type Row } from '../../src/repl/screen/row.ts';
import { screenOf } from '../../src/repl/screen/screen.ts';
import { attached, frame, HISTOGRAM, INTERRUPTS, modelAfter, output, TABLES, TIMELINE } from './frames.ts';
import { createTestRepl } from './harness.ts';

/** The picture of a model as it would stand on a terminal, with the cursor's place below. */
function pictureOf(model: Model): string {
  const { columns, rows } = model;
  const { lastFrame, unmount } = render(<Screen model={model} />);
  const lines = lastFrame()!.split('\n');
  unmount();
  expect(lines.length).toBe(rows);
  for (const line of lines)
    expect([...line].reduce((sum, letter) => sum + letterWidth(letter), 0)).toBeLessThanOrEqual(columns);
  const { cursor } = screenOf(model);
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n(cursor in row ${cursor.row + 1}, column ${cursor.column + 1})\n`;
}

/** After keys, with what the front end makes of the text. */
function typed(keys: string): Model {
  const repl = createTestRepl();
  repl.type(keys);
  return repl.model();
}

const F4 = '\u001bOS';
const SCRIPT = 'kprobe:vfs_read {\r@[comm] = count();\r}';
const BYTECODE = `program kprobe_vfs_read_1 (kprobe), 5 instructions
; 1:1: kprobe:vfs_read
    0: r1 = r10
; 2:3: @[comm] = count()
    1: r1 += -24
    2: call bpf_get_current_comm#16
; 3:1: }
    3: r0 = 0
    4: exit
`;

test.each<[name: string, prepare: () => Model]>([
  ['welcome', () => modelAfter({})],
  ['probe-completion', () => typed('kprobe:vfs_wri\t\t')],
  ['field-completion', () => typed('tracepoint:block:block_rq_issue { @[args.')],
  ['signature', () => typed('kprobe:vfs_read { @ = lhist(arg2, 0, ')],
  ['mistake', () => typed('kprobe:vfs_read {\r$file = (struct file *)arg0;\rprintf("%s\\n", $flie->f_flags);\r}')],
  [
    'histogram',
    () =>
      modelAfter(
        {},
        attached('vfs_read', 'kprobe:vfs_read { ... }'),
        output('vfs_read', 'Attached 2 probes\n', 'stderr'),
        frame(312_000_000, { programs: [HISTOGRAM] }),
      ),
  ],
  [
    'several',
    () =>
      modelAfter(
        {},
        attached('vfs_read', 'kprobe:vfs_read { ... }'),
        attached('sched_switch', 'tracepoint:sched:sched_switch { ... }'),
        output('sched_switch', 'nginx -> mysqld\n'),
        ' ',
        frame(2_314_000_000, { programs: [HISTOGRAM, TABLES] }),
      ),
  ],
  [
    'ended',
    () =>
      modelAfter(
        {},
        attached('vfs_read', 'kprobe:vfs_read { @[comm] = count(); }'),
        output('vfs_read', 'Attached 1 probe\n', 'stderr'),
        output('vfs_read', '\n\n@[borg]: 45\n@[nginx]: 11161\n'),
        { kind: 'ended', name: 'vfs_read', exitCode: 0, elapsedNs: 10_000_000_000 },
        frame(10_000_000_000, {}),
      ),
  ],
  [
    'bytecode-beside',
    () =>
      modelAfter({ columns: 130, rows: 30 }, `${SCRIPT}\u001b[A${F4}`, {
        kind: 'stage-shown',
        stage: 'bytecode',
        text: 'kprobe:vfs_read {\n  @[comm] = count();\n}',
        shown: BYTECODE,
      }),
  ],
  ['timeline', () => modelAfter({}, attached('vfs_read', SCRIPT), ':timeline\r', frame(1e8, { timeline: TIMELINE }))],
  [
    'timeline-without-colours',
    () =>
      modelAfter({ isColored: false }, attached('vfs_read', SCRIPT), ':timeline\r', frame(1e8, { timeline: TIMELINE })),
  ],
  [
    'interrupts',
    () => modelAfter({}, attached('vfs_read', SCRIPT), ':interrupts\r', frame(1e8, { interrupts: INTERRUPTS })),
  ],
  ['help', () => modelAfter({}, ':help\r')],
  [
    'search',
    () => modelAfter({ history: ['kprobe:vfs_read { @ = count(); }', 'begin {\n  printf("x");\n}'] }, '\u0012vfs'),
  ],
  [
    'small',
    () =>
      modelAfter(
        { columns: 40, rows: 10 },
        attached('sched_switch', 'tracepoint:sched:sched_switch { @[comm] = count(); }'),
        frame(1e8, { programs: [TABLES] }),
        'kprobe:vfs_write { @bytes_written_by[comm] = sum(arg2',
      ),
  ],
])('the screen: %s', async (name, prepare) => {
  await expect(pictureOf(prepare())).toMatchFileSnapshot(join(import.meta.dirname, 'screens', `${name}.txt`));
});

test.each([
  [20, 4],
  [40, 10],
  [80, 24],
  [119, 24],
  [120, 24],
  [200, 60],
])('every row fits a terminal of %i columns and %i rows, whatever is shown', (columns, rows) => {
  const repl = createTestRepl({ columns, rows });
  const fits = (): void => {
    const { title, body, rule, editor, list, hint, cursor } = screenOf(repl.model());
    const all: readonly Row[] = [title, ...body, rule, ...editor, ...list, hint];
    expect(all.length).toBe(rows);
    const widest = Math.max(...all.map((row) => row.reduce((sum, { text }) => sum + [...text].length, 0)));
    expect(widest).toBeLessThanOrEqual(columns);
    expect(cursor.row).toBeLessThan(rows);
    expect(cursor.column).toBeLessThan(columns);
  };
  const steps = [
    'kprobe:vfs_',
    '\t',
    'read { @x = hist(',
    'arg2); printf("%d\\n", $y); }',
    '\u0003',
    ':help\r',
    ':bytecode\r',
    'kprobe:vfs_read { @ = count(); }\r',
    ':timeline\r',
    '\u001b',
  ];
  for (const keys of steps) {
    repl.type(keys);
    repl.wait(0.1);
    fits();
  }
});

test('a terminal that is resized is filled anew', () => {
  const repl = createTestRepl();
  expect(pictureOf({ ...repl.model(), columns: 60, rows: 15 }).split('\n')).toHaveLength(17);
});
