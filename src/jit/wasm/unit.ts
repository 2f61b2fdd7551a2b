import type { CompiledProgram, ExecutionEnvironment } from '../../abi/execution.ts';
import type { HelperName, HelperRow } from '../../abi/helpers.ts';
import { HELPERS } from '../../abi/helpers.ts';
import { ARG_WORDS } from '../../abi/helper-types.ts';
import type { MapDefinition } from '../../abi/program-image.ts';
import { onlyRing } from '../inlining.ts';
import type { ProgramPlan } from '../plan.ts';
import { FRAME_SYMBOL, helperById, mapSymbol, mapValuesSymbol } from '../transfer.ts';
import { Instance, Module } from '../web-assembly.ts';
import type { FunctionBody, Import, Signature, ValueType } from './binary.ts';
import { encodeModule, TYPE } from './binary.ts';
import { createCode, OP } from './code.ts';
import { emitWasmFunction } from './function.ts';
import type { MapFunctionContext } from './map-functions.ts';
import { lookupFunction, reserveFunction, submitFunction } from './map-functions.ts';
import type { ModuleContext } from './scope.ts';

const { i32, i64 } = TYPE;
const PAGE = 65536;
type Numeric = (...words: number[]) => number;

/** Runs callbacks of one program: their frame, the slot of the function, ten words of arguments. */
type CallbackExport = (frame: number, slot: number, ...args: number[]) => number;

/** The programs of a unit over one environment, whose addresses are constants of the module. */
export function compileWasmUnit(
  plans: readonly ProgramPlan[],
  maps: readonly MapDefinition[],
): (environment: ExecutionEnvironment) => readonly CompiledProgram[] {
  return (environment) => {
    const imported = helpersOf(plans);
    const { bytes, callbacks } = buildModule(plans, maps, imported, environment);
    const instance: { exports: Record<string, unknown> } = { exports: {} };
    const helpers = imported.map(({ name, plan }) => [
      importName(name, plan),
      wrapHelper(environment, name, () => instance.exports[callbacks.get(plan!)!] as CallbackExport),
    ]);
    const env = {
      memory: environment.wasmMemory,
      probeLoad: (low: number, high: number, size: number) => environment.probeLoad(low, high, size),
      ...(Object.fromEntries(helpers) as Record<string, Numeric>),
    };
    instance.exports = new Instance(new Module(bytes), { env }).exports as Record<string, unknown>;
    return plans.map((_, index) => instance.exports[`program${index}`] as CompiledProgram);
  };
}

/** A helper that a unit imports; one that calls back is imported once per program, as the callbacks are the program's. */
interface ImportedHelper {
  readonly name: HelperName;
  readonly plan: ProgramPlan | undefined;
}

function importName(name: HelperName, plan: ProgramPlan | undefined): string {
  return plan === undefined ? name : `${name}:${plan.verified.program.name}`;
}

function takesCallback(name: HelperName): boolean {
  const row: HelperRow = HELPERS[name];
  return row.args.includes('func');
}

/** What map functions leave to the runtime is imported too. */
const ALWAYS: readonly HelperName[] = ['map_lookup_elem', 'ringbuf_reserve', 'ringbuf_submit'];

function helpersOf(plans: readonly ProgramPlan[]): ImportedHelper[] {
  const found = new Map<string, ImportedHelper>(ALWAYS.map((name) => [name, { name, plan: undefined }]));
  for (const plan of plans) {
    for (const { graph } of plan.functions.values()) {
      for (const { insn, operation } of graph.blocks.flatMap(({ steps }) => steps)) {
        if (operation.kind !== 'call' || operation.callee === 'subprogram') continue;
        const name = helperById(insn.imm);
        if (name === undefined) continue;
        const owner = takesCallback(name) ? plan : undefined;
        found.set(importName(name, owner), { name, plan: owner });
      }
    }
  }
  return [...found.values()];
}

/** One i32 for each word of an argument, and the frame of a callback. */
function signatureOf(name: HelperName): Signature {
  const row: HelperRow = HELPERS[name];
  const words = row.args.flatMap((kind): ValueType[] => (ARG_WORDS[kind] === 2 ? [i32, i32] : [i32]));
  return { parameters: takesCallback(name) ? [...words, i32] : words, results: [i32] };
}

/** The helper as the module calls it; around one that calls back, the environment knows the program's callbacks. */
function wrapHelper(environment: ExecutionEnvironment, name: HelperName, callback: () => CallbackExport): Numeric {
  const helper = environment.helpers[name] as Numeric;
  if (!takesCallback(name)) return helper;
  return (...words) => {
    const frame = words.pop()!;
    const run = callback();
    // A nested call inside the callback sets the property anew, so the old one comes back afterwards.
    const outer = environment.callback;
    environment.callback = (slot, args) => run(frame, slot, ...args);
    try {
      return helper(...words);
    } finally {
      environment.callback = outer;
    }
  };
}

interface BuiltModule {
  readonly bytes: Uint8Array;
  /** Name of the export that runs a program's callbacks. */
  readonly callbacks: ReadonlyMap<ProgramPlan, string>;
}

