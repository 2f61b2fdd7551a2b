import { Box, Text } from 'ink';
import { memo } from 'react';
import type { Model } from '../model/model.ts';
import type { Row } from '../screen/row.ts';
import { screenOf, type Screen as Layout } from '../screen/screen.ts';
import { lookOf } from './theme.ts';

/** A line that ends where its text ends. */
const Line = memo(function Line({ row, isColored }: { readonly row: Row; readonly isColored: boolean }) {
  if (row.length === 0) return <Text> </Text>;
  return (
    <Text wrap="truncate">
      {row.map(({ text, style }, i) => (
        <Text key={i} {...lookOf(style, isColored)}>
          {text}
        </Text>
      ))}
    </Text>
  );
});

function Lines({ rows, isColored }: { readonly rows: readonly Row[]; readonly isColored: boolean }) {
  return (
    <Box flexDirection="column" flexShrink={0}>
      {rows.map((row, i) => (
        <Line key={i} row={row} isColored={isColored} />
      ))}
    </Box>
  );
}

/** The whole terminal: a picture of the model. */
export function Screen({ model }: { readonly model: Model }) {
  return <Picture model={model} screen={screenOf(model)} />;
}

/** The same of a screen that is laid out already. */
export function Picture({ model, screen }: { readonly model: Model; readonly screen: Layout }) {
  const { isColored } = model;
  const { title, body, rule, editor, list, hint } = screen;
  return (
    <Box flexDirection="column" width={model.columns} height={model.rows} overflow="hidden">
      <Line row={title} isColored={isColored} />
      <Lines rows={body} isColored={isColored} />
      <Line row={rule} isColored={isColored} />
      <Lines rows={editor} isColored={isColored} />
      <Lines rows={list} isColored={isColored} />
      <Line row={hint} isColored={isColored} />
    </Box>
  );
}
