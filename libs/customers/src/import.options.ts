import { applyDecorators } from '@nestjs/common';
import { ApiQuery } from '@nestjs/swagger';
import { type Fault, validationFailed } from '#kernel';
import type { ColumnMapping } from './import.columns.js';

/** How a file is to be taken in. */
export interface ImportOptions {
  mapping?: ColumnMapping;
  /** Report what would become of it, and write nothing. */
  dryRun?: boolean;
}

/** What {@link importOptions} reads, for the document. A DTO cannot say it: the names in the brackets are the file's own. */
export const ImportQuery = (): MethodDecorator =>
  applyDecorators(
    ApiQuery({
      name: 'columns',
      required: false,
      style: 'deepObject',
      explode: true,
      schema: { type: 'object', additionalProperties: { type: 'string' } },
      description: 'Which field a column of the file is, by its name there: `columns[E-Mail]=email&columns[Vorname]=first_name`. Exactly as it stands in the file, or else without regard to case and surrounding space. One mapped to nothing (`columns[Notes]=`) or to `-` is ignored. (curl needs `-g` for brackets.)',
      example: { 'E-Mail': 'email', Vorname: 'first_name', Notes: '' },
    }),
    ApiQuery({ name: 'dry_run', required: false, schema: { type: 'boolean' }, description: 'Checks every row and counts what would be created, updated and rejected; writes nothing.' }),
  );

/** @throws RequestError validation_failed with every parameter that is wrong */
export function importOptions(query: Readonly<Record<string, unknown>>): Required<ImportOptions> {
  const faults: Fault[] = [];
  const mapping = new Map<string, string>();
  let dryRun = false;
  for (const [parameter, value] of Object.entries(query)) {
    const column = /^columns\[(.*)\]$/s.exec(parameter)?.[1];
    if (column === undefined && parameter !== 'dry_run') faults.push({ parameter, code: 'unknown_property', detail: `property ${parameter.slice(0, 100)} should not exist` });
    else if (typeof value !== 'string') faults.push({ parameter, code: 'is_string', detail: `${parameter.slice(0, 100)} stands twice` });
    else if (column !== undefined) mapping.set(column, value.trim() === '-' ? '' : value.trim());
    else if (value === 'true' || value === 'false') dryRun = value === 'true';
    else faults.push({ parameter, code: 'is_boolean', detail: 'dry_run must be true or false' });
  }
  if (faults.length > 0) throw validationFailed(faults);
  return { mapping, dryRun };
}
