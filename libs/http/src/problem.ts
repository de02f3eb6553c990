import { STATUS_CODES } from 'node:http';
import { ApiProperty } from '@nestjs/swagger';
import type { DomainError } from '#kernel';

/** One fault of a request. */
export class FaultDto {
  /** Where in the body, as an RFC 6901 JSON pointer. */
  @ApiProperty({ required: false, example: '/criteria/all/1/total_spent/gte' })
  pointer?: string;

  /** Which query, path or header parameter. */
  @ApiProperty({ required: false, example: 'limit' })
  parameter?: string;

  @ApiProperty({ example: 'is_number' })
  code: string;

  /** What was expected. */
  @ApiProperty({ example: 'gte must be a number' })
  detail: string;
}

/** An error as application/problem+json (RFC 9457). */
export class ProblemDto {
  @ApiProperty({ example: 'about:blank', description: 'Always `about:blank`; `code` identifies the problem.' })
  type: string;

  @ApiProperty({ example: 'Bad Request', description: 'The HTTP status in words.' })
  title: string;

  @ApiProperty({ example: 400 })
  status: number;

  @ApiProperty({ example: 'The request is malformed; every fault is listed in `errors`.' })
  detail: string;

  @ApiProperty({ example: '/api/v1/marketing/campaigns', description: 'The requested path.' })
  instance: string;

  @ApiProperty({ example: 'validation_failed', description: 'Stable; match on this.' })
  code: string;

  @ApiProperty({ example: 'req_01kzv3q6x0w9m2h7c4t8r5e1nd' })
  request_id: string;

  @ApiProperty({ required: false, type: [FaultDto], description: 'Every fault, at most 100.' })
  errors?: FaultDto[];
}

/** Nobody reads more at once; the first ones get fixed first. */
export const MOST_FAULTS = 100;

export const toProblem = (error: DomainError, instance: string, requestId: string): ProblemDto => ({
  ...error.context.params,
  type: 'about:blank',
  title: STATUS_CODES[error.status] ?? 'Error',
  status: error.status,
  detail: error.message,
  instance,
  code: error.code,
  request_id: requestId,
  ...(error.context.errors && { errors: error.context.errors.slice(0, MOST_FAULTS) }),
});
