import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CASES, compareCase, scriptsOfCases, scriptsOfExamples } from './golden-case.ts';

/** Recorded from real bpftrace: never written by -u, compared byte by byte in recorded.test.ts. */
const RECORDED = 'bpftrace/';
/** Transcripts of the lab, compared in tests/lab. */
const LAB = 'lab/';

const scripts = scriptsOfCases([RECORDED, LAB]);
const expected = [...scripts, ...scriptsOfExamples()].map((script) => script.expected.slice(0, -'.bt'.length));

describe('golden cases', () => {
  test.each(scripts)('$name', compareCase);
});

test('no expectation is without its script', () => {
  const bases = new Set(expected);
  const orphans = readdirSync(CASES, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(out|err|rc|args)$/.test(name) && !name.startsWith(RECORDED) && !name.startsWith(LAB))
    .filter(
      (name) =>
        !bases.has(
          join(
            CASES,
            dirname(name),
            name.slice(dirname(name) === '.' ? 0 : dirname(name).length + 1).replace(/\.\w+$/, ''),
          ),
        ),
    );
  expect(orphans).toEqual([]);
});

test('every script has its expectations', () => {
  const missing = expected.flatMap((base) =>
    ['.out', '.err'].map((ending) => base + ending).filter((path) => !existsSync(path)),
  );
  expect(missing).toEqual([]);
});
