import { Page } from './page.ts';

/** Columns by which what stands inside braces or brackets is moved. */
export const INDENT = 2;

/** Joins pages into one line, or into as few lines as they need, the later ones filled first. */
export function formatPages(pages: readonly Page[], separator: string, width: number): Page {
  pages.slice(0, -1).forEach((page) => page.text(separator));
  const widths = pages.map((page) => page.width);
  const total = widths.reduce((sum, each) => sum + each, 0);
  const breaks = new Set<number>();
  if (total >= width && widths.every((each) => each <= width)) {
    let line = 0;
    for (let i = pages.length - 1; i >= 0; i--) {
      line += widths[i]!;
      if (line <= width) continue;
      breaks.add(i + 1);
      line = widths[i]!;
    }
  }
  const joined = new Page();
  pages.forEach((page, i) => {
    if (breaks.has(i)) joined.breakLine();
    joined.append(page);
  });
  return joined;
}

/** What is left of a width; below nothing there is no point in breaking lines. */
export function narrower(width: number, taken: number): number {
  return width < taken ? Infinity : width - taken;
}
