/** Tags as one cell, parted by `|`. A `|` or `\` of a tag's own stands behind a `\`. */
export const tagsCell = (tags: readonly string[]): string => tags.map((tag) => tag.replace(/[\\|]/g, '\\$&')).join('|');

/** The tags of a cell. A `\` before anything else is one. */
export const tagsOf = (cell: string): string[] => (cell.match(/(?:\\[\\|]|[^|])+/g) ?? []).map((tag) => tag.replace(/\\([\\|])/g, '$1').trim()).filter(Boolean);
