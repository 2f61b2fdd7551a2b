/** A mistake in a file of instructions, with its 1-based line where it has one. */
export interface RawError {
  readonly line?: number;
  /** 1-based column of what is wrong in that line, and how long that is. */
  readonly column?: number;
  readonly length?: number;
  /** The line itself. */
  readonly text?: string;
  readonly message: string;
  readonly hint?: string;
}

export type RawResult<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly errors: readonly RawError[] };

/** The result of what has one mistake. */
export const fail = (message: string, line?: number): { ok: false; errors: RawError[] } => ({
  ok: false,
  errors: [line === undefined ? { message } : { line, message }],
});
