import { renderDiagnostic, renderLine } from '../../source/render.ts';
import type { Span } from '../../source/source.ts';
import { errorText } from '../../abi/errno.ts';
import { ERRNO } from '../errno.ts';
import { decodeText, textToBytes } from './byte-text.ts';
import { histogramText } from './histogram.ts';
import type { MessageSeverity, Output, OutputStreams, RuntimeError } from './output.ts';
import { keyText, primitiveText } from './primitive-text.ts';
import { benchmarkReport, testReport } from './test-report.ts';
import { timeSeriesText } from './time-series.ts';
import type { Value } from './value.ts';

/** Output for people; `warnings` is false for --no-warnings, which silences runtime errors too. */
export function createTextOutput(streams: OutputStreams, warnings = true): Output {
  const write = (text: string): void => streams.stdout(textToBytes(text));
  const show = (severity: MessageSeverity, message: string, span: Span): void =>
    streams.stderr(renderDiagnostic({ code: 'runtime', severity, message, span, hints: [], related: [] }, streams));
  return {
    printf: write,
    // The call itself is not quoted; the calls of macros around it are.
    message(severity, message, span) {
      streams.stderr(renderLine(severity, decodeText(message), span, streams));
      if (span.expandedFrom !== undefined) show(severity, 'expanded from', span.expandedFrom);
    },
    value: (value) => write(`${primitiveText(value)}\n`),
    map(name, contents) {
      if (contents.kind === 'scalar') {
        const { value } = contents;
        const separator = isBlock(value) ? ':\n' : ': ';
        write(`${name}${separator}${valueText(value)}\n`);
        return;
      }
      for (const { key, value } of contents.entries) {
        write(`${name}[${keyText(key)}]:${isBlock(value) ? '\n' : ' '}${valueText(value)}\n`);
      }
    },
    time: write,
    cat: write,
    join: (text) => write(`${text}\n`),
    system: (text) => write(`${text}\n`),
    runtimeError(error, span) {
      if (warnings) show('warning', runtimeErrorText(error), span);
    },
    lostEvents: (count) => streams.stderr(`Lost ${count} events\n`),
    attachedProbes: (count) => streams.stderr(`Attached ${count} ${count === 1 ? 'probe' : 'probes'}\n`),
    testResult: (result) => write(testReport(result)),
    benchmarkResult: (result) => write(benchmarkReport(result)),
    end: () => write('\n\n'),
  };
}

/** Whether a value has lines of its own below its name. */
function isBlock(value: Value): boolean {
  return value.kind === 'histogram' || value.kind === 'time_series';
}

function valueText(value: Value): string {
  if (value.kind === 'histogram') return histogramText(value, primitiveText);
  return value.kind === 'time_series' ? timeSeriesText(value) : primitiveText(value);
}

function runtimeErrorText(error: RuntimeError): string {
  if (error.kind === 'other') return error.message;
  return `${helperErrorText(error.helper, error.result)}\nAdditional Info - helper: ${error.helper}, retcode: ${error.result}`;
}

function helperErrorText(helper: string, result: number): string {
  if (helper === 'map_update_elem' && result === -ERRNO.E2BIG) {
    return (
      "Map full; can't update element. Try increasing max_map_keys config " +
      'or manually setting the max entries in a map declaration e.g. `let @a = hash(5000)`'
    );
  }
  if (helper === 'map_delete_elem' && result === -ERRNO.ENOENT) {
    return "Can't delete map element because it does not exist.";
  }
  // A failed lookup has no error number.
  if (helper === 'map_lookup_elem') return "Can't lookup map element because it does not exist.";
  return errorText(-result);
}
