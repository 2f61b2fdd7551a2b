import { COMMAND_LETTERS } from './dynamic-events.ts';
import { TRACERS } from './tracers.ts';
import { CLOCKS } from './trace-clock.ts';
import { OPTION_NAMES } from './trace-options.ts';
import { TRIGGER_NAMES } from './triggers/commands.ts';

const wrapped = (names: readonly string[]): string => {
  const lines = [''];
  for (const name of names) {
    if (lines.at(-1)!.length + name.length > 70) lines.push('');
    lines[lines.length - 1] += ` ${name}`;
  }
  return lines.map((line) => `\t\t${line.trim()}\n`).join('');
};

/** The file README: a guide to what this machine's tracefs can do, in our words. */
export const readme = (): string => `A short guide to tracing by files

# echo 0 > tracing_on : stop recording (1: go on)
# cat trace : what the buffers hold; "echo > trace" empties them

 Files:
  README\t\t- this text
  trace\t\t\t- the records of all CPUs, oldest first; reading leaves them there
  trace_pipe\t\t- the same, but what is read is gone, and readers wait for more
  per_cpu/cpuN/\t\t- trace, trace_pipe, buffer_size_kb and stats (overruns) of a CPU
  snapshot\t\t- a second set of buffers: write 1 to swap, 0 to free, 2 to clear
  trace_marker\t\t- text written here becomes a record
  trace_clock\t\t- what records are stamped with; setting it empties the buffers
${wrapped(Object.keys(CLOCKS))}  buffer_size_kb\t- of each CPU; buffer_total_size_kb of all
  tracing_cpumask\t- the CPUs that record, as a mask in hex
  saved_cmdlines\t- names of tasks by PID; saved_cmdlines_size says how many are kept
  error_log\t\t- why the last writes were refused, with a mark under the place
  instances/\t\t- mkdir makes a set of buffers and event files of its own, rmdir removes it

 Tracers of functions:
  available_tracers\t- ${Object.keys(TRACERS).join(', ')}
  current_tracer\t- write a name to start it, nop to stop
  set_ftrace_filter\t- only these functions (wildcards; NAME:mod:MODULE; !NAME takes one out again);
\t\t\t  FUNCTION:COMMAND[:COUNT]: what calls set off, whatever the tracer is:
\t\t\t  traceon, traceoff, snapshot, stacktrace, enable_event:SYSTEM:EVENT, disable_event
  set_ftrace_notrace\t- not these functions
  set_ftrace_pid\t- only these tasks
  set_graph_function\t- graphs begin at these functions; set_graph_notrace leaves some out
  max_graph_depth\t- how deep graphs go; 0 is any depth
  tracing_max_latency\t- the longest latency of irqsoff, wakeup and wakeup_rt in microseconds; write 0
\t\t\t  to begin anew; tracing_thresh takes every one that is at least so long
  function_profile_enabled - count and time all functions (set_ftrace_filter applies);
\t\t\t  trace_stat/functionN shows what each CPU has seen
  options/, trace_options\t- how records look and what is recorded with them
${wrapped(OPTION_NAMES)}
 Events:
  available_events\t- SYSTEM:EVENT, one a line
  set_event\t\t- events to enable: SYSTEM:EVENT, SYSTEM:, wildcards; !EVENT disables
  set_event_pid\t\t- only events of these tasks
  events/enable, events/SYSTEM/enable, events/SYSTEM/EVENT/enable
  events/SYSTEM/filter\t- for all events that have the fields
  events/SYSTEM/EVENT/
    format\t\t- the fields of a record, and how it is printed
    filter\t\t- keep records that match: FIELD OP VALUE with && || ! ( );
\t\t\tOP is == != < <= > >= & for numbers, == != ~ for text; 0 removes it
    trigger\t\t- TRIGGER[:COUNT] [if FILTER], !TRIGGER removes it
${wrapped(TRIGGER_NAMES)}\t\tenable_event:SYSTEM:EVENT[:COUNT], disable_event likewise
\t\thist:keys=FIELD[,FIELD][:vals=FIELD][:VAR=EXPRESSION[,...]][:sort=FIELD[.descending]]
\t\t    [:size=N][:name=NAME][:clock=CLOCK][:nohitcount][:pause|:cont|:clear]
\t\t    [:HANDLER.ACTION] [if FILTER]
\t\tfields of hist take .hex .sym .sym-offset .syscall .execname .log2 .stacktrace
\t\t    .buckets=N .usecs as keys, .hex .percent .graph .usecs as values
\t\tvariables keep their values by key; others use them as $VAR or SYSTEM.EVENT.$VAR,
\t\t    in expressions with + - * / of fields, variables, numbers, common_timestamp
\t\thandlers: onmatch(SYSTEM.EVENT), onmax($VAR), onchange($VAR)
\t\tactions: SYNTHETIC_EVENT(PARAM,...) or trace(SYNTHETIC_EVENT,PARAM,...);
\t\t    save(FIELD,...) and snapshot() of onmax and onchange
    hist\t\t- what its hist triggers have counted

 Events of one's own, also all together in dynamic_events (${COMMAND_LETTERS.join(' ')}):
  kprobe_events\t\t- p[:[GROUP/]EVENT] SYMBOL[+OFFSET]|ADDRESS [ARGS]
\t\t\t  r[MAXACTIVE][:[GROUP/]EVENT] SYMBOL [ARGS]
  uprobe_events\t\t- p|r[:[GROUP/]EVENT] PATH:OFFSET [ARGS]
\t\t\t  -:[GROUP/]EVENT removes one
  synthetic_events\t- NAME TYPE FIELD[; TYPE FIELD ...], fired by actions of hist; !NAME removes one
  dynamic_events only\t- f[:[GROUP/]EVENT] FUNCTION[%return] [ARGS], with arguments by name
\t\t\t  t[:[GROUP/]EVENT] TRACEPOINT [ARGS]
\t\t\t  e[:[GROUP/]EVENT] SYSTEM.EVENT [$FIELD ...] [if FILTER]
\t\t\t  s:[synthetic/]NAME TYPE FIELD[; TYPE FIELD ...]
\tARGS: [NAME=]FETCH[:TYPE]
\t FETCH: %REGISTER, $argN, $arg*, $retval, $stack, $stackN, $comm, PARAMETER,
\t        PARAMETER->MEMBER, @ADDRESS, @SYMBOL[+OFFSET], +|-[u]OFFSET(FETCH), \\NUMBER, \\"TEXT"
\t TYPE: u8 to u64, s8 to s64, x8 to x64, char, symbol, symstr, string, ustring,
\t       bWIDTH@OFFSET/SIZE, TYPE[COUNT]
  kprobe_profile, uprobe_profile - hits of each, and those that were missed
`;
