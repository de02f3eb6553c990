import { Module } from '@nestjs/common';
import { CustomerNumbers } from './customer-numbers.js';
import { CustomersController } from './customers.controller.js';
import { Customers } from './customers.js';
import { CustomersService } from './customers.service.js';
import { PersonalData } from './personal-data.js';
import { ProfileWriter } from './profile-writer.js';
import { Suppressions } from './suppressions.js';

@Module({
  controllers: [CustomersController],
  providers: [Customers, CustomerNumbers, CustomersService, PersonalData, ProfileWriter, Suppressions],
  exports: [Customers, PersonalData, Suppressions],
})
export class CustomersModule {}
