import type { Trivium } from './trivia.ts';

type Segment = { readonly text: string } | { readonly comment: string };

/** A rectangle of text that grows at its lower right corner; comments stay apart until it is printed. */
export class Page {
  private readonly rows: Segment[][] = [[]];

  text(text: string): this {
    this.rows.at(-1)!.push({ text });
    return this;
  }

  breakLine(): this {
    this.rows.push([]);
    return this;
  }

  /**
   * Adds another page. With `indent` it stands on lines of its own; without, its further lines are aligned to where the
   * first began, unless `align` is false.
   */
  append(other: Page, { indent = 0, align = true } = {}): this {
    if (other.height === 0) return this;
    const column = indent > 0 ? indent : columns(this.rows.at(-1)!);
    if (indent > 0) this.breakLine();
    other.rows.forEach((row, i) => {
      if (align && column !== 0 && this.rows.at(-1)!.length === 0) this.text(' '.repeat(column));
      this.rows.at(-1)!.push(...row);
      if (indent > 0 || i < other.rows.length - 1) this.breakLine();
    });
    return this;
  }

  /** Comments within a line; blank lines among them are dropped. */
  inline(trivia: readonly Trivium[]): this {
    for (const { comment } of trivia) if (comment !== undefined) this.rows.at(-1)!.push({ comment });
    return this;
  }

  /** Comments on lines of their own with the blank lines between them, behind at least `breaks` line breaks. */
  between(trivia: readonly Trivium[], breaks: number): this {
    for (let i = 0; i < breaks; i++) this.breakLine();
    let blanks = 0;
    for (const { comment } of trivia) {
      if (comment === undefined) {
        if (blanks++ >= breaks) this.breakLine();
      } else {
        this.rows.at(-1)!.push({ comment });
        this.breakLine();
      }
    }
    return this;
  }

  get width(): number {
    return Math.max(...this.rows.map(columns));
  }

  get height(): number {
    return this.rows.at(-1)!.length === 0 ? this.rows.length - 1 : this.rows.length;
  }

  print(): string {
    const lines = this.rows.slice(0, this.height).map((row) => `${printRow(row).trimEnd()}\n`);
    return lines.join('');
  }
}

function columns(row: readonly Segment[]): number {
  return printRow(row).length;
}

function printRow(row: readonly Segment[]): string {
  let line = '';
  row.forEach((segment, i) => {
    if ('text' in segment) {
      const followsComment = i > 0 && 'comment' in row[i - 1]!;
      line += followsComment && !/^[\s;,)\]]/.test(segment.text) ? ` ${segment.text}` : segment.text;
      return;
    }
    if (line.trim() !== '' && !/[\s(\[]$/.test(line)) line += ' ';
    const isLast = i === row.length - 1;
    line += isLast ? `// ${segment.comment}`.trimEnd() : `/* ${segment.comment.replaceAll('*/', '* /')} */`;
  });
  return line;
}
