import { Body, Controller, Get, Param, Post, Put, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { CurrentTenant } from '#auth';
import { IfMatch, IfNoneMatch, MEBIBYTE, Route, type Versions } from '#http';
import type { Tenant } from '#kernel';
import { CustomerError } from './customers.errors.js';
import { BATCH_EXAMPLE, BATCH_RESULT_EXAMPLE, CUSTOMER_EXAMPLE, PAGE_EXAMPLE, PATCH_EXAMPLE, UPSERT_EXAMPLE } from './customers.examples.js';
import { CustomersService } from './customers.service.js';
import { BatchCustomersDto, BatchResultDto } from './dto/batch-customers.dto.js';
import { CustomerDto, CustomerPageDto } from './dto/customer.dto.js';
import { ListCustomersDto } from './dto/list-customers.dto.js';
import { UpsertCustomerDto } from './dto/upsert-customer.dto.js';

@ApiTags('Customers')
@Controller('customers')
export class CustomersController {
  constructor(private readonly customers: CustomersService) {}

  @Get()
  @Route({
    allow: 'customers:read',
    summary: 'List customers',
    description: 'About newest first: each process, and each import, numbers customers in blocks of its own. `q` finds customers whose id, email, phone, first or last name begins with it. Filtering by a rare `tag` searches all customers; if you need it often, make it a segment.',
    returns: CustomerPageDto,
    example: PAGE_EXAMPLE,
  })
  listCustomers(@CurrentTenant() tenant: Tenant, @Query() query: ListCustomersDto) {
    return this.customers.list(tenant, query);
  }

  @Get(':customer_id')
  @Route({
    allow: 'customers:read',
    summary: 'Get a customer',
    description: 'The profile with its facts: how often and how much the customer ordered.',
    returns: CustomerDto,
    versioned: true,
    example: CUSTOMER_EXAMPLE,
    errors: [CustomerError.only('customer_not_found')],
  })
  getCustomer(@CurrentTenant() tenant: Tenant, @Param('customer_id') customerId: string) {
    return this.customers.get(tenant, customerId);
  }

  @Put(':customer_id')
  @Route({
    allow: 'customers:write',
    summary: 'Create or change a customer',
    description:
      'What is left out stays as it is, null clears it. 201 when the customer is new. An opt-out that is known (also of an address whose customer was erased) is undone only by a `subscribed` with a later `at`. An opt-out is of the address: it is recorded for every customer who has it, each in their own history; a consent is of this customer alone. Whoever has opted out stays so under another address, which that closes for nobody else.',
    returns: CustomerDto,
    versioned: true,
    example: CUSTOMER_EXAMPLE,
    bodies: { new: UPSERT_EXAMPLE, change: PATCH_EXAMPLE },
    conditional: 'upsert',
    also: { status: 201, description: 'Created' },
  })
  async upsertCustomer(
    @CurrentTenant() tenant: Tenant, @Param('customer_id') customerId: string, @Body() patch: UpsertCustomerDto, @Res({ passthrough: true }) reply: FastifyReply,
    @IfMatch() ifMatch?: Versions, @IfNoneMatch() ifNoneMatch?: Versions,
  ) {
    const { customer, created } = await this.customers.upsert(tenant, customerId, patch, { ifMatch, ifNoneMatch });
    if (created) void reply.status(201).header('location', reply.request.url.split('?', 1)[0]);
    return customer;
  }

  @Post('batch')
  @Route({
    allow: 'customers:write',
    summary: 'Create or change many customers',
    description: 'Up to 1,000 at once, 5 MiB. Every row has its own result, in the order of the request: a bad one is rejected with its faults, with pointers into the whole body, and the others are written, all of them or, if the request fails, none. A customer named twice is changed twice, in that order.',
    returns: BatchResultDto,
    example: BATCH_RESULT_EXAMPLE,
    bodies: { two: BATCH_EXAMPLE },
    batch: 'customers',
    bodyLimit: 5 * MEBIBYTE,
    idempotent: true,
  })
  upsertCustomers(@CurrentTenant() tenant: Tenant, @Body() batch: BatchCustomersDto) {
    return this.customers.upsertMany(tenant, batch.customers);
  }
}
