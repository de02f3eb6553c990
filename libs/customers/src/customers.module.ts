import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CustomerNumbers } from './customer-numbers.js';
import { CustomersController } from './customers.controller.js';
import { Customers } from './customers.js';
import { CustomersService } from './customers.service.js';
import { ImportEntity } from './import.entity.js';
import { ImportRunner } from './import-runner.js';
import { ImportsController } from './imports.controller.js';
import { Imports } from './imports.js';
import { PersonalData } from './personal-data.js';
import { ProfileWriter } from './profile-writer.js';
import { Suppressions } from './suppressions.js';

@Module({
  imports: [TypeOrmModule.forFeature([ImportEntity])],
  controllers: [CustomersController, ImportsController],
  providers: [Customers, CustomerNumbers, CustomersService, ImportRunner, Imports, PersonalData, ProfileWriter, Suppressions],
  exports: [Customers, Imports, PersonalData, Suppressions],
})
export class CustomersModule {}
