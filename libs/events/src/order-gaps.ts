import type { EntityManager } from 'typeorm';
import type { OrderGap } from '#customers';
import type { Tenant } from '#kernel';
import { ORDER_GAPS } from './orders.queries.js';

/** How long these customers mostly take from one order to the next. A refunded order was an order. */
export const orderGaps = (tx: EntityManager, tenant: Tenant, customerNos: readonly number[]): Promise<OrderGap[]> => tx.query(ORDER_GAPS, [tenant.id, customerNos]);
