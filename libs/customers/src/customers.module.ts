import { Module } from '@nestjs/common';
import { CustomerNumbers } from './customer-numbers.js';
import { Customers } from './customers.js';
import { PersonalData } from './personal-data.js';
import { ProfileWriter } from './profile-writer.js';
import { Suppressions } from './suppressions.js';

@Module({
  providers: [Customers, CustomerNumbers, PersonalData, ProfileWriter, Suppressions],
  exports: [Customers, PersonalData, Suppressions],
})
export class CustomersModule {}
