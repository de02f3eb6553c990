import { Controller, Get, Param, Post, Query, Req, StreamableFile } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Caller, CurrentTenant, type Principal } from '#auth';
import { Route } from '#http';
import type { Tenant } from '#kernel';
import { ImportError } from './customers.errors.js';
import { ImportDto, ImportListQueryDto, ImportPageDto } from './dto/import.dto.js';
import { csvBody } from './import.csv.js';
import { ImportQuery } from './import.options.js';
import { Imports } from './imports.js';

const QUEUED = {
  id: 'imp_01kzv3q6x0w9m2h7c4t8r5e1nd', status: 'queued', total_rows: 2357, processed: 0, created: 0, updated: 0, rejected: 0,
  encoding: 'utf-8', dry_run: false, rows_per_second: null, eta_seconds: null, created_at: '2026-01-24T18:30:00.000Z', started_at: null, finished_at: null,
};

const RUNNING = { ...QUEUED, status: 'running', processed: 1000, created: 990, updated: 8, rejected: 2, rows_per_second: 15713, eta_seconds: 1, started_at: '2026-01-24T18:30:01.850Z' };

@ApiTags('Customers')
@Controller()
export class ImportsController {
  constructor(private readonly imports: Imports) {}

  @Post('customers/import')
  @ImportQuery()
  @Route({
    allow: 'customers:write',
    status: 202,
    summary: 'Import customers',
    description: `A CSV file of any size as the body (RFC 4180; parted by commas, semicolons, tabs or \`|\`, whichever its first row shows or a line \`sep=;\` before it says; in what the \`charset\` of its Content-Type or a byte order mark says; where neither does, UTF-8, UTF-16 or windows-1252, as it looks, and the answer tells which). Its first row names the columns: \`customer_id\`, \`email\`, \`phone\`, \`first_name\`, \`last_name\`, \`locale\`, \`timezone\`, \`birthday\`, \`city\`, \`loyalty_tier\`, \`loyalty_points\`, \`tags\` (parted by \`|\`; a \`|\` or \`\\\` of a tag’s own stands behind a \`\\\`), \`consents.email.status\` (also \`.source\`, \`.at\`, and for \`sms\`, \`push\`) and \`attributes.<name>\` (numbers, \`true\` and \`false\` are kept as such). \`columns[…]\` says what a column of another name is, or that it is ignored; any other column is refused.

A file that is no CSV, such as one with a quote that nothing closes, is refused as a whole, for nobody knows where its rows end; so is one with bytes that are no text, with more than 1,000 columns or with a row of more than 1 MiB. Rows end at any line end, also at several kinds in one file. A row without \`customer_id\` is about the customer who has its email, be it by a row before; if several have it, the row is rejected as \`ambiguous_email\`. An empty cell changes nothing; a \`'\` before \`=\`, \`+\`, \`-\` or \`@\`, with which exports such as ours keep spreadsheets from computing, is taken away. A bad row is rejected, the others are written; \`GET /imports/{import_id}/rejected\` gives the bad ones back, to be corrected and sent again. An import never undoes an opt-out.`,
    consumes: 'text/csv',
    bodies: { guests: 'customer_id,email,first_name,loyalty_tier,attributes.allergy\nguest-1,ann@example.com,Ann,gold,nuts\nguest-2,bob@example.com,Bob,,\n' },
    returns: ImportDto,
    example: QUEUED,
    idempotent: true,
  })
  importCustomers(@CurrentTenant() tenant: Tenant, @Req() request: FastifyRequest) {
    return this.imports.start(tenant, csvBody(request));
  }

  @Get('imports')
  @Route({
    allow: 'customers:read',
    summary: 'List imports',
    description: 'Newest first: of customers, and into segments.',
    returns: ImportPageDto,
    example: { data: [RUNNING], meta: { page: 1, limit: 20, total: 1, total_relation: 'eq', has_more: false, next_cursor: null } },
  })
  listImports(@CurrentTenant() tenant: Tenant, @Query() query: ImportListQueryDto) {
    return this.imports.list(tenant, query);
  }

  @Get('imports/:import_id')
  @Route({
    allow: 'customers:read',
    summary: 'Get an import',
    description: 'Its progress, its rate and the time left. Poll it until `status` is `completed`, `failed` or `canceled`.',
    returns: ImportDto,
    example: { ...QUEUED, status: 'completed', processed: 2357, created: 2350, updated: 5, rejected: 2, rows_per_second: 15713, started_at: '2026-01-24T18:30:01.850Z', finished_at: '2026-01-24T18:30:02.000Z' },
    errors: [ImportError.only('import_not_found')],
  })
  getImport(@CurrentTenant() tenant: Tenant, @Param('import_id') importId: string) {
    return this.imports.get(tenant, importId);
  }

  @Post('imports/:import_id/cancel')
  @Route({
    allow: 'customers:write',
    summary: 'Cancel an import',
    description: 'For good, and at once: the answer says what was processed until then, which stays; the rest of the file is deleted. Doing it again changes nothing. Kept in the audit log.',
    returns: ImportDto,
    example: { ...RUNNING, status: 'canceled', eta_seconds: null, finished_at: '2026-01-24T18:30:01.915Z' },
    errors: [ImportError.only('import_not_found', 'invalid_state')],
  })
  cancelImport(@Caller() caller: Principal, @Param('import_id') importId: string) {
    return this.imports.cancel(caller.tenant, caller.subject, importId);
  }

  @Get('imports/:import_id/errors')
  @Route({
    allow: 'customers:read',
    summary: 'List why rows of an import were rejected',
    description: 'A CSV file: the line on which the row ends, the column, a code and what was expected. The codes are those of `PUT /customers/{customer_id}`, such as `is_email`, and `column_count` (more or fewer cells than the header), `customer_required` (neither customer_id nor email), `customer_not_found` (nobody has the email of a row without customer_id), `ambiguous_email` (several customers have it) and `customer_erased` (before the row was reached). Kept for 30 days.',
    produces: 'text/csv',
    example: 'line,column,code,detail\n7,email,is_email,email must be an email address\n',
    errors: [ImportError.only('import_not_found')],
  })
  async listImportErrors(@CurrentTenant() tenant: Tenant, @Param('import_id') importId: string) {
    return new StreamableFile(await this.imports.errors(tenant, importId), { type: 'text/csv; charset=utf-8' });
  }

  @Get('imports/:import_id/rejected')
  @Route({
    allow: 'customers:read',
    summary: 'Get the rejected rows of an import',
    description: 'A CSV file (UTF-8, commas) of the rows that were not taken, cell by cell as they came, under the header of their file and behind `error_line`, `error_column` and `error_code`. Those three are ignored by an import: correct the rows and send the file back, with the same `columns` if there were any. Since it must come back unchanged, no cell is defused that a spreadsheet would take for a formula. Kept for 30 days; without the rows of customers erased meanwhile.',
    produces: 'text/csv',
    example: 'error_line,error_column,error_code,customer_id,email,first_name\n7,email,is_email,guest-6,nobody,Ann\n',
    errors: [ImportError.only('import_not_found')],
  })
  async getRejectedImportRows(@CurrentTenant() tenant: Tenant, @Param('import_id') importId: string) {
    return new StreamableFile(await this.imports.rejected(tenant, importId), { type: 'text/csv; charset=utf-8' });
  }
}
