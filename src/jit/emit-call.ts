import type { HelperName, HelperRow } from '../abi/helpers.ts';
import { HELPERS } from '../abi/helpers.ts';
import { ARG_WORDS } from '../abi/helper-types.ts';
import type { MapDefinition } from '../abi/program-image.ts';
import { MAX_BPF_STACK } from '../isa/instruction.ts';
import { lookupSymbol, reserveSymbol, SUBMIT_SYMBOL } from './emit-maps.ts';
import { emitCopies, keyWords } from './emit-memory.ts';
import { type Inlined, inlinedCall, recordSize } from './inlining.ts';
import type { Halves } from './liveness.ts';
import { hasHigh, hasLow } from './liveness.ts';
import type { Operation } from '../isa/operation.ts';
import type { Step } from './control-flow.ts';
import type { ProgramPlan } from './plan.ts';
import type { Site } from './site.ts';
import { addressText, CURRENT_SYMBOLS, highName, highText, isRead, lowName, lowText, needsHigh } from './site.ts';
import { FRAME_SYMBOL, helperById, mapValuesSymbol } from './transfer.ts';
import type { Value } from './value.ts';

/** What calls need to know about the program and its unit. */
export interface CallContext extends ProgramPlan {
  /** Name of the function that runs callbacks of this program. */
  readonly callbackName: string;
  /** Name of the function at a slot. */
  readonly functionName: (slot: number) => string;
  /** Notes that generated code refers to a helper. */
  readonly useHelper: (name: HelperName) => void;
  /** Notes that generated code works on a map by itself. */
  readonly useMap: (index: number) => void;
}

/** Name of a helper in generated code. */
export function helperVariable(name: HelperName): string {
  return `bpf_${name}`;
}

/** Names of the halves in a set, in the order in which functions take them. */
export function parameterNames(halves: Halves): string[] {
  return [1, 2, 3, 4, 5].flatMap((register) => [
    ...(hasLow(halves, register) ? [lowName(register)] : []),
    ...(hasHigh(halves, register) ? [highName(register)] : []),
  ]);
}

/** Statements for a call of a helper. */
export function emitHelperCall(site: Site, id: number, result: Value, context: CallContext): string[] {
  const name = helperById(id);
  if (name === undefined) return [`unsupported(${id});`];
  const wantsHigh = needsHigh(site, 0, result);
  const inlined = inlinedCall(id, site.state, context.maps);
  if (inlined?.kind === 'load') return emitCurrent(site, inlined, wantsHigh);
  // Also where the call is inlined: what is rare is left to the helper.
  context.useHelper(name);
  if (inlined !== undefined) return emitInlined(site, inlined, context);
  const copies = emitCopies(site, context);
  const row: HelperRow = HELPERS[name];
  const args = row.args.flatMap((kind, index) => {
    const register = index + 1;
    const value = site.state[register]!;
    const low = lowText(value, register);
    return ARG_WORDS[kind] === 2 ? [low, highText(value, register)] : [low];
  });
  const call = `${helperVariable(name)}(${args.join(', ')});`;
  const statements = [...copies, isRead(site, 0) ? `r0 = ${call}` : call];
  if (wantsHigh) statements.push('h0 = HEAP32[RESULT];');
  return row.args.includes('func') ? withCallback(statements, context) : statements;
}

/** A nested call inside the callback sets the property anew, so the old one comes back afterwards. */
function withCallback(statements: readonly string[], { callbackName }: CallContext): string[] {
  return [
    '{',
    '  const outer = ENV.callback;',
    `  const frame = ${addressText(FRAME_SYMBOL, -MAX_BPF_STACK)};`,
    `  ENV.callback = (slot, args) => ${callbackName}(frame, slot, args);`,
    '  try {',
    ...statements.map((text) => `    ${text}`),
    '  } finally {',
    '    ENV.callback = outer;',
    '  }',
    '}',
  ];
}

