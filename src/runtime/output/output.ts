import type { Span } from '../../source/source.ts';
import type { MapContents, Primitive } from './value.ts';

/** Where a session's results go: text or JSON. Strings are byte text. */
export interface Output {
  printf(text: string): void;
  /** errorf and warnf. */
  message(severity: MessageSeverity, text: string, span: Span): void;
  value(value: Primitive): void;
  /** `name` with its `@`. */
  map(name: string, contents: MapContents): void;
  time(text: string): void;
  cat(text: string): void;
  join(text: string): void;
  system(text: string): void;
  runtimeError(error: RuntimeError, span: Span): void;
  lostEvents(count: number): void;
  attachedProbes(count: number): void;
  /** Between the last event and the maps printed at exit. */
  end(): void;
}

export type MessageSeverity = 'error' | 'warning';

export type RuntimeError =
  | { readonly kind: 'helper'; readonly helper: string; readonly result: number }
  | { readonly kind: 'other'; readonly message: string };

/** Where outputs write. */
export interface OutputStreams {
  readonly stdout: (bytes: Uint8Array) => void;
  readonly stderr: (text: string) => void;
}
