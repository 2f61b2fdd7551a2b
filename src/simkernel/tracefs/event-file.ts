import type { EventTrigger } from './triggers/trigger.ts';
import { fieldsByName } from './event.ts';
import type { TraceEvent } from './event.ts';
import { mistakeText, parseFilter } from './filter.ts';
import type { Filter, FilterMistake } from './filter.ts';
import type { RecordView } from './print-format.ts';
import type { TraceArray } from './trace-array.ts';

/** struct trace_event_file: what the files of one event say in one trace array. */
export class EventFile {
  readonly array: TraceArray;
  readonly event: TraceEvent;
  /** Its records are kept. */
  isRecording = false;
  filter: Filter | null = null;
  /** In the order in which the file `trigger` lists them. */
  triggers: readonly EventTrigger[] = [];
  /** What the filter file shows of a filter that was refused. */
  private mistake: string | null = null;
  /** How many triggers are on the event or switch it: it is listened to without being recorded (SOFT_MODE). */
  private softUsers = 0;
  private detach: (() => void) | null = null;

  constructor(array: TraceArray, event: TraceEvent) {
    this.array = array;
    this.event = event;
  }
  get key(): string {
    return `${this.event.system}:${this.event.name}`;
  }
  /** Somebody listens, whether or not records are kept. */
  get isEnabled(): boolean {
    return this.detach !== null;
  }
  get enableText(): string {
    return `${this.isRecording ? 1 : 0}${this.softUsers > 0 ? '*' : ''}`;
  }
  get filterText(): string {
    return this.mistake ?? `${this.filter?.text ?? 'none'}\n`;
  }
  /** 0 or a negative error number. */
  enable(on: boolean): number {
    const before = this.isRecording;
    this.isRecording = on;
    const error = this.settle();
    if (error !== 0) this.isRecording = before;
    return error;
  }
  /** A trigger comes to need the event, or goes: 0 or a negative error number. */
  useSoftly(by: 1 | -1): number {
    this.softUsers += by;
    const error = this.settle();
    if (error !== 0) this.softUsers -= by;
    return error;
  }
  /** The event goes away, and everything that hangs on it. */
  close(): void {
    this.isRecording = false;
    for (const trigger of this.triggers) trigger.remove();
    this.triggers = [];
    this.softUsers = 0;
    this.settle();
  }
  /** `0` removes the filter. */
  setFilter(written: string): number {
    const text = written.trim();
    this.mistake = null;
    this.filter = null;
    if (text === '0') return 0;
    const filter = this.parseFilter(text);
    if ('matches' in filter) {
      this.filter = filter;
      return 0;
    }
    this.mistake = mistakeText(text, filter);
    return -filter.errno;
  }
  /** A filter by the event's fields; a mistake is in error_log, too. */
  parseFilter(text: string): Filter | FilterMistake {
    const filter = parseFilter(text, fieldsByName(this.event));
    if ('matches' in filter) return filter;
    this.array.logError(`event filter parse error: error: ${filter.message}`, text, filter.position);
    return filter;
  }
  /** Whether a filter fits the event's fields. */
  accepts(filter: string): boolean {
    return 'matches' in parseFilter(filter, fieldsByName(this.event));
  }
  private view(data: Uint8Array): RecordView {
    return { machine: this.array.machine, data, fields: fieldsByName(this.event) };
  }
  private settle(): number {
    const isWanted = this.isRecording || this.softUsers > 0;
    if (!isWanted) {
      this.detach?.();
      this.detach = null;
    }
    if (!isWanted || this.detach !== null) return 0;
    const detach = this.event.listen(this.array.machine, (record) => this.hit(record));
    if (typeof detach === 'number') return detach;
    this.detach = detach;
    return 0;
  }
  /**
   * The event has happened. Triggers that need no record run before there is one; where one of them has a filter or wants
   * the record, all wait until it is made (EVENT_FILE_FL_TRIGGER_COND), and some until it is kept.
   */
  private hit(build: () => Uint8Array): void {
    const { array, triggers } = this;
    const isConditional = triggers.some(({ needsRecord }) => needsRecord);
    if (!isConditional) for (const trigger of triggers) trigger.hit(null);
    const isOpen = array.isOn;
    if (!isConditional && !(isOpen && this.isRecording)) return;
    const view = this.view(array.stamp(this.event, build()));
    if (!array.followsTask(this, view)) return;
    const wanted = isConditional ? triggers.filter(({ filter }) => filter?.matches(view) !== false) : [];
    // A record that may be thrown away again is made elsewhere and only copied to the ring in the end.
    const isBuffered = this.filter !== null || !this.isRecording;
    for (const trigger of wanted) if (!trigger.isPost) trigger.hit(view);
    const isKept = this.isRecording && (isBuffered ? array.isOn : isOpen) && this.filter?.matches(view) !== false;
    if (isKept) array.writeEvent(this.event, view.data);
    for (const trigger of wanted) if (trigger.isPost) trigger.hit(view);
  }
}
