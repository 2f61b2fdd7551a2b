import { render } from 'ink';
import type { Model } from '../model/model.ts';
import { screenOf } from '../screen/screen.ts';
import { paint, type Painted } from './paint.ts';
import { Picture } from './Screen.tsx';

export interface Mounted {
  /** Shows a model, soon: of several at once the last. */
  readonly show: (model: Model) => void;
  /** Draws everything anew. */
  readonly redraw: () => void;
  readonly unmount: () => void;
}

const NOTHING = (): void => undefined;

/** What Ink needs of a stream: where frames go. Ink makes the picture, we write what differs from the last. */
function frameStream(columns: number, rows: number, write: (frame: string) => void): NodeJS.WriteStream {
  const stream = { isTTY: true, columns, rows, write, on: NOTHING, off: NOTHING, removeListener: NOTHING };
  return stream as unknown as NodeJS.WriteStream;
}

/** Draws models on a terminal; `write` takes what is to be sent to it. */
export function mount(first: Model, write: (text: string) => void): Mounted {
  let model = first;
  let painted: Painted | undefined;
  let isScheduled = false;
  let screen = screenOf(first);
  const stream = frameStream(first.columns, first.rows, (frame) => {
    const lines = frame.split('\n').slice(0, model.rows);
    write(paint(painted, lines, screen.cursor));
    painted = { lines };
  });
  const stdin = { isTTY: false, on: NOTHING, off: NOTHING } as unknown as NodeJS.ReadStream;
  const picture = () => <Picture model={model} screen={screen} />;
  // Every frame as a whole and at once: Ink's own way of drawing scrolls when a frame is as high as the terminal.
  const instance = render(picture(), {
    stdout: stream,
    stderr: stream,
    stdin,
    debug: true,
    exitOnCtrlC: false,
    patchConsole: false,
  });
  const draw = (): void => {
    isScheduled = false;
    if (stream.columns !== model.columns || stream.rows !== model.rows) {
      Object.assign(stream, { columns: model.columns, rows: model.rows });
      painted = undefined;
    }
    screen = screenOf(model);
    instance.rerender(picture());
  };
  const schedule = (): void => {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(draw);
  };
  return {
    show(next) {
      model = next;
      schedule();
    },
    redraw() {
      painted = undefined;
      schedule();
    },
    unmount: () => instance.unmount(),
  };
}
