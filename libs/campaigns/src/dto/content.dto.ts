import { ApiExtraModels, ApiProperty, getSchemaPath } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsOptional, IsString, Matches, MaxLength, ValidateNested } from 'class-validator';
import { OneLine } from '#http';
import { LocaleMap } from '../locale-map.js';

/** One message: what the reader sees, whatever the channel. Texts are Liquid templates. */
export class CampaignMessageDto {
  /** Subject of the email, title of the push message. */
  @IsOptional() @IsString() @MaxLength(500) @OneLine()
  @ApiProperty({ type: String, required: false, nullable: true, maxLength: 500, example: 'Flash Sale - 25% Off Today Only!' })
  subject?: string | null;

  /** Of an email: the line that inboxes show after the subject. As Liquid. */
  @IsOptional() @IsString() @MaxLength(500) @OneLine()
  @ApiProperty({ type: String, required: false, nullable: true, maxLength: 500, example: 'Today until midnight, in all our restaurants' })
  preheader?: string | null;

  /** The text, as Liquid: `Hello {{ customer.first_name | default: "there" }}`. */
  @IsOptional() @IsString() @MaxLength(500_000)
  @ApiProperty({ type: String, required: false, nullable: true, maxLength: 500_000, example: 'Don\'t miss our biggest sale of the season...' })
  body?: string | null;

  /** Label of the button. */
  @IsOptional() @IsString() @MaxLength(200)
  @ApiProperty({ type: String, required: false, nullable: true, maxLength: 200, example: 'Shop Now' })
  cta_text?: string | null;

  /** Where the button leads; http or https. */
  @IsOptional() @IsString() @MaxLength(2048) @Matches(/^https?:\/\/\S/i, { message: 'cta_url must be an http or https URL' })
  @ApiProperty({ type: String, required: false, nullable: true, maxLength: 2048, example: 'https://order.example.com?promo=FLASH25' })
  cta_url?: string | null;
}

/** The message in one language, for all channels, and what differs on one of them. */
export class LocalContentDto extends CampaignMessageDto {
  @IsOptional() @ValidateNested() @Type(() => CampaignMessageDto)
  @ApiProperty({ type: CampaignMessageDto, required: false, nullable: true, description: 'What differs by email.' })
  email?: CampaignMessageDto | null;

  @IsOptional() @ValidateNested() @Type(() => CampaignMessageDto)
  @ApiProperty({ type: CampaignMessageDto, required: false, nullable: true, description: 'What differs by SMS.' })
  sms?: CampaignMessageDto | null;

  @IsOptional() @ValidateNested() @Type(() => CampaignMessageDto)
  @ApiProperty({ type: CampaignMessageDto, required: false, nullable: true, description: 'What differs as a push message.' })
  push?: CampaignMessageDto | null;
}

/** The message for all channels, and what differs on one of them or in a language. */
@ApiExtraModels(LocalContentDto)
export class CampaignContentDto extends LocalContentDto {
  /** What differs in other languages, by BCP 47 tag. A customer gets the content for their locale, else for its language (`de` for `de-AT`), else the content without a language. */
  @IsOptional() @LocaleMap(() => LocalContentDto)
  @ApiProperty({
    type: 'object',
    nullable: true,
    additionalProperties: { $ref: getSchemaPath(LocalContentDto) },
    example: { de: { subject: 'Nur heute: 25 % auf alles', body: 'Unser größter Ausverkauf der Saison …', cta_text: 'Jetzt bestellen' } },
  })
  locales?: Record<string, LocalContentDto> | null;
}
