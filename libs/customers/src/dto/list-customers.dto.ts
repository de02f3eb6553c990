import { IsOptional, IsString, Length } from 'class-validator';
import { PageQueryDto, Trimmed } from '#http';

export class ListCustomersDto extends PageQueryDto {
  /** How the customer's id, email, phone or name begins. Names with either part first, whatever their case and accents; phone numbers also as they are written at home (`079 123 45`). */
  @IsOptional() @Trimmed() @IsString() @Length(1, 200)
  q?: string;

  @IsOptional() @Trimmed() @IsString() @Length(1, 100)
  loyalty_tier?: string;

  @IsOptional() @Trimmed() @IsString() @Length(1, 200)
  city?: string;

  /** Customers who have the tag. */
  @IsOptional() @Trimmed() @IsString() @Length(1, 100)
  tag?: string;
}
