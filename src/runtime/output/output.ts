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
  testResult(result: TestResult): void;
  benchmarkResult(result: BenchmarkResult): void;
  /** Between the last event and the maps printed at exit. */
  end(): void;
}

/** One test of a --test run; `passed` knows this and the earlier ones. */
export interface TestResult {
  readonly names: readonly string[];
  readonly index: number;
  readonly durationNs: number;
  readonly passed: readonly boolean[];
  /** What it printed. */
  readonly text: string;
}

/** One benchmark of a --bench run. */
export interface BenchmarkResult {
  readonly names: readonly string[];
  readonly index: number;
  readonly averageNs: number;
  readonly runs: number;
}

export type MessageSeverity = 'error' | 'warning';

export type RuntimeError =
  | { readonly kind: 'helper'; readonly helper: string; readonly result: number }
  | { readonly kind: 'other'; readonly message: string };

/** Where outputs write. */
export interface OutputStreams {
  readonly stdout: (bytes: Uint8Array) => void;
  readonly stderr: (text: string) => void;
  /** Messages are red or yellow. */
  readonly color?: boolean;
}
