import { Body, Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Caller, CurrentTenant, type Principal } from '#auth';
import { IfMatch, Route, type Versions } from '#http';
import type { Tenant } from '#kernel';
import { CustomerHistory } from './customer-history.js';
import { CustomerError } from './customers.errors.js';
import { CUSTOMER_EXAMPLE } from './customers.examples.js';
import { CustomersService } from './customers.service.js';
import { CustomerDto } from './dto/customer.dto.js';
import { MergeCustomersDto } from './dto/merge-customers.dto.js';
import { CustomerExportDto } from './dto/customer-export.dto.js';
import { TimelineDto, TimelineQueryDto } from './dto/timeline.dto.js';

const NOT_FOUND = [CustomerError.only('customer_not_found')];

@ApiTags('Customers')
@Controller('customers/:customer_id')
export class CustomerHistoryController {
  constructor(
    private readonly customers: CustomersService,
    private readonly history: CustomerHistory,
  ) {}

  @Get('timeline')
  @Route({
    allow: 'customers:read',
    summary: 'Get a customer’s timeline',
    description: 'What the customer did, was sent, redeemed and decided, newest first. Orders and refunds are events. Changes of the profile, by imports or otherwise, and segments entered and left are not in it. Continued by cursor.',
    returns: TimelineDto,
    example: {
      data: [
        { at: '2026-01-25T09:00:00.000Z', type: 'merge', data: { customer_id: 'cust_1002' } },
        { at: '2026-01-24T18:45:00.000Z', type: 'rollback', data: { id: 'red_01kzv3q6x0w9m2h7c4t8r5e1nd', code: 'WELCOME20', order_id: 'order_5001', status: 'rolled_back', discount_amount: 4.9 } },
        { at: '2026-01-24T18:30:00.000Z', type: 'redemption', data: { id: 'red_01kzv3q6x0w9m2h7c4t8r5e1nd', code: 'WELCOME20', order_id: 'order_5001', status: 'rolled_back', discount_amount: 4.9 } },
        { at: '2026-01-24T18:30:00.000Z', type: 'event', data: { id: 'evt_2', event_type: 'order_completed', stage: 'purchase', order_id: 'order_5001', amount: 24.5, properties: null } },
        { at: '2026-01-24T18:10:00.000Z', type: 'delivery', data: { campaign_id: 'camp_001', name: 'Flash Sale Friday', channel: 'email', what: 'clicked' } },
        { at: '2026-01-10T12:00:00.000Z', type: 'consent', data: { channel: 'email', status: 'subscribed', source: 'signup_form' } },
      ],
      meta: { limit: 20, has_more: false, next_cursor: null },
    },
    errors: NOT_FOUND,
  })
  getCustomerTimeline(@CurrentTenant() tenant: Tenant, @Param('customer_id') customerId: string, @Query() query: TimelineQueryDto) {
    return this.history.timeline(tenant, customerId, query);
  }

  @Post('merge')
  @Route({
    allow: 'customers:write',
    summary: 'Merge a duplicate into a customer',
    description:
      'For two profiles of one person. The customer named in the path keeps its fields and gains those it lacks, with all tags; orders, events, messages, redemptions, consents and memberships of lists become its own, and the facts follow. ' +
      'An opt-out of either stands, unless the other took it back later for the same address; it then holds for everybody who has the address that stays. `from` is an alias from then on: whoever says that id means the customer who stays. It cannot be undone; doing it again changes nothing. Kept in the audit log.',
    returns: CustomerDto,
    versioned: true,
    example: CUSTOMER_EXAMPLE,
    bodies: { duplicate: { from: 'cust_1002' } },
    errors: [CustomerError.only('customer_not_found', 'customer_merged')],
  })
  mergeCustomers(@Caller() caller: Principal, @Param('customer_id') customerId: string, @Body() { from }: MergeCustomersDto) {
    return this.customers.merge(caller.tenant, caller.subject, customerId, from);
  }

  @Get('export')
  @Route({
    allow: 'customers:read',
    summary: 'Export a customer’s data',
    description: 'Everything that is kept of this person, for a request of access (GDPR Article 15) or portability (Article 20).',
    returns: CustomerExportDto,
    example: { customer_id: 'cust_1001', data: { profile: CUSTOMER_EXAMPLE, events: { events: [], orders: [] } } },
    errors: NOT_FOUND,
  })
  exportCustomer(@CurrentTenant() tenant: Tenant, @Param('customer_id') customerId: string) {
    return this.history.export(tenant, customerId);
  }

  @Delete()
  @Route({
    allow: 'customers:erase',
    status: 204,
    summary: 'Erase a customer',
    description: 'Removes every personal field of this person from every table (GDPR Article 17). An address that was opted out stays so, as a keyed hash; such hashes of where messages went remain for 30 days, so that a bounce or a complaint that comes later still closes the address; and keyed hashes of what import files call the person for as long as one may be under way, so that its rows are rejected. What remains in reports is anonymous. Whoever is told of under the same `customer_id` later, by an import or an event, is a new customer of whom only that is known: nothing erased comes back, nor does the consent to an address that was opted out. So stop telling of the person where the data comes from. Kept in the audit log.',
    errors: NOT_FOUND,
    conditional: true,
  })
  eraseCustomer(@Caller() caller: Principal, @Param('customer_id') customerId: string, @IfMatch() ifMatch?: Versions) {
    return this.history.erase(caller.tenant, caller.subject, customerId, ifMatch);
  }
}
