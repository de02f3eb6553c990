import { ApiProperty } from '@nestjs/swagger';
import { type AbTest, type TestState, WINNER_REASONS, type WinnerReason } from '#delivery';
import { AbTestDto } from './write-campaign.dto.js';

/** The test as it is written, and where it stands. */
export class CampaignAbTestDto extends AbTestDto {
  @ApiProperty({ type: String, format: 'date-time', nullable: true, description: 'When the last message of the sample was sent; the waiting time begins here.' })
  sample_sent_at: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, description: 'When the winner is decided; at the end of the campaign if that comes first.' })
  decides_at: string | null;

  @ApiProperty({ type: String, nullable: true, description: 'The variant that everybody else gets.' })
  winner: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  decided_at: string | null;

  @ApiProperty({ type: String, nullable: true, enum: [...WINNER_REASONS, null], description: '`tie`: several had the highest rate, and the one listed first won. `not_enough_data`: nobody did what the test measures, and the first variant won.' })
  reason: WinnerReason | null;

  static from(test: AbTest, state: TestState | null): CampaignAbTestDto {
    const { sample_sent_at = null, decides_at = null, winner = null, decided_at = null, reason = null } = state ?? {};
    return { ...test, sample_sent_at, decides_at, winner, decided_at, reason };
  }
}
