import { Module, type OnModuleInit } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CustomersModule, PersonalData } from '#customers';
import { EventsModule } from '#events';
import { SegmentsModule, SegmentUse } from '#segments';
import { CheckoutReader } from './checkout.js';
import { PromoEntity } from './promo.entity.js';
import { PromoPersonalData } from './promo-personal-data.js';
import { promoNeeding } from './promo.queries.js';
import { PromosController } from './promos.controller.js';
import { PromosService } from './promos.service.js';
import { Promos } from './promos.js';
import { RedemptionsController } from './redemptions.controller.js';
import { RedemptionsService } from './redemptions.service.js';
import { UniqueCodes } from './unique-codes.js';
import { UniqueCodesPersonalData } from './unique-codes-personal-data.js';

@Module({
  imports: [TypeOrmModule.forFeature([PromoEntity]), CustomersModule, SegmentsModule, EventsModule],
  controllers: [PromosController, RedemptionsController],
  providers: [PromosService, Promos, PromoPersonalData, CheckoutReader, RedemptionsService, UniqueCodes, UniqueCodesPersonalData],
  exports: [Promos, UniqueCodes],
})
export class PromosModule implements OnModuleInit {
  constructor(
    private readonly segmentUse: SegmentUse,
    private readonly personalData: PersonalData,
    private readonly ownPersonalData: PromoPersonalData,
    private readonly codesPersonalData: UniqueCodesPersonalData,
  ) {}

  onModuleInit(): void {
    this.personalData.register(this.ownPersonalData);
    this.personalData.register(this.codesPersonalData);
    this.segmentUse.register(promoNeeding);
  }
}
