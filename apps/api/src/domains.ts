import type { Type } from '@nestjs/common';
import { SegmentsModule } from '#segments';
import { TenantsModule } from '#tenants';

/** Every domain of the product. The api serves their routes, the worker runs their jobs; both need all, since a queue exists by being registered. */
export const DOMAINS: readonly Type[] = [TenantsModule, SegmentsModule];
