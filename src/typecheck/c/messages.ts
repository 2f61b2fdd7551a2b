import type { CToken } from './tokens.ts';

/** A message in clang's words; `note` lines belong to the error above them. */
export interface CMessage {
  readonly severity: 'fatal error' | 'error' | 'warning' | 'note';
  readonly text: string;
  readonly at: Pick<CToken, 'file' | 'line' | 'column'>;
}

/** `definitions.h:2:10: fatal error: 'linux/nonesuch.h' file not found` */
export function renderMessage({ severity, text, at }: CMessage): string {
  return `${at.file}:${at.line}:${at.column}: ${severity}: ${text}`;
}
