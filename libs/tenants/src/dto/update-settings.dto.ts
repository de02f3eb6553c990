import { ApiProperty, PartialType } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsNumber, IsOptional, Max, Min, Validate, ValidateBy, ValidateIf, ValidateNested, ValidatorConstraint, type ValidatorConstraintInterface } from 'class-validator';
import { IsZoneName } from '#http';
import { isCurrency } from '#kernel';
import { AttributionDto, ChannelQuietHoursDto, FrequencyCapDto, FunnelSettingsDto, MaxSegmentSizeDto, SenderDto } from './settings.dto.js';

/** A smaller price is a typing error. */
const NotNextToNothing = (): PropertyDecorator =>
  ValidateBy({ name: 'isPrice', validator: { validate: (value: unknown) => typeof value !== 'number' || value <= 0 || value >= 1e-6, defaultMessage: () => '$property must be 0, or at least 0.000001' } });

@ValidatorConstraint({ name: 'isCurrency' })
class CurrencyRule implements ValidatorConstraintInterface {
  validate(value: unknown): boolean {
    return typeof value === 'string' && isCurrency(value);
  }
  defaultMessage(): string {
    return 'currency must be an ISO 4217 code';
  }
}

class SenderPatchDto extends PartialType(SenderDto) {}
class AttributionPatchDto extends PartialType(AttributionDto) {}
class ChannelQuietHoursPatchDto extends PartialType(ChannelQuietHoursDto) {}
class MaxSegmentSizePatchDto extends PartialType(MaxSegmentSizeDto) {}
class FunnelSettingsPatchDto extends PartialType(FunnelSettingsDto) {}

const present = (_: object, value: unknown): boolean => value !== undefined;

/** A merge patch: members left out stay as they are. */
export class UpdateSettingsDto {
  /** IANA time zone, such as `Europe/Berlin`. */
  @ValidateIf(present) @IsZoneName()
  timezone?: string;

  /** ISO 4217 code; refused with 409 once money was recorded, or while a segment's criteria contain an amount that it cannot express. */
  @ValidateIf(present) @Validate(CurrencyRule)
  currency?: string;

  @ValidateIf(present) @ValidateNested() @Type(() => SenderPatchDto)
  sender?: SenderPatchDto;

  @ValidateIf(present) @ValidateNested() @Type(() => AttributionPatchDto)
  attribution?: AttributionPatchDto;

  /** Null removes the cap. */
  @IsOptional() @ValidateNested() @Type(() => FrequencyCapDto)
  frequency_cap?: FrequencyCapDto | null;

  @ValidateIf(present) @ValidateNested() @Type(() => ChannelQuietHoursPatchDto)
  quiet_hours?: ChannelQuietHoursPatchDto;

  @ValidateIf(present) @ValidateNested() @Type(() => MaxSegmentSizePatchDto)
  max_segment_size?: MaxSegmentSizePatchDto;

  /** In your currency, such as 0.0079; 0 if messages are free, else at least 0.000001; null if unknown. */
  @IsOptional() @IsNumber() @Min(0) @Max(1_000_000) @NotNextToNothing()
  @ApiProperty({ type: Number, required: false, nullable: true, minimum: 0, maximum: 1_000_000, example: 0.0079 })
  sms_price_per_segment?: number | null;

  @ValidateIf(present) @ValidateNested() @Type(() => FunnelSettingsPatchDto)
  funnels?: FunnelSettingsPatchDto;
}
