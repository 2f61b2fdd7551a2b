import type { Place } from './samples.ts';

/** How call graphs are shown: `-g graph,0.5,caller`. */
export interface GraphOptions {
  readonly form: 'graph' | 'fractal' | 'flat' | 'folded' | 'none';
  /** In per cent: branches below are left out. */
  readonly threshold: number;
  /** Branches of one place, and entries of a chain without branches; 0: all. */
  readonly limit: number;
  readonly order: 'caller' | 'callee';
  /** What makes two frames one. */
  readonly key: 'function' | 'address';
}

/** A stretch of calls that all samples below it share. */
interface Branch {
  readonly places: Place[];
  /** Events whose chains end here. */
  own: number;
  readonly children: Map<string, Branch>;
}

const keyOf = (place: Place, key: GraphOptions['key']): string =>
  key === 'address' || place.symbol === '' ? place.address : `${place.object} ${place.symbol}`;
const newBranch = (places: Place[]): Branch => ({ places, own: 0, children: new Map() });
const totalOf = ({ own, children }: Branch): number =>
  [...children.values()].reduce((sum, child) => sum + totalOf(child), own);

/** Chains of calls, added up. */
export class CallGraph {
  private readonly root = newBranch([]);
  private readonly options: GraphOptions;

  constructor(options: GraphOptions) {
    this.options = options;
  }
  /** Chains come in the order in which they are to be shown. */
  add(chain: readonly Place[], events: number): void {
    let at = this.root;
    for (const place of chain) {
      const key = keyOf(place, this.options.key);
      let child = at.children.get(key);
      if (child === undefined) at.children.set(key, (child = newBranch([place])));
      at = child;
    }
    at.own += events;
  }
  /** Lines as perf report --stdio has them below an entry of `events` among `total`. */
  lines(events: number, total: number, hidesFirst: boolean): string[] {
    const { form, limit } = this.options;
    const threshold = (total * this.options.threshold) / 100;
    const branches = [...this.root.children.values()].map(joined);
    const shown = sorted(branches, form === 'fractal' ? (events * this.options.threshold) / 100 : threshold);
    if (form === 'none') return [];
    if (form === 'folded' || form === 'flat') return shown.flatMap((branch) => chainLines(branch, [], total, form));
    const lines: string[] = [];
    const [only] = shown;
    let below = shown;
    let margin = MARGIN;
    // One way that all samples took needs no percentage.
    if (only !== undefined && shown.length === 1 && totalOf(only) === events) {
      const places = hidesFirst ? only.places.slice(1) : only.places;
      places.slice(0, limit === 0 ? places.length : limit).forEach((place, i) => {
        if (i === 0) {
          lines.push(`${MARGIN}|`, `${MARGIN}---${nameOf(place)}`);
          margin += '   ';
        } else lines.push(margin + nameOf(place));
      });
      below = sorted([...only.children.values()], threshold);
    }
    lines.push(...this.branchLines(below, form === 'fractal' ? events : total, threshold, 1, 1, margin));
    return lines.length === 0 ? [] : [...lines.map((line) => line.trimEnd()), ''];
  }
  private branchLines(
    branches: readonly Branch[],
    total: number,
    threshold: number,
    depth: number,
    mask: number,
    margin: string,
  ): string[] {
    const { form, limit } = this.options;
    const lines: string[] = [];
    const shown = limit === 0 ? branches : branches.slice(0, limit);
    let pipes = mask;
    for (const [i, branch] of shown.entries()) {
      // No pipe of this level beside the last branch and what is below it.
      if (i === branches.length - 1) pipes &= ~(1 << (depth - 1));
      lines.push(margin + columns(depth, mask, '           '));
      branch.places.forEach((place, n) => {
        const share = `--${percent(totalOf(branch), total)}--`;
        const front = n === 0 ? columns(depth - 1, pipes, '           ') : columns(depth, pipes, '           ');
        lines.push(
          margin + front + (n === 0 ? ((pipes & (1 << (depth - 1))) === 0 ? ' ' : '|') + share : '') + nameOf(place),
        );
      });
      const children = [...branch.children.values()];
      const inside = totalOf(branch) - branch.own;
      const least = form === 'fractal' ? (inside * this.options.threshold) / 100 : threshold;
      const whole = form === 'fractal' ? inside : total;
      lines.push(
        ...this.branchLines(sorted(children, least), whole, threshold, depth + 1, pipes | (1 << depth), margin),
      );
    }
    return lines;
  }
}
const MARGIN = ' '.repeat(12);

const nameOf = ({ symbol, address }: Place): string => (symbol === '' ? `0x${address}` : symbol);
const percent = (part: number, total: number): string => `${((100 * part) / total).toFixed(2)}%`;
/** A column of eleven characters for each level: with a pipe where branches are still to come. */
const columns = (depth: number, pipes: number, blank: string): string =>
  Array.from({ length: depth }, (_, level) => ((pipes & (1 << level)) === 0 ? blank : `|${blank.slice(1)}`)).join('');

/** A branch with what follows it without a choice. */
function joined(branch: Branch): Branch {
  let { own, children } = branch;
  const places = [...branch.places];
  while (own === 0 && children.size === 1) {
    const [next] = children.values();
    places.push(...next!.places);
    ({ own, children } = next!);
  }
  return { places, own, children: new Map([...children].map(([key, child]) => [key, joined(child)])) };
}
/** The most travelled first, without those below the threshold. */
function sorted(branches: readonly Branch[], threshold: number): readonly Branch[] {
  return branches.filter((branch) => totalOf(branch) >= threshold).sort((a, b) => totalOf(b) - totalOf(a));
}

/** Each chain by itself: in one line, or one place a line. */
function chainLines(branch: Branch, above: readonly Place[], total: number, form: 'flat' | 'folded'): string[] {
  const places = [...above, ...branch.places];
  const share = percent(branch.own, total);
  const own =
    branch.own === 0
      ? []
      : form === 'folded'
        ? [`${share} ${places.map(nameOf).join(';')}`]
        : [`${MARGIN}${share}`, ...places.map((place) => `                ${nameOf(place)}`), ''];
  return [...own, ...[...branch.children.values()].flatMap((child) => chainLines(child, places, total, form))];
}

const FORMS = ['graph', 'fractal', 'flat', 'folded', 'none'] as const;

/** `graph,0.5,caller`: in any order of words, the threshold before the limit; a text is what is wrong. */
export function parseGraphOptions(text: string, order: GraphOptions['order']): GraphOptions | string {
  let options: GraphOptions = { form: 'graph', threshold: 0.5, limit: 0, order, key: 'function' };
  const numbers: number[] = [];
  for (const word of text === '' ? [] : text.split(',')) {
    const form = FORMS.find((name) => name === word);
    if (form !== undefined) options = { ...options, form };
    else if (word === 'caller' || word === 'callee') options = { ...options, order: word };
    else if (word === 'function' || word === 'address') options = { ...options, key: word };
    else if (word === 'percent' || word === '') continue;
    else if (/^\d+(\.\d+)?$/.test(word)) numbers.push(Number(word));
    else return ` Error: invalid --call-graph argument: ${text}`;
  }
  const [threshold = options.threshold, limit = 0] = numbers;
  return { ...options, threshold, limit };
}
