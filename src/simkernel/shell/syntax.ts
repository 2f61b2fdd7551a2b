/** A part of a word. Quoted parts are neither split nor searched for patterns. */
export type WordPart =
  | { readonly kind: 'text'; readonly text: string; readonly quoted: boolean }
  | { readonly kind: 'variable'; readonly name: string; readonly quoted: boolean }
  | { readonly kind: 'command'; readonly script: Script; readonly quoted: boolean }
  | { readonly kind: 'arithmetic'; readonly text: string; readonly quoted: boolean };
export type Word = readonly WordPart[];

export interface Redirect {
  readonly fd: number;
  /** `<<` is a here-document: its target is the text, `<<<` a word of it. */
  readonly kind: '<' | '>' | '>>' | '>&' | '<<';
  readonly target: Word;
}
/** `PATTERN|PATTERN) commands ;;` */
export interface CaseBranch {
  readonly patterns: readonly Word[];
  readonly body: Script;
}
export type Command =
  | {
      readonly kind: 'simple';
      readonly assignments: readonly { readonly name: string; readonly value: Word }[];
      readonly words: readonly Word[];
      readonly redirects: readonly Redirect[];
    }
  | { readonly kind: 'pipeline'; readonly stages: readonly Command[]; readonly negated: boolean }
  | { readonly kind: 'chain'; readonly op: '&&' | '||'; readonly left: Command; readonly right: Command }
  | {
      readonly kind: 'group';
      readonly body: Script;
      readonly redirects: readonly Redirect[];
      readonly isSubshell: boolean;
    }
  | { readonly kind: 'for'; readonly name: string; readonly items: readonly Word[]; readonly body: Script }
  | { readonly kind: 'while'; readonly test: Script; readonly body: Script; readonly until: boolean }
  | { readonly kind: 'case'; readonly subject: Word; readonly branches: readonly CaseBranch[] }
  | { readonly kind: 'function'; readonly name: string; readonly body: Command }
  | { readonly kind: 'if'; readonly test: Script; readonly yes: Script; readonly no: Script };
export interface Statement {
  readonly command: Command;
  readonly background: boolean;
  /** As it was written, for `jobs`. */
  readonly text: string;
}
export type Script = readonly Statement[];
