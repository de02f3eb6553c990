import { Body, Controller, Get, Param, Post, Req, Res } from '@nestjs/common';
import { ApiBody, ApiHeader, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CurrentTenant } from '#auth';
import { Route } from '#http';
import { RequestError, type Tenant } from '#kernel';
import { RedeemDto, RollbackDto } from './dto/order.dto.js';
import { RedemptionDto, RedemptionsDto } from './dto/redemption.dto.js';
import { ValidationDto } from './dto/validation.dto.js';
import { FREE_DELIVERY, REDEEM_BODY, REDEMPTION, SPRITZ3, VALIDATION } from './promo.examples.js';
import { PromoError, type Reason, REASONS, RedemptionRefused } from './promo.errors.js';
import { RedemptionsService } from './redemptions.service.js';

const SEVERAL_BODY = { codes: [SPRITZ3.code, FREE_DELIVERY.code], customer_id: 'cust_42', order: { ...REDEEM_BODY.order, id: 'order_1002', delivery_fee: 4.9 } };

@ApiTags('Promos')
@Controller('promos')
export class RedemptionsController {
  constructor(private readonly redemptions: RedemptionsService) {}

  @Post('validate')
  @Route({
    allow: 'promos:redeem',
    summary: 'Validate promo codes for an order',
    description: 'Returns what redeeming would do now, without storing anything. An unknown customer counts as one without history.',
    returns: ValidationDto,
    example: VALIDATION,
    bodies: { one: REDEEM_BODY, several: SEVERAL_BODY },
    errors: [PromoError.only('invalid_promo_code')],
  })
  validatePromos(@CurrentTenant() tenant: Tenant, @Body() body: RedeemDto) {
    return this.redemptions.validate(tenant, body);
  }

  @Post('redemptions')
  @Route({
    allow: 'promos:redeem',
    summary: 'Redeem promo codes on an order',
    description:
      'One `code` answers with its redemption, `codes` with `redemptions[]`: all or none. Limits hold exactly, whoever else redeems at the same time. ' +
      'A code that a customer was given by a campaign (`unique_promo_codes`) redeems once, for that customer alone; who names no `customer_id` redeems it for them. ' +
      'A rule that does not hold is a 422 with the reason as `code`, a limit a 409. The same Idempotency-Key again answers 200 with the same redemption as it is now.',
    status: 201,
    returns: [RedemptionDto, RedemptionsDto],
    example: REDEMPTION,
    also: { status: 200, description: 'Already redeemed with this Idempotency-Key; the header Idempotency-Replayed is `true`' },
    headers: ['Idempotency-Replayed'],
    bodies: { one: REDEEM_BODY, several: SEVERAL_BODY },
    errors: [PromoError.only('invalid_promo_code'), RedemptionRefused.only(...(Object.keys(REASONS) as Reason[])), RequestError.only('idempotency_key_reused')],
  })
  @ApiHeader({ name: 'Idempotency-Key', required: false, description: 'Up to 255 characters; stored with the redemption for good.' })
  async redeemPromos(@CurrentTenant() tenant: Tenant, @Body() body: RedeemDto, @Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const key = request.headers['idempotency-key'] as string | undefined;
    const { body: answer, replayed } = await this.redemptions.redeem(tenant, body, key);
    if (replayed) void reply.status(200).header('idempotency-replayed', 'true');
    return answer;
  }

  @Get('redemptions/:redemption_id')
  @Route({
    allow: 'promos:read',
    summary: 'Get a redemption',
    description: 'The redemption in its current state.',
    returns: RedemptionDto,
    example: REDEMPTION,
    errors: [PromoError.only('redemption_not_found')],
  })
  getRedemption(@CurrentTenant() tenant: Tenant, @Param('redemption_id') redemptionId: string) {
    return this.redemptions.get(tenant, redemptionId);
  }

  @Post('redemptions/:redemption_id/rollback')
  @Route({
    allow: 'promos:redeem',
    summary: 'Roll a redemption back',
    description: 'Returns the use and the budget; the order may redeem again. Repeating it gives the same answer and returns nothing more.',
    returns: RedemptionDto,
    example: { ...REDEMPTION, status: 'rolled_back', rolled_back_at: '2026-01-24T19:00:00.000Z', rollback_reason: 'order canceled' },
    bodies: { canceled: { reason: 'order canceled' } },
    bodyOptional: true,
    errors: [PromoError.only('redemption_not_found')],
  })
  @ApiBody({ type: RollbackDto, required: false })
  rollbackRedemption(@CurrentTenant() tenant: Tenant, @Param('redemption_id') redemptionId: string, @Body() body: RollbackDto) {
    return this.redemptions.rollback(tenant, redemptionId, body.reason ?? null);
  }
}
