import { readArguments } from './getopt.ts';
import { helpText } from './help.ts';
import { UsageMistake } from './option-values.ts';
import { DEFAULTS, SWITCHES, type Answer, type CliConfig } from './options.ts';

export type ParsedCommandLine =
  | { readonly kind: 'run'; readonly config: CliConfig; readonly operands: readonly string[] }
  | { readonly kind: 'answer'; readonly answer: Answer; readonly config: CliConfig }
  /** An error to print on standard error, and the plain text behind it; the command fails. */
  | { readonly kind: 'mistake'; readonly error?: string; readonly text: string };

const usageError = (message: string, text = ''): ParsedCommandLine => ({
  kind: 'mistake',
  error: `USAGE: ${message}`,
  text,
});

/** Understands the arguments behind the program's name, from left to right as bpftrace does. */
export function parseCommandLine(args: readonly string[]): ParsedCommandLine {
  if (args.length === 0) return { kind: 'mistake', text: helpText() };
  const config = { ...DEFAULTS };
  const operands: string[] = [];
  for (const argument of readArguments(args, SWITCHES)) {
    switch (argument.kind) {
      case 'operand':
        operands.push(argument.value);
        break;
      case 'mistake':
        return { kind: 'mistake', text: `tsbpftrace: ${argument.message}\n${helpText()}` };
      case 'option': {
        const { answer, set } = argument.option;
        if (answer !== undefined) return { kind: 'answer', answer, config };
        try {
          set?.(config, argument.value);
        } catch (error) {
          if (error instanceof UsageMistake) return usageError(error.message);
          throw error;
        }
      }
    }
  }
  return checkOperands(config, operands) ?? { kind: 'run', config, operands };
}

/** What options and operands must be to each other. */
function checkOperands(config: CliConfig, operands: readonly string[]): ParsedCommandLine | undefined {
  if (config.command !== undefined && config.pid !== undefined)
    return usageError('Cannot use both -c and -p.', helpText());
  if (config.list) return operands.length > 1 ? { kind: 'mistake', text: helpText() } : undefined;
  if (config.program === undefined && operands.length === 0) return usageError("filename or -e 'program' required.");
  return undefined;
}
