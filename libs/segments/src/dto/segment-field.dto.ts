import { ApiProperty } from '@nestjs/swagger';
import { LIMITS } from '../criteria.limits.js';
import { ANY_PROPERTY, type EventPath, type EventSource } from '../criteria-fields.js';
import { EVENT_COUNT_OPERATORS, UNITS } from '../event.parse.js';
import { type AnyField, EXAMPLES_OF, FIELD_GROUPS, FIELD_TYPES, type FieldGroup, type FieldType, OPERATORS_OF } from '../field.js';
import { OPERAND_SHAPES, type OperandShape, OPERATOR_LABELS, OPERATORS, type Operator, SHAPE_OF } from '../operators.js';

export class SegmentFieldDto {
  @ApiProperty({ example: 'loyalty_tier' })
  name: string;

  @ApiProperty({ example: 'Loyalty tier' })
  label: string;

  @ApiProperty({ enum: FIELD_GROUPS, example: 'profile' })
  group: FieldGroup;

  @ApiProperty({ enum: FIELD_TYPES, example: 'text' })
  type: FieldType;

  /** What each takes is said under `operators` of the whole answer. */
  @ApiProperty({ enum: OPERATORS, isArray: true })
  operators: Operator[];

  /** What numbers count: `days`, or the tenant's currency of an amount; else null. */
  @ApiProperty({ type: String, nullable: true, example: null })
  unit: string | null;

  /** What it can be, where that is known; else null. */
  @ApiProperty({ type: [String], nullable: true })
  values: string[] | null;

  /** Whether `GET /segments/fields/{name}/values` suggests values, and a preview can be broken down by it. */
  suggests: boolean;

  /** Whose ids it takes: `campaigns`; null of other fields. */
  @ApiProperty({ type: String, nullable: true, enum: ['campaigns'] })
  references: 'campaigns' | null;

  /** Whether customers can be without it: `ne`, `nin` and `not` hold of them, everything else but `{"exists": false}` does not. */
  can_be_missing: boolean;

  /** Whether customers can come and go as time passes, with nothing else changing. */
  moves_with_time: boolean;

  /** A test that it takes. */
  @ApiProperty({ type: 'object', additionalProperties: true, example: { eq: 'gold' } })
  example: object;

  description: string;

  static from(field: AnyField, currency: string): SegmentFieldDto {
    const { name, label, group, type, values, description } = field;
    return {
      name, label, group, type,
      operators: [...OPERATORS_OF[type]],
      unit: type === 'money' ? currency : type === 'days' ? 'days' : null,
      values: values === undefined ? null : [...values],
      suggests: !('related' in field) && field.categorical === true,
      references: 'related' in field ? field.references : null,
      can_be_missing: field.always !== true,
      moves_with_time: type === 'days' || type === 'ratio' || type === 'date',
      example: values === undefined ? EXAMPLES_OF[type] : { eq: values[0] },
      description,
    };
  }
}

export class SegmentOperatorDto {
  @ApiProperty({ enum: OPERATORS })
  name: Operator;

  @ApiProperty({ example: 'is at least' })
  label: string;

  /** `value`: one of the field's type. `list`: up to 500 of them. `pair`: the lower and the higher. `text`: a part of one. `days`: 0 to 365. */
  @ApiProperty({ enum: OPERAND_SHAPES })
  takes: OperandShape;
}

export class SegmentEventPathDto {
  /** `order.items.…` is of each item of the order; `properties.<name>` stands for whatever the event carries. */
  @ApiProperty({ example: 'order.items.product_id' })
  path: string;

  @ApiProperty({ example: 'Product' })
  label: string;

  @ApiProperty({ enum: FIELD_TYPES, example: 'text' })
  type: FieldType;

  /** What each takes is said under `operators` of the whole answer. */
  @ApiProperty({ enum: OPERATORS, isArray: true })
  operators: Operator[];

  /** The tenant's currency of an amount; else null. */
  @ApiProperty({ type: String, nullable: true, example: null })
  unit: string | null;

  /** A test that it takes. */
  @ApiProperty({ type: 'object', additionalProperties: true, example: { contains: 'an' } })
  example: object;

  description: string;

  static from({ path, label, type, amount, description }: EventPath, currency: string): SegmentEventPathDto {
    return { path, label, type, operators: [...OPERATORS_OF[type]], unit: type === 'money' || amount ? currency : null, example: EXAMPLES_OF[type], description };
  }
}

/** What `{"event": {…}}` takes. */
export class SegmentEventDto {
  /** Types that mean something to this API; `GET /segments/fields/event/values` adds what the tenant's customers did. */
  names: string[];

  where: SegmentEventPathDto[];

  @ApiProperty({ enum: OPERATORS, isArray: true })
  count_operators: Operator[];

  /** Of `within`. */
  units: string[];

  static from(source: EventSource, currency: string): SegmentEventDto {
    return {
      names: [...source.types],
      where: [...source.orderPaths, ANY_PROPERTY].map((path) => SegmentEventPathDto.from(path, currency)),
      count_operators: [...EVENT_COUNT_OPERATORS],
      units: Object.keys(UNITS),
    };
  }
}

export class SegmentLimitsDto {
  depth: number;

  /** Conditions in all. */
  leaves: number;

  /** Values in a list. */
  values: number;

  /** Of the criteria as JSON. */
  bytes: number;

  /** Event conditions. */
  events: number;
}

export class SegmentFieldsDto {
  data: SegmentFieldDto[];
  operators: SegmentOperatorDto[];
  event: SegmentEventDto | null;
  limits: SegmentLimitsDto;

  static from(fields: readonly AnyField[], source: EventSource | null, currency: string): SegmentFieldsDto {
    return {
      data: fields.map((field) => SegmentFieldDto.from(field, currency)),
      operators: OPERATORS.map((name) => ({ name, label: OPERATOR_LABELS[name], takes: SHAPE_OF[name] })),
      event: source && SegmentEventDto.from(source, currency),
      limits: { ...LIMITS },
    };
  }
}
