import { IsOptional, IsString, Length } from 'class-validator';
import { PageQueryDto } from '#http';

export class ListCustomersDto extends PageQueryDto {
  /** How the customer's id, email, phone, first or last name begins. */
  @IsOptional() @IsString() @Length(1, 200)
  q?: string;

  @IsOptional() @IsString() @Length(1, 100)
  loyalty_tier?: string;

  @IsOptional() @IsString() @Length(1, 200)
  city?: string;

  /** Customers who have the tag. */
  @IsOptional() @IsString() @Length(1, 100)
  tag?: string;
}
