/** How much the verifier tells: only the fault, the path that led to it, or every path. */
export type LogLevel = 0 | 1 | 2;

/** The verifier's log, in lines. At level 1 a finished path's lines are taken back, as the kernel does. */
export interface Log {
  readonly level: LogLevel;
  readonly lines: string[];
  mark(): number;
  rewind(mark: number): void;
  add(line: string): void;
  /** Replaces the last line: the state after an instruction goes on its line. */
  amend(change: (line: string) => string): void;
}

export function createLog(level: LogLevel): Log {
  const lines: string[] = [];
  return {
    level,
    lines,
    mark: () => lines.length,
    rewind: (mark) => {
      if (level === 1) lines.length = Math.min(lines.length, mark);
    },
    add: (line) => {
      lines.push(line);
    },
    amend: (change) => {
      const last = lines.pop();
      if (last !== undefined) lines.push(change(last));
    },
  };
}
