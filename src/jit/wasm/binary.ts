/** The binary format of WebAssembly 1.0 with sign extension, as far as the emitter needs it (webassembly.github.io/spec/core/binary). */

export const TYPE = { i32: 0x7f, i64: 0x7e, f64: 0x7c, none: 0x40 } as const;
export type ValueType = typeof TYPE.i32 | typeof TYPE.i64 | typeof TYPE.f64;

export interface Signature {
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
}

export interface Import {
  readonly module: string;
  readonly name: string;
  readonly signature: Signature;
}

export interface FunctionBody {
  readonly signature: Signature;
  /** Types of the local variables behind the parameters. */
  readonly locals: readonly ValueType[];
  readonly code: readonly number[];
  /** Name under which the module exports it. */
  readonly exported?: string;
}

export interface Module {
  /** Functions that the module imports; they have the first function indices. */
  readonly imports: readonly Import[];
  readonly functions: readonly FunctionBody[];
}

/** Appends a number in unsigned LEB128. */
export function putUnsigned(bytes: number[], value: number): void {
  let rest = value >>> 0;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
}

/** Appends a 32-bit number in signed LEB128. */
export function putSigned(bytes: number[], value: number): void {
  let rest = value | 0;
  while (rest < -0x40 || rest > 0x3f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>= 7;
  }
  bytes.push(rest & 0x7f);
}

/** Appends a 64-bit number in signed LEB128. */
export function putSigned64(bytes: number[], value: bigint): void {
  let rest = BigInt.asIntN(64, value);
  while (rest !== BigInt.asIntN(32, rest)) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  putSigned(bytes, Number(rest));
}

function putText(bytes: number[], string: string): void {
  putUnsigned(bytes, string.length);
  for (let i = 0; i < string.length; i++) bytes.push(string.charCodeAt(i));
}

/** Appends bytes behind their length. */
function putSized(bytes: number[], content: readonly number[]): void {
  putUnsigned(bytes, content.length);
  for (const byte of content) bytes.push(byte);
}

const SECTION = { type: 1, import: 2, function: 3, export: 7, code: 10 } as const;
const FUNCTION_TYPE = 0x60;
const KIND = { function: 0x00, memory: 0x02 } as const;
/** A memory with a largest size that threads share. */
const SHARED_MEMORY = 0x03;
const END = 0x0b;

/** The bytes of a module whose memory, shared and of a fixed number of pages, is imported as `env.memory`. */
export function encodeModule({ imports, functions }: Module, pages: number): Uint8Array {
  const types: number[] = [];
  const known = new Map<string, number>();
  const typeOf = ({ parameters, results }: Signature): number => {
    const key = `${parameters.join()}>${results.join()}`;
    let index = known.get(key);
    if (index === undefined) {
      index = known.size;
      known.set(key, index);
      types.push(FUNCTION_TYPE);
      putSized(types, parameters);
      putSized(types, results);
    }
    return index;
  };
  const importRows: number[] = [];
  putText(importRows, 'env');
  putText(importRows, 'memory');
  importRows.push(KIND.memory, SHARED_MEMORY);
  putUnsigned(importRows, pages);
  putUnsigned(importRows, pages);
  for (const { module, name, signature } of imports) {
    putText(importRows, module);
    putText(importRows, name);
    importRows.push(KIND.function);
    putUnsigned(importRows, typeOf(signature));
  }
  const functionRows: number[] = [];
  const exportRows: number[] = [];
  const codeRows: number[] = [];
  let exported = 0;
  functions.forEach((body, index) => {
    putUnsigned(functionRows, typeOf(body.signature));
    putSized(codeRows, bodyOf(body));
    if (body.exported === undefined) return;
    exported++;
    putText(exportRows, body.exported);
    exportRows.push(KIND.function);
    putUnsigned(exportRows, imports.length + index);
  });
  const bytes = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  putSection(bytes, SECTION.type, known.size, types);
  putSection(bytes, SECTION.import, imports.length + 1, importRows);
  putSection(bytes, SECTION.function, functions.length, functionRows);
  putSection(bytes, SECTION.export, exported, exportRows);
  putSection(bytes, SECTION.code, functions.length, codeRows);
  return Uint8Array.from(bytes);
}

function putSection(bytes: number[], id: number, count: number, rows: readonly number[]): void {
  const content: number[] = [];
  putUnsigned(content, count);
  for (const byte of rows) content.push(byte);
  bytes.push(id);
  putSized(bytes, content);
}

function bodyOf({ locals, code }: FunctionBody): number[] {
  const bytes: number[] = [];
  putUnsigned(bytes, locals.length);
  for (const type of locals) bytes.push(1, type);
  for (const byte of code) bytes.push(byte);
  bytes.push(END);
  return bytes;
}
