import { Module } from '@nestjs/common';
import { EventsModule } from '#events';
import { FunnelsController } from './funnels.controller.js';
import { FunnelsService } from './funnels.service.js';

@Module({ imports: [EventsModule], controllers: [FunnelsController], providers: [FunnelsService] })
export class FunnelsModule {}
