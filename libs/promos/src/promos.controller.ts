import { Body, Controller, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { CurrentTenant } from '#auth';
import { IfMatch, Route, type Versions } from '#http';
import type { Tenant } from '#kernel';
import { SegmentError } from '#segments';
import { CreatePromoDto } from './dto/create-promo.dto.js';
import { PromoDto, PromoPageDto } from './dto/promo.dto.js';
import { PromoStatsDto } from './dto/promo-stats.dto.js';
import { PromoQueryDto } from './dto/promo-query.dto.js';
import { UpdatePromoDto } from './dto/update-promo.dto.js';
import { FREE_DELIVERY, HAPPY_HOUR, SPRITZ3, STATS, WELCOME20, WELCOME20_BODY } from './promo.examples.js';
import { PromoError } from './promo.errors.js';
import { PromosService } from './promos.service.js';

@ApiTags('Promos')
@Controller('promos')
export class PromosController {
  constructor(private readonly promos: PromosService) {}

  @Get()
  @Route({
    allow: 'promos:read',
    summary: 'List promo codes',
    description: 'Newest first.',
    returns: PromoPageDto,
    example: { data: [WELCOME20], meta: { page: 1, limit: 20, total: 1, total_relation: 'eq', has_more: false, next_cursor: null } },
    errors: [PromoError.only('invalid_promo_code')],
  })
  listPromos(@CurrentTenant() tenant: Tenant, @Query() query: PromoQueryDto) {
    return this.promos.list(tenant, query);
  }

  @Post()
  @Route({
    allow: 'promos:write',
    summary: 'Create a promo code',
    description: 'Active at once, within its validity. The code must be unique among promos that are not archived.',
    status: 201,
    returns: PromoDto,
    versioned: true,
    example: WELCOME20,
    bodies: { welcome: WELCOME20_BODY, happy_hour: HAPPY_HOUR, drinks: SPRITZ3, free_delivery: FREE_DELIVERY },
    errors: [PromoError.only('invalid_promo_code', 'promo_code_exists'), SegmentError.only('segment_not_found')],
    idempotent: true,
  })
  createPromo(@CurrentTenant() tenant: Tenant, @Body() body: CreatePromoDto) {
    return this.promos.create(tenant, body);
  }

  @Get(':promo_id')
  @Route({
    allow: 'promos:read',
    summary: 'Get a promo code',
    description: 'Includes how often it was used.',
    returns: PromoDto,
    versioned: true,
    example: WELCOME20,
    errors: [PromoError.only('promo_not_found')],
  })
  getPromo(@CurrentTenant() tenant: Tenant, @Param('promo_id') promoId: string) {
    return this.promos.get(tenant, promoId);
  }

  @Patch(':promo_id')
  @Route({
    allow: 'promos:write',
    summary: 'Change a promo code',
    description: 'A merge patch: members left out stay, null clears. Code and type cannot change. Lowering a limit below what is already used only stops further use.',
    returns: PromoDto,
    versioned: true,
    example: WELCOME20,
    bodies: { limits: { usage_limit: 2000, valid_until: '2027-03-31T23:59:59Z' } },
    errors: [PromoError.only('promo_not_found', 'invalid_state'), SegmentError.only('segment_not_found')],
    conditional: true,
  })
  updatePromo(@CurrentTenant() tenant: Tenant, @Param('promo_id') promoId: string, @Body() patch: UpdatePromoDto, @IfMatch() ifMatch?: Versions) {
    return this.promos.update(tenant, promoId, patch, ifMatch);
  }

  @Get(':promo_id/stats')
  @Route({
    allow: 'promos:read',
    summary: 'Get what came of a promo code',
    description: 'Uses, customers, money, what is left of its limits, and figures per day. Updated with every redemption and rollback.',
    returns: PromoStatsDto,
    example: STATS,
    errors: [PromoError.only('promo_not_found')],
  })
  getPromoStats(@CurrentTenant() tenant: Tenant, @Param('promo_id') promoId: string) {
    return this.promos.stats(tenant, promoId);
  }

  @Post(':promo_id/pause')
  @Route({
    allow: 'promos:write',
    summary: 'Pause a promo code',
    description: 'It cannot be redeemed until it is activated again.',
    returns: PromoDto,
    versioned: true,
    example: { ...WELCOME20, status: 'paused' },
    errors: [PromoError.only('promo_not_found', 'invalid_state')],
  })
  pausePromo(@CurrentTenant() tenant: Tenant, @Param('promo_id') promoId: string) {
    return this.promos.move(tenant, promoId, 'paused');
  }

  @Post(':promo_id/activate')
  @Route({
    allow: 'promos:write',
    summary: 'Activate a paused promo code',
    description: 'An archived one stays archived.',
    returns: PromoDto,
    versioned: true,
    example: WELCOME20,
    errors: [PromoError.only('promo_not_found', 'invalid_state')],
  })
  activatePromo(@CurrentTenant() tenant: Tenant, @Param('promo_id') promoId: string) {
    return this.promos.move(tenant, promoId, 'active');
  }

  @Post(':promo_id/archive')
  @Route({
    allow: 'promos:write',
    summary: 'Archive a promo code',
    description: 'This is final. The code becomes free for another promo; redemptions can still be rolled back.',
    returns: PromoDto,
    versioned: true,
    example: { ...WELCOME20, status: 'archived' },
    errors: [PromoError.only('promo_not_found')],
  })
  archivePromo(@CurrentTenant() tenant: Tenant, @Param('promo_id') promoId: string) {
    return this.promos.move(tenant, promoId, 'archived');
  }
}
