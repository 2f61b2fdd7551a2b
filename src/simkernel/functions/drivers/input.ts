import { kernelFunction } from '../../execution/kernel-function.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { ttyFlipBufferPush } from './tty.ts';
import type { Tty } from './tty.ts';
import { bug } from '../../../source/bug.ts';

/** include/uapi/linux/input-event-codes.h */
export const EV_KEY = 1;
const KEY_LEFTSHIFT = 42;

/** Characters by key code, which for the main block is the make code of scan code set 1; the second is with shift. */
const KEYS: ReadonlyMap<number, string> = new Map(
  (
    [
      [2, '1!', '2@', '3#', '4$', '5%', '6^', '7&', '8*', '9(', '0)', '-_', '=+'],
      [15, '\t\t', 'qQ', 'wW', 'eE', 'rR', 'tT', 'yY', 'uU', 'iI', 'oO', 'pP', '[{', ']}', '\n\n'],
      [30, 'aA', 'sS', 'dD', 'fF', 'gG', 'hH', 'jJ', 'kK', 'lL', ';:', '\'"', '`~'],
      [43, '\\|', 'zZ', 'xX', 'cC', 'vV', 'bB', 'nN', 'mM', ',<', '.>', '/?'],
      [57, '  '],
    ] as const
  ).flatMap(([first, ...keys]) => keys.map((key, i): [number, string] => [first + i, key])),
);

/** An input device whose keys go to the console. */
export interface Keyboard extends KernelObject {
  readonly tty: Tty;
  shifted: boolean;
}

/** Make and break codes of one character, with shift around it if it needs one. */
export function scanCodesOf(character: string): readonly number[] {
  for (const [code, [plain, shifted]] of KEYS) {
    if (character === plain) return [code, code | 0x80];
    if (character === shifted) return [KEY_LEFTSHIFT, code, code | 0x80, KEY_LEFTSHIFT | 0x80];
  }
  bug(`no key gives ${JSON.stringify(character)}`);
}

/** drivers/tty/vt/keyboard.c: presses of keys with a character put it into the console's terminal. */
const kbdEvent = kernelFunction(
  'kbd_event',
  60,
  (m, handle: KernelObject & { readonly keyboard: Keyboard }, _type: number, code: number, value: number): void => {
    const { keyboard } = handle;
    if (code === KEY_LEFTSHIFT) keyboard.shifted = value !== 0;
    const character = KEYS.get(code)?.[keyboard.shifted ? 1 : 0];
    if (value === 0 || character === undefined) return;
    keyboard.tty.flip += character;
    ttyFlipBufferPush(m, keyboard.tty.port);
  },
);
export const inputEvent = kernelFunction(
  'input_event',
  40,
  (m, dev: Keyboard, type: number, code: number, value: number): void =>
    kbdEvent(m, { address: dev.address, keyboard: dev }, type, code, value),
);
