import type { Span } from '../source/source.ts';
import type { AttachTarget } from './attach-target.ts';
import type { Config } from './config.ts';
import type { Type } from './types.ts';

/**
 * What user space must know beside the image: how to read the ring buffer's events and the maps' bytes.
 * bpftrace calls it RequiredResources.
 */
export interface Resources {
  readonly config: Config;
  /** In the order of ProgramImage.programs: where each attaches and what its `probe` is called. */
  readonly attachments: readonly Attachment[];
  /** In the order of ProgramImage.maps; absent for maps without a name in the script. */
  readonly maps: readonly (MapResource | undefined)[];
  /** Index in ProgramImage.maps of the ring buffer, of the stack-trace maps by their use. */
  readonly ringBuffer: number;
  /** Index in ProgramImage.maps of the perf buffers that packets come through; absent when the script sends none. */
  readonly perfBuffers?: number;
  /** An event in the ring buffer starts with a u64: its index here. */
  readonly actions: readonly Action[];
  /** Formats of strftime(), by the index in a `timestamp` value. */
  readonly timeFormats: readonly string[];
  /** Stack maps by mode and limit: kstack/ustack values hold a stack id of such a map. */
  readonly stackMaps: readonly StackMapResource[];
}

export interface Attachment {
  readonly program: string;
  readonly probeName: string;
  readonly target: AttachTarget;
  readonly span: Span;
}

export interface MapResource {
  /** As in the script, with the `@`. */
  readonly name: string;
  /** Absent for a scalar map, whose key is 8 bytes of zero in a hash or index 0 of an array. */
  readonly key?: Type;
  readonly value: Type;
}

export interface StackMapResource {
  readonly map: number;
  readonly space: 'kernel' | 'user';
  readonly limit: number;
}

/** A value inside an event, `offset` bytes from the event's start (the u64 index included). */
export interface EventField {
  readonly type: Type;
  readonly offset: number;
}

/** What stands in front of a packet: the number of its action, and the time when it was seen. */
export const PACKET_HEADER = 16;

/** What user space does on an event. A row's `args` describe the payload behind the u64 index. */
export type Action =
  | {
      readonly kind: 'printf' | 'errorf' | 'warnf' | 'cat' | 'system';
      readonly format: string;
      readonly args: readonly EventField[];
      readonly span: Span;
    }
  | { readonly kind: 'exit'; readonly code?: EventField }
  /** `map` is an index in ProgramImage.maps; top and div are constants of the call. */
  | { readonly kind: 'print_map'; readonly map: number; readonly top?: EventField; readonly div?: EventField }
  /** print(@m[k]) and print(expression). */
  | { readonly kind: 'print_value'; readonly value: EventField }
  | { readonly kind: 'clear' | 'zero'; readonly map: number }
  | { readonly kind: 'time'; readonly format: string }
  | { readonly kind: 'join'; readonly separator: string; readonly count: EventField; readonly strings: EventField }
  /** A helper failed (-k): its name, where, and the return value. */
  | { readonly kind: 'helper_error'; readonly helper: string; readonly error: EventField; readonly span: Span }
  | { readonly kind: 'runtime_error'; readonly error: string; readonly span: Span }
  /** A packet that came through the perf buffers, not the ring buffer: behind the time when it was seen. */
  | { readonly kind: 'skboutput'; readonly path: string; readonly offset: number };
