import { ApiProperty } from '@nestjs/swagger';

export class RejectedEventDto {
  /** Position in the request, from 0. */
  @ApiProperty({ type: 'integer', example: 2 })
  index: number;

  @ApiProperty({ example: 'occurred_at_out_of_range' })
  code: string;

  @ApiProperty({ example: 'occurred_at must be from 2000-01-01 to a day ahead' })
  detail: string;

  /** Where in the body, as an RFC 6901 pointer. */
  @ApiProperty({ required: false, example: '/events/2/occurred_at' })
  pointer?: string;
}

export class EventsRecordedDto {
  /** Events that are kept from now on. */
  @ApiProperty({ type: 'integer', example: 2 })
  accepted: number;

  /** Events whose id was seen before, also within this batch. */
  @ApiProperty({ type: 'integer', example: 0 })
  duplicates: number;

  rejected: RejectedEventDto[];
}
