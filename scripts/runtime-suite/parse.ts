/** One test of bpftrace's tests/runtime, as its format describes it (tests/README.md there). */
export interface SuiteTest {
  readonly suite: string;
  readonly name: string;
  /** A shell line with {{BPFTRACE}} in it, or a script. */
  readonly command: { readonly kind: 'run' | 'prog'; readonly text: string };
  readonly expectations: readonly Expectation[];
  readonly befores: readonly string[];
  readonly after: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
  readonly willFail: boolean;
  readonly returnCode: number;
  readonly architectures: readonly string[];
  readonly lacks: readonly string[];
  readonly timestamps: number | undefined;
}

export const EXPECTATIONS = {
  EXPECT: 'text',
  EXPECT_NONE: 'text_none',
  EXPECT_REGEX: 'regex',
  EXPECT_REGEX_NONE: 'regex_none',
  EXPECT_FILE: 'file',
  EXPECT_JSON: 'json',
} as const;
export interface Expectation {
  readonly kind: (typeof EXPECTATIONS)[keyof typeof EXPECTATIONS];
  readonly text: string;
}

const DEFAULT_TIMEOUT = 5;

interface Field {
  readonly name: string;
  text: string;
}

/** The fields of a block; an indented line belongs to the field above it. */
function fieldsOf(lines: readonly string[]): Field[] {
  const fields: Field[] = [];
  for (const line of lines) {
    const last = fields.at(-1);
    const indent = (last?.name.length ?? 0) + 1;
    if (last !== undefined && line.slice(0, indent).trim() === '') {
      if (last.name === 'PROG' || last.name === 'EXPECT' || last.name === 'EXPECT_REGEX')
        last.text += `\n${line.slice(indent)}`;
      continue;
    }
    const match = /^\s*(\S+)\s*(.*?)\s*$/.exec(line)!;
    fields.push({ name: match[1]!, text: match[2]! });
  }
  return fields;
}

function toTest(suite: string, fields: readonly Field[]): SuiteTest {
  const all = (name: string): string[] => fields.filter((field) => field.name === name).map(({ text }) => text);
  const one = (name: string): string | undefined => all(name).at(-1);
  const prog = one('PROG');
  return {
    suite,
    name: one('NAME') ?? '',
    command: prog === undefined ? { kind: 'run', text: one('RUN') ?? '' } : { kind: 'prog', text: prog },
    expectations: fields.flatMap(({ name, text }) =>
      name in EXPECTATIONS ? [{ kind: EXPECTATIONS[name as keyof typeof EXPECTATIONS], text }] : [],
    ),
    befores: all('BEFORE'),
    after: one('AFTER'),
    env: Object.fromEntries(
      all('ENV')
        .flatMap((line) => line.split(/\s+/))
        .map((pair) => pair.split('=') as [string, string]),
    ),
    timeoutSeconds: Number(one('TIMEOUT') ?? DEFAULT_TIMEOUT),
    willFail: one('WILL_FAIL') !== undefined,
    returnCode: Number(one('RETURN_CODE') ?? 0),
    architectures: (one('ARCH') ?? '').split('|').flatMap((name) => name.trim() || []),
    lacks: all('REQUIRES_FEATURE').flatMap((line) =>
      line.split(/\s+/).flatMap((name) => (name.startsWith('!') ? [name.slice(1)] : [])),
    ),
    timestamps: one('LOCALIZE_TIMESTAMPS') === undefined ? undefined : Number(one('LOCALIZE_TIMESTAMPS')),
  };
}

/** The tests of one file. A block that only comments follow is never run there either. */
export function parseSuite(suite: string, text: string): SuiteTest[] {
  const tests: SuiteTest[] = [];
  let block: string[] = [];
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const flush = (): void => {
    if (block.length > 0) tests.push(toTest(suite, fieldsOf(block)));
    block = [];
  };
  lines.forEach((line, at) => {
    if (line.startsWith('#')) return;
    if (line !== '') block.push(line);
    if (line === '' || at === lines.length - 1) flush();
  });
  return tests;
}

/** Whether a test is meant for x86-64 with all that bpftrace can use there. */
export function applies({ architectures, lacks }: SuiteTest): boolean {
  const here = ['x86_64', 'le'];
  const wanted = architectures.filter((name) => !name.startsWith('!'));
  const unwanted = architectures.filter((name) => name.startsWith('!')).map((name) => name.slice(1));
  if (wanted.length > 0 && !wanted.some((name) => here.includes(name))) return false;
  return !unwanted.some((name) => here.includes(name)) && !lacks.some((name) => name !== 'blazesym');
}
