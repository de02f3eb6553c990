/** Tags as one cell, separated by `|`. A `|` or `\` within a tag is preceded by a `\`. */
export const tagsCell = (tags: readonly string[]): string => tags.map((tag) => tag.replace(/[\\|]/g, '\\$&')).join('|');

/** The tags of a cell. A `\` before any other character stands for itself. */
export const tagsOf = (cell: string): string[] => (cell.match(/(?:\\[\\|]|[^|])+/g) ?? []).map((tag) => tag.replace(/\\([\\|])/g, '$1').trim()).filter(Boolean);
