import { ApiProperty } from '@nestjs/swagger';
import { pageOf } from '#http';

/** Who did what, and when. */
export class AuditEntryDto {
  id: string;
  at: string;

  /** The token's `sub`. */
  actor: string;

  /** @example settings.updated */
  action: string;

  /** Details of the action; their members depend on it. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  detail: Record<string, unknown>;

  static from(row: { id: string; at: Date; actor: string; action: string; detail: Record<string, unknown> }): AuditEntryDto {
    return { id: row.id, at: row.at.toISOString(), actor: row.actor, action: row.action, detail: row.detail };
  }
}

export class AuditLogDto extends pageOf(AuditEntryDto) {}
