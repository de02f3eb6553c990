import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { CurrentTenant } from '#auth';
import { Route } from '#http';
import type { Tenant } from '#kernel';
import { SettingsService } from '#tenants';
import { CriteriaFields } from './criteria-fields.js';
import { FieldValuesDto, FieldValuesQueryDto } from './dto/field-values.dto.js';
import { SegmentFieldsDto } from './dto/segment-field.dto.js';
import { FieldValues } from './field-values.js';
import { FIELD_VALUES, FIELDS } from './segments.examples.js';
import { SegmentError } from './segment.errors.js';

/** What a builder of criteria is drawn from. */
@ApiTags('Segments')
@Controller('segments/fields')
export class SegmentFieldsController {
  constructor(
    private readonly fields: CriteriaFields,
    private readonly values: FieldValues,
    private readonly settings: SettingsService,
  ) {}

  @Get()
  @Route({
    allow: 'segments:read',
    summary: 'List what criteria may test',
    description:
      'Every field with its type, the operators it takes and, where they are known, its values; what each operator takes; what conditions on events take; how much criteria may hold. `attributes.<name>` stands for any attribute of a customer. Beside fields, criteria take `all`, `any`, `not`, `event` and `{"segment": {"in": [ids]}}`.',
    returns: SegmentFieldsDto,
    example: FIELDS,
  })
  async listSegmentFields(@CurrentTenant() tenant: Tenant): Promise<SegmentFieldsDto> {
    return SegmentFieldsDto.from(this.fields.all(), this.fields.events, await this.settings.currency(tenant));
  }

  @Get(':name/values')
  @Route({
    allow: 'segments:read',
    summary: 'Suggest values for a field',
    description:
      'The most frequent values among the tenant’s customers, of a field that `suggests`; of `attributes` the names of attributes, of `event` the types of events in the last 90 days. Past 5,000 customers (500 for events) from a sample of that many: sizes are estimates then, and what few customers have may be missing.',
    returns: FieldValuesDto,
    example: FIELD_VALUES,
    errors: [SegmentError.only('segment_field_not_found')],
  })
  listSegmentFieldValues(@CurrentTenant() tenant: Tenant, @Param('name') name: string, @Query() query: FieldValuesQueryDto) {
    return this.values.suggest(tenant, name, query);
  }
}
