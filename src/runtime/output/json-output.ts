import { errorText } from '../../abi/errno.ts';
import { lineText, positionAt, type Span } from '../../source/source.ts';
import { assertNever } from '../../source/bug.ts';
import { byteText, textToBytes } from './byte-text.ts';
import type { Output, OutputStreams } from './output.ts';
import { keyText, primitiveText } from './primitive-text.ts';
import { splitTime, strftime } from './time-format.ts';
import type { Histogram, MapContents, Primitive, TimeSeries, Value } from './value.ts';

/** Output for programs: one JSON object per line, with the spacing and the quirks of bpftrace's. */
export function createJsonOutput(streams: OutputStreams): Output {
  /** bpftrace's stream stays hexadecimal after its first \u escape, which the counts of histograms then show. */
  let hexadecimal = false;

  const write = (text: string): void => streams.stdout(textToBytes(text));
  const emit = (type: string, data: string): void => write(`{"type": "${type}", "data": ${data}}\n`);

  function quote(text: string): string {
    let result = '"';
    for (let i = 0; i < text.length; i++) {
      const byte = text.charCodeAt(i);
      const escape = ESCAPES[text[i]!];
      if (escape !== undefined) result += escape;
      // Bytes are signed chars there: from 0x80 on they count as control characters, sign-extended.
      else if (byte < 0x20 || byte >= 0x80) {
        hexadecimal = true;
        result += `\\u${byte < 0x80 ? byte.toString(16).padStart(4, '0') : `ffffff${byte.toString(16)}`}`;
      } else result += text[i]!;
    }
    return `${result}"`;
  }

  function primitive(value: Primitive): string {
    switch (value.kind) {
      case 'none':
        return 'null';
      case 'bool':
        return String(value.value);
      case 'int':
        return integer(value.value);
      case 'symbolic':
        return integer(value.numeric);
      case 'string':
        return quote(value.value);
      // Bytes as signed chars.
      case 'buffer':
        return `[${[...new Int8Array(value.value)].join(',')}]`;
      case 'array':
      case 'tuple':
        return `[${value.values.map(primitive).join(',')}]`;
      case 'record':
        return `{${value.fields.map(([name, field]) => `${quote(name)}: ${primitive(field)}`).join(', ')}}`;
      default:
        return assertNever(value);
    }
  }

  /** A number that a double cannot hold exactly is a string. */
  function integer(value: bigint): string {
    return BigInt(Number(value)) === value ? String(value) : quote(String(value));
  }

  function histogram({ labels, counts, lowerBound }: Histogram): string {
    const buckets = counts.map((count, i) => {
      const low = i === 0 ? lowerBound : labels[i - 1];
      const high = labels[i];
      const min = low === undefined ? '' : `"min": ${primitive(low)}, `;
      // The upper bound belongs to its bucket here.
      const max = high === undefined ? '' : `"max": ${oneLess(high)}, `;
      return `{${min}${max}"count": ${count.toString(hexadecimal ? 16 : 10)}}`;
    });
    return `[${buckets.join(',')}]`;
  }

  function oneLess(value: Primitive): string {
    const number = value.kind === 'symbolic' ? value.numeric : value.kind === 'int' ? value.value : undefined;
    return number === undefined ? primitive(value) : integer(BigInt.asIntN(64, number - 1n));
  }

  function timeSeries({ values }: TimeSeries): string {
    const points = values.flatMap(({ timeNs, value }) =>
      value.kind === 'none' ? [] : [`{"interval_start":"${dateText(timeNs)}","value":${primitiveText(value)}}`],
    );
    return `[${points.join(',')}]`;
  }

  function anyValue(value: Value): string {
    if (value.kind === 'histogram') return histogram(value);
    return value.kind === 'time_series' ? timeSeries(value) : primitive(value);
  }

  function contentsText(contents: MapContents): string {
    if (contents.kind === 'scalar') return anyValue(contents.value);
    // Keys are text without any space.
    const entries = contents.entries.map(({ key, value }) => {
      return `${quote(keyText(key).replaceAll(' ', ''))}: ${anyValue(value)}`;
    });
    return `{${entries.join(', ')}}`;
  }

  function place(span: Span): string {
    const { line, column } = positionAt(span.source, span.start);
    // Columns count bytes.
    const before = byteText(lineText(span.source, line).slice(0, column - 1));
    return `"filename": ${quote(byteText(span.source.name))}, "line": ${line}, "col": ${before.length + 1}`;
  }

  return {
    printf: (text) => emit('printf', quote(text)),
    message(severity, text, span) {
      write(`{"type": "${severity === 'error' ? 'errorf' : 'warnf'}", "msg": ${quote(text)}, ${place(span)}}\n`);
    },
    value: (value) => emit('value', primitive(value)),
    map(name, contents) {
      if (contents.kind === 'keyed' && contents.entries.length === 0 && !contents.stats) return;
      emit(mapType(contents), `{${quote(name)}: ${contentsText(contents)}}`);
    },
    time: (text) => emit('time', quote(text)),
    cat: (text) => emit('cat', quote(text)),
    join: (text) => emit('join', quote(text)),
    system: (text) => emit('syscall', quote(text)),
    runtimeError(error, span) {
      const body =
        error.kind === 'helper'
          ? `"helper_error", "msg": ${quote(errorText(-error.result))}, "helper": ${quote(error.helper)}, "retcode": ${error.result}`
          : `"runtime_error", "msg": ${quote(byteText(error.message))}`;
      write(`{"type": ${body}, ${place(span)}}\n`);
    },
    lostEvents: (count) => write(`{"type": "lost_events", "count": ${count}, "data": {"events": ${count}}}\n`),
    attachedProbes(count) {
      write(`{"type": "attached_probes", "count": ${count}, "data": {"probes": ${count}}}\n`);
    },
    testResult({ names, index, durationNs, passed, text }) {
      const record = `{"duration": ${durationNs}, "passed": ${passed[index]!}, "output": ${quote(text)}}`;
      emit('test_result', `{${quote(byteText(names[index]!))}: ${record}}`);
    },
    benchmarkResult({ names, index, averageNs, runs }) {
      emit('benchmark_result', `{${quote(byteText(names[index]!))}: {"average": ${averageNs}, "iters": ${runs}}}`);
    },
    end: () => undefined,
  };
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

function mapType(contents: MapContents): string {
  if (contents.stats) return 'stats';
  const value = contents.kind === 'scalar' ? contents.value : contents.entries[0]?.value;
  if (value?.kind === 'time_series') return 'tseries';
  return value?.kind === 'histogram' ? 'hist' : 'map';
}

function dateText(timeNs: bigint): string {
  const { seconds, rest } = splitTime(timeNs);
  return `${strftime('%Y-%m-%d %H:%M:%S', seconds)}.${String(rest).padStart(9, '0')}`;
}
