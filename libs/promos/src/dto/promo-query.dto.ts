import { ApiProperty } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import { PageQueryDto } from '#http';
import { IsPromoCode } from '../promo-code.js';
import { PROMO_STATUSES, PROMO_TYPES, type PromoStatus, type PromoType } from '../promo.entity.js';

export class PromoQueryDto extends PageQueryDto {
  @IsOptional() @IsIn(PROMO_STATUSES)
  @ApiProperty({ enum: PROMO_STATUSES, required: false })
  status?: PromoStatus;

  @IsOptional() @IsIn(PROMO_TYPES)
  @ApiProperty({ enum: PROMO_TYPES, required: false })
  type?: PromoType;

  /** Exactly this code, in any case. */
  @IsOptional() @IsPromoCode()
  code?: string;
}
