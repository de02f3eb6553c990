import { ApiProperty } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, Length } from 'class-validator';
import { IsCalendarDate, PageQueryDto, Trimmed } from '#http';
import { type Channel, CHANNELS } from '#tenants';
import { CAMPAIGN_STATUSES, CAMPAIGN_TYPES, type CampaignStatus, type CampaignType } from '../campaign.js';

export class ListCampaignsQueryDto extends PageQueryDto {
  @IsOptional() @IsIn(CAMPAIGN_STATUSES)
  @ApiProperty({ required: false, enum: CAMPAIGN_STATUSES })
  status?: CampaignStatus;

  @IsOptional() @IsIn(CAMPAIGN_TYPES)
  @ApiProperty({ required: false, enum: CAMPAIGN_TYPES })
  type?: CampaignType;

  @IsOptional() @IsCalendarDate()
  @ApiProperty({ type: String, format: 'date', required: false, example: '2026-06-01', description: 'Campaigns that start on this day of the tenant’s time zone, or later.' })
  start_date?: string;

  @IsOptional() @IsIn(CHANNELS)
  @ApiProperty({ required: false, enum: CHANNELS })
  channel?: Channel;

  @IsOptional() @Trimmed() @IsString() @Length(1, 200)
  @ApiProperty({ required: false, minLength: 1, maxLength: 200, description: 'Part of the name, in any case.' })
  q?: string;
}
