import { ApiProperty } from '@nestjs/swagger';
import { Validate } from 'class-validator';
import { CustomerIdRule } from './customer.rules.js';

export class MergeCustomersDto {
  /** The duplicate: its id leads to the customer who stays from then on. */
  @Validate(CustomerIdRule)
  @ApiProperty({ minLength: 1, maxLength: 200, example: 'cust_1002' })
  from: string;
}
