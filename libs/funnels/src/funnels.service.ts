import { Injectable } from '@nestjs/common';
import { Database } from '#database';
import { Events, type Stage } from '#events';
import { Clock, type Tenant } from '#kernel';
import { SettingsService } from '#tenants';
import type { FunnelQueryDto } from './dto/funnel-query.dto.js';
import type { FunnelDto } from './dto/funnel.dto.js';
import { funnelPeriod } from './funnel-period.js';
import { reportStages } from './funnel-report.js';
import { stagesOf } from './funnel-types.js';
import { FUNNEL_MEMORY, funnelSql, type StageCount } from './funnel.queries.js';

@Injectable()
export class FunnelsService {
  constructor(
    private readonly database: Database,
    private readonly settings: SettingsService,
    private readonly events: Events,
    private readonly clock: Clock,
  ) {}

  /** Counts, in one snapshot, who went through the stages in order within the period. */
  async metrics(tenant: Tenant, query: FunnelQueryDto): Promise<FunnelDto> {
    return this.database.inTenant(tenant, async (tx) => {
      const { timezone, funnels } = await this.settings.of(tx, tenant);
      const { from, until, ...period } = funnelPeriod(query, this.clock.now(), timezone);
      const named: readonly Stage[] = query.stages ?? stagesOf(query.funnel_type!, funnels);
      await tx.query(FUNNEL_MEMORY);
      const source = this.events.stageSource(funnels.retention_from_order);
      const counts = await tx.query<StageCount[]>(funnelSql(named.length, source), [tenant.id, from, until, ...named]);
      const stages = reportStages(named, counts);
      return { funnel_type: query.funnel_type ?? 'custom', period, stages, overall_conversion: stages.at(-1)!.percentage };
    });
  }
}