function buildModule(
  plans: readonly ProgramPlan[],
  maps: readonly MapDefinition[],
  imported: readonly ImportedHelper[],
  environment: ExecutionEnvironment,
): BuiltModule {
  const imports: Import[] = [
    { module: 'env', name: 'probeLoad', signature: { parameters: [i32, i32, i32], results: [i32] } },
    ...imported.map(({ name, plan }) => ({
      module: 'env',
      name: importName(name, plan),
      signature: signatureOf(name),
    })),
  ];
  const importIndex = new Map(imports.map(({ name }, index) => [name, index]));
  const functions: FunctionBody[] = [];
  const add = (body: FunctionBody | undefined): number | undefined =>
    body === undefined ? undefined : imports.length + functions.push(body) - 1;

  const context: MapFunctionContext = {
    cpu: environment.current.cpu,
    lookupHelper: importIndex.get('map_lookup_elem')!,
    reserveHelper: importIndex.get('ringbuf_reserve')!,
    submitHelper: importIndex.get('ringbuf_submit')!,
  };
  const swapBytes = add(swapFunction());
  const used = new Set(plans.flatMap(({ relocations }) => [...relocations.values()].map(({ map }) => map)));
  const lookups = new Map<number, number>();
  const reserves = new Map<number, number>();
  for (const index of used) {
    const location = environment.maps[index]!;
    const lookup = add(lookupFunction(maps[index]!, location, context));
    if (lookup !== undefined) lookups.set(index, lookup);
    if (location.ring !== undefined)
      reserves.set(index, add(reserveFunction(location.address, location.ring, context))!);
  }
  const ring = onlyRing(maps);
  const ringLayout = ring === undefined ? undefined : environment.maps[ring]!.ring;
  const submit = ringLayout === undefined ? undefined : add(submitFunction(ringLayout, context));

  const symbols = new Map([[FRAME_SYMBOL, environment.stackTop]]);
  environment.maps.forEach(({ address, array }, index) => {
    symbols.set(mapSymbol(index), address);
    if (array !== undefined) symbols.set(mapValuesSymbol(index), array.values);
  });

  const callbacks = new Map<ProgramPlan, string>();
  plans.forEach((plan, index) => {
    // Callees come before their callers, so that their indices are known.
    const entries = new Map<number, number>();
    const module: ModuleContext = {
      environment,
      symbols,
      helper: (name) => importIndex.get(importName(name, takesCallback(name) ? plan : undefined))!,
      probeLoad: importIndex.get('probeLoad')!,
      swapBytes: swapBytes!,
      lookup: (map) => lookups.get(map),
      reserve: (map) => reserves.get(map),
      submit,
      function: (slot) => entries.get(slot)!,
    };
    for (const [slot, functionPlan] of plan.functions) {
      const body = emitWasmFunction(functionPlan, plan, module);
      entries.set(slot, add(functionPlan.isMain ? { ...body, exported: `program${index}` } : body)!);
    }
    if (plan.callbacks.length === 0) return;
    const exported = `callback${index}`;
    add({ ...callbackFunction(plan.callbacks, entries, environment), exported });
    callbacks.set(plan, exported);
  });
  return { bytes: encodeModule({ imports, functions }, environment.buffer.byteLength / PAGE), callbacks };
}

/** (frame, slot, ten words) → low half of the result, with the high half in its slot. */
function callbackFunction(
  slots: readonly number[],
  entries: ReadonlyMap<number, number>,
  { kernelHigh, resultHigh }: ExecutionEnvironment,
): FunctionBody {
  const [frame, wanted, first, result] = [0, 1, 2, 12];
  const code = createCode();
  const word = (low: number): void => {
    code.get(low).op(OP.i64_extend_i32_u);
    code
      .get(low + 1)
      .op(OP.i64_extend_i32_u)
      .i64(32n)
      .op(OP.i64_shl, OP.i64_or);
  };
  for (const slot of slots) {
    code.get(wanted).i32(slot).op(OP.i32_eq);
    code.structured(OP.if, TYPE.none, '', () => {
      code
        .get(frame)
        .op(OP.i64_extend_i32_u)
        .i64(BigInt(kernelHigh) << 32n)
        .op(OP.i64_or);
      for (const argument of [0, 1, 2, 3, 4]) word(first + 2 * argument);
      code.call(entries.get(slot)!).set(result);
      code.i32(resultHigh).get(result).i64(32n).op(OP.i64_shr_u, OP.i32_wrap_i64).access(OP.i32_store, 0);
      code.get(result).op(OP.i32_wrap_i64, OP.return);
    });
  }
  code.op(OP.unreachable);
  return {
    signature: { parameters: Array.from({ length: 12 }, () => i32), results: [i32] },
    locals: [i64],
    code: code.bytes,
  };
}

/** Reverses the bytes of a word: neighbours, then pairs, then halves change places. */
function swapFunction(): FunctionBody {
  const code = createCode();
  for (const [bits, mask] of [
    [8n, 0x00ff00ff00ff00ffn],
    [16n, 0x0000ffff0000ffffn],
  ] as const) {
    code.get(0).i64(mask).op(OP.i64_and).i64(bits).op(OP.i64_shl);
    code.get(0).i64(bits).op(OP.i64_shr_u).i64(mask).op(OP.i64_and, OP.i64_or).set(0);
  }
  code.get(0).i64(32n).op(OP.i64_rotl);
  return { signature: { parameters: [i64], results: [i64] }, locals: [], code: code.bytes };
}
