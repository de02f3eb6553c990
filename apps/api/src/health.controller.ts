import { Controller, Get, Header, Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { ApiProperty, ApiTags } from '@nestjs/swagger';
import { DataSource } from 'typeorm';
import { Route } from '#http';
import { RequestError } from '#kernel';
import { registry } from './metrics.js';

export class HealthDto {
  @ApiProperty({ enum: ['ok'], example: 'ok' })
  status: 'ok';
}

/** Whether this process still takes work: false once shutdown begins. */
@Injectable()
export class Readiness implements BeforeApplicationShutdown {
  ready = true;
  beforeApplicationShutdown(): void {
    this.ready = false;
  }
}

@ApiTags('Operation')
@Controller()
export class HealthController {
  constructor(
    private readonly source: DataSource,
    private readonly readiness: Readiness,
  ) {}

  @Get('health/live')
  @Route({ allow: 'public', summary: 'Is the process alive', description: 'Answers as long as the process runs; touches nothing else.', returns: HealthDto, example: { status: 'ok' } })
  getLiveness(): HealthDto {
    return { status: 'ok' };
  }

  @Get('health/ready')
  @Route({ allow: 'public', summary: 'Can the process serve', description: '200 when the database answers and the process is not shutting down, else 503.', returns: HealthDto, example: { status: 'ok' } })
  async getReadiness(): Promise<HealthDto> {
    if (!this.readiness.ready) throw new RequestError('unavailable', { detail: 'Shutting down.', retryAfter: 5 });
    await this.source.query('SELECT 1');
    return { status: 'ok' };
  }

  @Get('metrics')
  @Header('content-type', registry.contentType)
  @Route({ allow: 'public', summary: 'Metrics of the process', description: 'Prometheus text format.', produces: 'text/plain', example: 'process_cpu_seconds_total 1.2' })
  getMetrics(): Promise<string> {
    return registry.metrics();
  }
}
