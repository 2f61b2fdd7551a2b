import { type AssemblyNames, type Statement, type Target, parseStatement } from './assembly-forms.ts';
import { type Mistake, isMistake } from './assembly-operands.ts';
import type { Insn } from './instruction.ts';
import { CALL_CODE } from './opcodes.ts';

/** `rD = map[name]` or `rD = map[name]+offset`: the caller knows which map that is. */
export interface MapReference {
  readonly slot: number;
  readonly map: string;
  readonly offset?: number;
}

export interface AssembledProgram {
  readonly insns: readonly Insn[];
  /** Slot of each label. */
  readonly labels: ReadonlyMap<string, number>;
  readonly mapReferences: readonly MapReference[];
  /** 1-based line of the text from which the instruction at each of these slots is. */
  readonly lines: readonly { readonly slot: number; readonly line: number }[];
}

export interface AssemblyError {
  /** 1-based line of the text. */
  readonly line: number;
  /** 1-based column of what is wrong, and how long that is. */
  readonly column: number;
  readonly length: number;
  readonly message: string;
  readonly hint?: string;
}

export type AssemblyResult =
  | { readonly ok: true; readonly program: AssembledProgram }
  | { readonly ok: false; readonly errors: readonly AssemblyError[] };

/**
 * Reads what `disassemble` prints, one instruction a line. Besides: `label:` lines, labels as targets of jumps, calls and
 * `func[label]`, hex or decimal immediates, `;` and `//` comments, a `3: (bf)` in front.
 */
export function assemble(text: string, names: AssemblyNames = {}): AssemblyResult {
  const lines = linesOf(text);
  const errors: AssemblyError[] = [];
  const report = (line: number, mistake: Mistake): void => void errors.push(locate(lines[line - 1]!, line, mistake));
  const statements: { line: number; slot: number; statement: Statement }[] = [];
  const labels = new Map<string, number>();
  let slot = 0;
  lines.forEach((raw, index) => {
    const line = index + 1;
    const code = stripComment(raw).trim();
    const label = /^([A-Za-z_.][\w.]*):$/.exec(code)?.[1];
    if (label !== undefined) {
      if (labels.has(label)) report(line, { message: `label '${label}' is defined twice`, word: label });
      labels.set(label, slot);
      return;
    }
    const source = stripPlace(code);
    if (source === '') return;
    const statement = parseStatement(source, names);
    if (isMistake(statement)) return report(line, statement);
    statements.push({ line, slot, statement });
    slot += statement.insns.length;
  });

  const insns: Insn[] = [];
  const mapReferences: MapReference[] = [];
  for (const { line, slot: at, statement } of statements) {
    const [first, ...rest] = statement.insns;
    const resolved = statement.target === undefined ? first! : resolve(first!, statement.target, at, labels);
    if (isMistake(resolved)) report(line, resolved);
    else insns.push(resolved, ...rest);
    if (statement.map !== undefined) mapReferences.push({ slot: at, ...statement.map });
  }
  if (errors.length > 0) return { ok: false, errors: errors.sort((a, b) => a.line - b.line) };
  const places = statements.map(({ slot: at, line }) => ({ slot: at, line }));
  return { ok: true, program: { insns, labels, mapReferences, lines: places } };
}

/** Where in its line a mistake is. */
function locate(raw: string, line: number, { message, word, hint }: Mistake): AssemblyError {
  const code = stripComment(raw).trimEnd();
  const start = code.length - stripPlace(code.trimStart()).length;
  const at = word === undefined ? -1 : code.lastIndexOf(word);
  const place =
    at < 0 ? { column: Math.max(start, 0) + 1, length: code.length - start } : { column: at + 1, length: word!.length };
  return { line, ...place, message, ...(hint === undefined ? {} : { hint }) };
}

/** The lines of a text; some editors end them with CR LF. */
export const linesOf = (text: string): string[] => text.split(/\r?\n/);

/** What stands in front of a comment. */
export function stripComment(line: string): string {
  const at = line.search(/;|\/\//);
  return at < 0 ? line : line.slice(0, at);
}

/** An instruction without what a listing puts in front of it. */
function stripPlace(code: string): string {
  return code
    .replace(/^\d+:\s*/, '')
    .replace(/^\([0-9a-f]{2}\)\s*/, '')
    .replace(/\s+/g, ' ');
}

function resolve(insn: Insn, target: Target, slot: number, labels: ReadonlyMap<string, number>): Insn | Mistake {
  const literal = /^(?:pc)?([+-]\d+)$/.exec(target.text)?.[1];
  let distance: number;
  if (literal !== undefined) {
    distance = Number(literal);
  } else {
    const at = labels.get(target.text);
    if (at === undefined) return unknownLabel(insn, target.text, labels);
    distance = at - slot - 1;
  }
  const bits = target.field === 'off' ? 16 : 32;
  if (distance < -(2 ** (bits - 1)) || distance >= 2 ** (bits - 1)) {
    const message = `jump distance ${distance} does not fit in ${bits} bits`;
    return { message, word: target.text, ...(bits === 16 ? { hint: '`gotol` reaches further than `goto`' } : {}) };
  }
  return { ...insn, [target.field]: distance };
}

function unknownLabel(insn: Insn, text: string, labels: ReadonlyMap<string, number>): Mistake {
  const known = [...labels.keys()];
  const hint = known.length === 0 ? 'a label is a line of its own: `done:`' : `labels are ${known.join(', ')}`;
  const what = insn.code === CALL_CODE ? `no helper and no label '${text}'` : `unknown label '${text}'`;
  return { message: what, word: text, hint };
}
