/** Tables: columns as wide as what they hold, the last one cut at the edge of the terminal. Cells are made printable here. */
import { oneLine } from './printable.js';
import { cut, pad, widthOf } from './width.js';

export interface TableColumn<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  readonly paint?: (text: string, row: Row) => string;
}

export interface TableLook {
  /** Of the terminal; null when there is none, and nothing is cut. */
  readonly columns: number | null;
  readonly paintTitle: (text: string) => string;
}

const GAP = '  ';

export function table<Row>(columns: readonly TableColumn<Row>[], rows: readonly Row[], look: TableLook): string {
  const cells = rows.map((row) => columns.map(({ cell }) => oneLine(cell(row))));
  const widths = columns.map(({ title }, index) =>
    Math.max(widthOf(title), ...cells.map((line) => widthOf(line[index] ?? ''))),
  );
  const fit = (line: string): string => (look.columns === null ? line : cut(line, look.columns));
  const join = (texts: readonly string[]): string => texts.join(GAP).trimEnd();
  const padded = (text: string, index: number): string =>
    index === columns.length - 1 ? text : pad(text, widths[index] ?? 0);
  const title = fit(join(columns.map((column, index) => padded(column.title, index))));
  const lines = rows.map((row, number) =>
    fit(
      join(
        columns.map(({ paint }, index) => {
          const text = padded(cells[number]?.[index] ?? '', index);
          return paint === undefined ? text : paint(text, row);
        }),
      ),
    ),
  );
  return [look.paintTitle(title), ...lines, ''].join('\n');
}
