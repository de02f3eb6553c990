import { Module, type OnModuleInit } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { SettingsService } from '#tenants';
import { ConsentChanges } from './consent-changes.js';
import { CustomerHistoryController } from './customer-history.controller.js';
import { CustomerHistory } from './customer-history.js';
import { CustomerMerge } from './customer-merge.js';
import { CustomerNumbers } from './customer-numbers.js';
import { CustomersController } from './customers.controller.js';
import { Customers } from './customers.js';
import { CustomersService } from './customers.service.js';
import { ErasedNames } from './erased-names.js';
import { FormerNames } from './former-names.js';
import { ImportEntity } from './import.entity.js';
import { ImportRetention } from './import-retention.js';
import { ImportRunner } from './import-runner.js';
import { ImportWriter } from './import-writer.js';
import { ImportsController } from './imports.controller.js';
import { Imports } from './imports.js';
import { keptCopies } from './kept-copies.js';
import { PersonalData } from './personal-data.js';
import { profileData } from './profile-data.js';
import { ProfileWriter } from './profile-writer.js';
import { Suppressions } from './suppressions.js';

@Module({
  imports: [TypeOrmModule.forFeature([ImportEntity])],
  controllers: [CustomersController, CustomerHistoryController, ImportsController],
  providers: [ConsentChanges, CustomerHistory, CustomerMerge, Customers, CustomerNumbers, CustomersService, ErasedNames, FormerNames, ImportRetention, ImportRunner, ImportWriter, Imports, PersonalData, ProfileWriter, Suppressions],
  exports: [Customers, ErasedNames, Imports, PersonalData, Suppressions],
})
export class CustomersModule implements OnModuleInit {
  constructor(
    private readonly customers: Customers,
    private readonly personalData: PersonalData,
    private readonly settings: SettingsService,
    private readonly suppressions: Suppressions,
  ) {}

  onModuleInit(): void {
    this.personalData.register(profileData(this.settings, this.suppressions));
    this.personalData.register(keptCopies(async (tx, tenant, customerNo) => (await this.customers.profiles(tx, tenant, [customerNo])).get(customerNo)));
  }
}
