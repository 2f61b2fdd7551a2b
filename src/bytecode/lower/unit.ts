import type { MapDefinition } from '../../abi/program-image.ts';
import { linuxMapType, hasBuckets, mapKeySize, mapValueSize } from '../../lang/map-layout.ts';
import type { Action, Attachment, MapResource } from '../../lang/resources.ts';
import type { TypedProgram } from '../../lang/typed-program.ts';
import type { Diagnostic } from '../../source/diagnostic.ts';
import { bug } from '../../source/bug.ts';
import { ActionList } from './action-list.ts';
import { PAGE_SIZE } from '../../abi/linux.ts';

export const PERF_BUFFERS = 'perf_event';

/** What a caller may ask of code generation. */
export interface GenerateOptions {
  /** -k: reads that fail and elements that are missing are reported. */
  readonly reportHelperErrors?: boolean;
  /** BPFTRACE_DUMMY_TS_MAP: the scalar map (without its @) that time series take for the time, for reproducible tests. */
  readonly clockMap?: string;
}

/** What all programs of a script share while it is lowered: maps, actions, formats. */
export class Unit {
  readonly typed: TypedProgram;
  /** Reads that fail and elements that are missing are reported, too. */
  readonly reportHelperErrors: boolean;
  readonly clockMap: string | undefined;
  readonly maps: MapDefinition[] = [];
  readonly mapResources: (MapResource | undefined)[] = [];
  readonly actions: readonly Action[];
  readonly timeFormats: string[] = [];
  readonly attachments: Attachment[] = [];
  readonly diagnostics: Diagnostic[] = [];
  readonly ringBuffer: number;
  readonly #byName = new Map<string, number>();
  readonly #actions = new ActionList();
  #readOnly: Uint8Array[] = [];
  #readOnlyMap: number | undefined;

  constructor(typed: TypedProgram, options: GenerateOptions = {}) {
    this.typed = typed;
    this.actions = this.#actions.actions;
    this.reportHelperErrors = options.reportHelperErrors ?? false;
    this.clockMap = options.clockMap;
    for (const symbol of typed.maps.values()) {
      const scalarMap = symbol.key === undefined && !hasBuckets(symbol.value);
      const index = this.addMap(
        {
          name: `AT_${symbol.name}`,
          type: linuxMapType(symbol),
          keySize: mapKeySize(symbol.key, symbol.value),
          valueSize: mapValueSize(symbol.value),
          maxEntries: symbol.declared?.maxEntries ?? (scalarMap ? 1 : typed.config.max_map_keys),
          flags: 0,
        },
        {
          name: `@${symbol.name}`,
          ...(symbol.key === undefined ? {} : { key: symbol.key }),
          value: symbol.value,
        },
      );
      this.#byName.set(symbol.name, index);
    }
    this.ringBuffer = this.addMap({
      name: 'ringbuf',
      type: 'ringbuf',
      keySize: 0,
      valueSize: 0,
      maxEntries: typed.config.perf_rb_pages * PAGE_SIZE,
      flags: 0,
    });
  }

  addMap(definition: MapDefinition, resource?: MapResource): number {
    this.maps.push(definition);
    this.mapResources.push(resource);
    return this.maps.length - 1;
  }

  /** Index of a script's map. */
  mapIndex(name: string): number {
    return this.#byName.get(name) ?? bug(`map @${name} has no symbol`);
  }

  /** An internal map, made when first asked for. */
  internalMap(name: string, definition: () => Omit<MapDefinition, 'name'>): number {
    const known = this.#byName.get(`%${name}`);
    if (known !== undefined) return known;
    const index = this.addMap({ name, ...definition() });
    this.#byName.set(`%${name}`, index);
    return index;
  }

  /** The buffers that packets come through to user space, which the ring buffer's records have no room for. */
  perfBuffers(): number {
    return this.internalMap(PERF_BUFFERS, () => ({
      type: 'perf_event_array',
      keySize: 4,
      valueSize: 4,
      maxEntries: this.typed.target.cpus,
      flags: 0,
    }));
  }

  /** Index of an internal map that some code asked for. */
  knownInternalMap(name: string): number | undefined {
    return this.#byName.get(`%${name}`);
  }

  /** Registers what user space does on an event; returns the event's first word. */
  action(action: Action): number {
    return this.#actions.numberOf(action);
  }

  timeFormat(format: string): number {
    const known = this.timeFormats.indexOf(format);
    return known >= 0 ? known : this.timeFormats.push(format) - 1;
  }

  /** Puts bytes in read-only data; returns the map and the offset in its value. */
  readOnly(bytes: Uint8Array): { readonly map: number; readonly offset: number } {
    const map = (this.#readOnlyMap ??= this.addMap({
      name: 'rodata',
      type: 'array',
      keySize: 4,
      valueSize: 0,
      maxEntries: 1,
      flags: 0,
    }));
    let offset = 0;
    for (const known of this.#readOnly) {
      if (known.length === bytes.length && known.every((byte, index) => byte === bytes[index])) return { map, offset };
      offset += Math.ceil(known.length / 8) * 8;
    }
    this.#readOnly.push(bytes);
    return { map, offset };
  }

  /** Gives the read-only map its size and contents, when all programs are lowered. */
  finishReadOnly(readOnlyFlag: number): void {
    if (this.#readOnlyMap === undefined) return;
    const parts = this.#readOnly.map((bytes) => Math.ceil(bytes.length / 8) * 8);
    const initial = new Uint8Array(parts.reduce((a, b) => a + b, 0));
    let offset = 0;
    this.#readOnly.forEach((bytes, index) => {
      initial.set(bytes, offset);
      offset += parts[index]!;
    });
    const map = this.maps[this.#readOnlyMap]!;
    this.maps[this.#readOnlyMap] = { ...map, valueSize: initial.length, flags: readOnlyFlag, initial };
  }
}
