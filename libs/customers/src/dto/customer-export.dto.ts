import { ApiProperty } from '@nestjs/swagger';

export class CustomerExportDto {
  @ApiProperty({ example: 'cust_1001' })
  customer_id: string;

  /** By domain: everything that is kept of this person. Amounts that say `minor` are in minor units of the tenant's currency. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  data: Record<string, unknown>;
}