function emitCurrent(site: Site, load: Extract<Inlined, { kind: 'load' }>, wantsHigh: boolean): string[] {
  const symbol = CURRENT_SYMBOLS[load.location];
  const low = hasLow(site.live, 0) ? [`r0 = HEAP32[${symbol} >> 2];`] : [];
  const high = wantsHigh ? [`h0 = ${load.wide ? `HEAP32[${symbol} + 4 >> 2]` : '0'};`] : [];
  return [...low, ...high];
}

/** Work on the layout of a map: an array's lookup is a bounds check and a multiplication, the others have functions. */
function emitInlined(site: Site, inlined: Exclude<Inlined, { kind: 'load' }>, { maps, useMap }: CallContext): string[] {
  const { state } = site;
  switch (inlined.kind) {
    case 'array_lookup':
      useMap(inlined.map);
      return isRead(site, 0) ? emitArrayLookup(site, inlined.map, maps[inlined.map]!) : [];
    case 'hash_lookup': {
      useMap(inlined.map);
      const words = keyWords(site, 2, maps[inlined.map]!.keySize / 4);
      return [`r0 = ${lookupSymbol(inlined.map)}(${words.join(', ')});`];
    }
    case 'reserve':
      useMap(inlined.ring);
      return [`r0 = ${reserveSymbol(inlined.ring)}(${inlined.size}, ${recordSize(inlined.size)});`];
    case 'submit': {
      const flags = state[2]!;
      return [`${SUBMIT_SYMBOL}(${lowText(state[1]!, 1)}, ${lowText(flags, 2)}, ${highText(flags, 2)});`];
    }
  }
}

function emitArrayLookup(site: Site, index: number, { type }: MapDefinition): string[] {
  const [word] = keyWords(site, 2, 1);
  const cpu = type === 'percpu_array' ? ` + imul(HEAP32[CPU >> 2], CPU_STRIDE${index})` : '';
  const element = (key: string): string => `${mapValuesSymbol(index)}${cpu} + imul(${key}, STRIDE${index}) | 0`;
  // Where the jump compares the key, nobody reads the result of one that is too large.
  if (isNullCheck(site.next)) return [`r0 = ${element(word!)};`];
  return [`r0 = ${word!};`, `r0 = (r0 >>> 0) < ENTRIES${index} ? ${element('r0')} : 0;`];
}

/** Whether a step asks if r0 is null: on that way r0 is a known zero. */
function isNullCheck(step: Step | undefined): boolean {
  if (step?.operation.kind !== 'jump') return false;
  const { op, width, source } = step.operation;
  return (
    (op === 'jeq' || op === 'jne') && width === 64 && source === 'imm' && step.insn.imm === 0 && step.insn.dst === 0
  );
}

/** The condition of a null check right behind an array lookup, in terms of the key. */
export function emitNullCheck(lookup: Site, negated: boolean, { maps }: CallContext): string | undefined {
  const { step, next, state } = lookup;
  if (!isNullCheck(next) || step.operation.kind !== 'call' || step.operation.callee !== 'helper') return undefined;
  const inlined = inlinedCall(step.insn.imm, state, maps);
  if (inlined?.kind !== 'array_lookup') return undefined;
  const asksNull = (next!.operation as Extract<Operation, { kind: 'jump' }>).op === 'jeq';
  return `(${keyWords(lookup, 2, 1)[0]!} >>> 0) ${asksNull === negated ? '<' : '>='} ENTRIES${inlined.map}`;
}

/** Statements for a call of another function of the program. */
export function emitSubprogramCall(site: Site, target: number, result: Value, context: CallContext): string[] {
  const halves = context.parametersOf(target);
  const args = [1, 2, 3, 4, 5].flatMap((register) => {
    const value = site.state[register]!;
    return [
      ...(hasLow(halves, register) ? [lowText(value, register)] : []),
      ...(hasHigh(halves, register) ? [highText(value, register)] : []),
    ];
  });
  const frame = addressText(FRAME_SYMBOL, -MAX_BPF_STACK);
  const call = `${context.functionName(target)}(${[frame, ...args].join(', ')});`;
  if (!isRead(site, 0)) return [call];
  return [`r0 = ${call}`, ...(needsHigh(site, 0, result) ? ['h0 = HEAP32[RESULT];'] : [])];
}
