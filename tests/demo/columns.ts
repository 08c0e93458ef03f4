// Text in columns for a terminal: wraps at words where it can, counts wide characters as two, cuts what is too long.

const WIDE =
  /\p{Extended_Pictographic}|\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}/u;
const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

function graphemes(text: string): string[] {
  return [...segmenter.segment(text)].map(({ segment }) => segment);
}

function widthOf(text: string): number {
  return graphemes(text).reduce((sum, each) => sum + (WIDE.test(each) ? 2 : 1), 0);
}

/** The longest beginning of `text` that fits, broken after a space if there is one in its second half. */
function firstLine(text: string, width: number): string {
  let line = '';
  for (const each of graphemes(text)) {
    if (widthOf(line + each) > width) {
      const space = line.lastIndexOf(' ');
      return space > line.length / 2 ? line.slice(0, space + 1) : line;
    }
    line += each;
  }
  return line;
}

function wrap(text: string, width: number, maxLines: number): string[] {
  const lines: string[] = [];
  let rest = text.replace(/\s+/g, ' ').trim();
  while (rest !== '' && lines.length < maxLines) {
    const line = firstLine(rest, width);
    rest = rest.slice(line.length);
    lines.push(line.trimEnd());
  }
  const last = lines.at(-1);
  if (rest !== '' && last !== undefined)
    lines.splice(-1, 1, `${firstLine(last, width - 1).trimEnd()}…`);
  return lines;
}

/** One line of a table as rows of text: the cells side by side, each wrapped to its width. */
export function columns(
  cells: readonly { readonly text: string; readonly width: number }[],
  maxLines = 4,
): string[] {
  const wrapped = cells.map(({ text, width }) => ({ lines: wrap(text, width, maxLines), width }));
  const height = Math.max(...wrapped.map(({ lines }) => lines.length));
  return Array.from({ length: height }, (_, row) =>
    wrapped
      .map(({ lines, width }) => {
        const line = lines[row] ?? '';
        return line + ' '.repeat(Math.max(0, width - widthOf(line)));
      })
      .join(' │ ')
      .trimEnd(),
  );
}
