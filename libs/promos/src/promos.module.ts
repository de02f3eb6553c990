import { Module, type OnModuleInit } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { SegmentsModule, SegmentUse } from '#segments';
import { PromoEntity } from './promo.entity.js';
import { promoNeeding } from './promo.queries.js';
import { PromosController } from './promos.controller.js';
import { PromosService } from './promos.service.js';
import { Promos } from './promos.js';

@Module({
  imports: [TypeOrmModule.forFeature([PromoEntity]), SegmentsModule],
  controllers: [PromosController],
  providers: [PromosService, Promos],
  exports: [Promos],
})
export class PromosModule implements OnModuleInit {
  constructor(private readonly segmentUse: SegmentUse) {}

  onModuleInit(): void {
    this.segmentUse.register(promoNeeding);
  }
}
