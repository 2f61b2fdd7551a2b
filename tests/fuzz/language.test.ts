import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from '../../src/parser/parse.ts';
import { compile } from '../../src/pipeline/compile.ts';
import { createSimulation } from '../../src/pipeline/simulation.ts';
import { renderDiagnostics } from '../../src/source/render.ts';
import { createSource } from '../../src/source/source.ts';
import { randomSource, type Random } from './random-source.ts';

/**
 * Scripts out of a grammar and mutations of the golden scripts go through the whole compiler: no crash, no hang.
 * `LANGUAGE_FUZZ=100000` tries that many; `LANGUAGE_FUZZ_SEED` starts elsewhere.
 */
const ROUNDS = Number(process.env['LANGUAGE_FUZZ'] ?? 400);
const SEED = Number(process.env['LANGUAGE_FUZZ_SEED'] ?? 3);
const SLOWEST_MS = 5000;

const CASES = join(import.meta.dirname, '..', 'cases');
const corpus = readdirSync(CASES, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.bt'))
  .sort()
  .map((name) => readFileSync(join(CASES, name), 'utf8'))
  .filter((text) => text.length < 4000);

const pick = <T>(random: Random, choices: readonly T[]): T => choices[random(choices.length)]!;

/** A nonterminal is a word in angle brackets; when the script gets deep, the first choice is taken, which ends. */
const GRAMMAR: Readonly<Record<string, readonly string[]>> = {
  probe: ['begin { <stmt> }', '<attach> { <stmt> <stmt> <stmt> }', '<attach> /<expr>/ { <stmt> <stmt> }'],
  attach: [
    'begin',
    'kprobe:vfs_read',
    'kretprobe:vfs_read',
    'fentry:vfs_read',
    'tracepoint:syscalls:sys_enter_openat',
    'interval:s:1',
    'rawtracepoint:sched_switch',
  ],
  stmt: [
    '<var> = <expr>;',
    '<map> = <expr>;',
    '<map>++;',
    '<map> = <agg>;',
    'print(<expr>);',
    'printf("%d %s\\n", <expr>, <expr>);',
    'if (<expr>) { <stmt> } else { <stmt> }',
    'for (<var> : 0..<int>) { <stmt> }',
    'for ($kv : <name>) { print($kv.0); <stmt> }',
    'while (<var> < <int>) { <var>++; <stmt> }',
    'unroll(<int>) { <stmt> }',
    'delete(<name>, <expr>);',
    'clear(<name>);',
    '<var> += <expr>;',
    'let <var> : <type>;',
    '{ <stmt> <stmt> }',
    'return;',
    'exit();',
    '_ = <expr>;',
    'if find(<name>, <expr>, <var>) { <stmt> }',
  ],
  expr: [
    '<int>',
    '<var>',
    '<map>',
    '<expr> <op> <expr>',
    '(<expr>, <expr>)',
    '(a=<expr>, b=<expr>)',
    '<expr> ? <expr> : <expr>',
    '(<type>)<expr>',
    'str(<expr>)',
    'sizeof(<expr>)',
    '"text"',
    '<builtin>',
    '-<expr>',
    '!<expr>',
    '*<expr>',
    '&<var>',
    '<expr>.0',
    '<expr>[<int>]',
    'args',
    'arg0',
    '((struct task_struct *)<expr>).pid',
    'curtask->comm',
    'has_key(<name>, <expr>)',
    'len(<name>)',
    '({ <stmt> <expr> })',
    'buf(<expr>, <int>)',
    'strncmp(<expr>, "x", <int>)',
    'typeinfo(<expr>)',
    'kstack(<int>)',
    'ntop(<expr>)',
    'reg("ip")',
    'macro_(<expr>)',
    'strftime("%H", nsecs)',
  ],
  agg: [
    'count()',
    'sum(<expr>)',
    'hist(<expr>)',
    'lhist(<expr>, 0, 100, 10)',
    'avg(<expr>)',
    'max(<expr>)',
    'stats(<expr>)',
    'tseries(<expr>, 1s, 5)',
  ],
  op: ['+', '-', '*', '/', '%', '&', '|', '^', '<<', '>>', '==', '!=', '<', '>=', '&&', '||'],
  var: ['$a', '$b', '$c'],
  name: ['@', '@x', '@y'],
  map: ['@', '@x[<expr>]', '@y[<expr>, <expr>]', '@x', '@y'],
  int: ['1', '0', '7', '64', '255', '0x7fffffff', '18446744073709551615', '1e3', '5ms', '1_000'],
  type: [
    'uint64',
    'int8',
    'int32',
    'uint16',
    'bool',
    'string[8]',
    'int8[4]',
    'struct task_struct *',
    'typeof(<expr>)',
    'void *',
  ],
  builtin: [
    'pid',
    'comm',
    'nsecs',
    'cpu',
    'kstack',
    'ustack',
    'probe',
    'func',
    'retval',
    'rand',
    'elapsed',
    'uid',
    'cgroup',
    'curtask',
  ],
};
const DEEP = 60;

function generate(random: Random): string {
  let left = DEEP;
  const expand = (text: string): string =>
    text.replace(/<([a-z]+)>/g, (whole, name: string) => {
      const choices = GRAMMAR[name];
      if (choices === undefined) return whole;
      left -= 1;
      return expand(left < 0 ? choices[0]! : pick(random, choices));
    });
  const probes = Array.from({ length: 1 + random(2) }, () => expand('<probe>')).join('\n');
  return random(3) === 0 ? `macro macro_(x) { x + 1 }\n${probes}` : probes;
}

/** Splices pieces of one script into another, at word boundaries. */
function mutate(random: Random): string {
  const words = pick(random, corpus).split(/(?<=\W)|(?=\W)/);
  for (let left = 1 + random(3); left > 0; left -= 1) {
    const other = pick(random, corpus).split(/(?<=\W)|(?=\W)/);
    const from = random(other.length);
    words.splice(random(words.length), random(4), ...other.slice(from, from + random(6)));
  }
  return words.join('');
}

test(`no script crashes or hangs the compiler (seed ${SEED}, ${ROUNDS} scripts)`, { timeout: 3_600_000 }, () => {
  const random = randomSource(SEED);
  const { target } = createSimulation({ scenario: 'idle', seed: 1 });
  const failures: string[] = [];
  const counts = { parsed: 0, typed: 0, verified: 0 };
  for (let round = 0; round < ROUNDS && failures.length < 20; round += 1) {
    const text = round % 2 === 0 ? generate(random) : mutate(random);
    const source = createSource('fuzz', text);
    const start = performance.now();
    try {
      if (parse(source).program === undefined) continue;
      counts.parsed += 1;
      const { typed, verified, diagnostics } = compile({ source, target, env: { BPFTRACE_MAX_BPF_PROGS: '16' } });
      renderDiagnostics(diagnostics);
      if (typed !== undefined) counts.typed += 1;
      if (verified !== undefined) counts.verified += 1;
      const refused = diagnostics.find(({ code }) => code === 'verifier-rejection');
      if (refused !== undefined && process.env['LANGUAGE_FUZZ'] !== undefined)
        console.log(`refused by the verifier: ${refused.message}\n${text}\n`);
    } catch (error) {
      failures.push(`${error instanceof Error ? error.stack?.split('\n', 4).join('\n') : String(error)}\n${text}`);
    }
    if (performance.now() - start > SLOWEST_MS) failures.push(`slow: ${text}`);
  }
  if (process.env['LANGUAGE_FUZZ'] !== undefined) console.log(JSON.stringify(counts));
  expect(failures).toEqual([]);
  expect(counts.parsed).toBeGreaterThan(ROUNDS / 4);
  expect(counts.typed).toBeGreaterThan(ROUNDS / 50);
});
