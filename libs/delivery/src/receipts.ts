import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Tenant } from '#kernel';
import type { Receipt, ReceiptResult } from './receipt.js';

@Injectable()
export class Receipts {
  async record(_tx: EntityManager, _tenant: Tenant, receipts: readonly Receipt[]): Promise<ReceiptResult[]> {
    return receipts.map(() => 'unmatched');
  }
}
