import { ApiProperty } from '@nestjs/swagger';
import { Validate } from 'class-validator';
import { CustomerIdRule } from './customer.rules.js';

export class MergeCustomersDto {
  /** The duplicate. From then on its id leads to the remaining customer. */
  @Validate(CustomerIdRule)
  @ApiProperty({ minLength: 1, maxLength: 200, example: 'cust_1002' })
  from: string;
}
