import { Module } from '@nestjs/common';
import { CustomersModule } from '#customers';
import { Events } from './events.js';

@Module({
  imports: [CustomersModule],
  providers: [Events],
  exports: [Events],
})
export class EventsModule {}
