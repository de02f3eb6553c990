import { Body, Controller, Get, Patch } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Caller, CurrentTenant, type Principal } from '#auth';
import { IfMatch, Route, type Versions } from '#http';
import type { Tenant } from '#kernel';
import { SettingsDto } from './dto/settings.dto.js';
import { UpdateSettingsDto } from './dto/update-settings.dto.js';
import { SettingsService } from './settings.service.js';
import { DEFAULT_SETTINGS } from './settings.js';
import { SettingsError } from './tenants.errors.js';

@ApiTags('Settings')
@Controller('settings')
export class SettingsController {
  constructor(private readonly settings: SettingsService) {}

  @Get()
  @Route({
    allow: 'settings:read',
    summary: 'Get the settings',
    description: 'The tenant’s time zone, currency, sender, attribution window, frequency cap, quiet hours, segment limits and funnel options.',
    returns: SettingsDto,
    versioned: true,
    example: DEFAULT_SETTINGS,
  })
  getSettings(@CurrentTenant() tenant: Tenant) {
    return this.settings.get(tenant);
  }

  @Patch()
  @Route({
    allow: 'settings:write',
    summary: 'Change settings',
    description: 'A merge patch: members left out stay as they are. Tenant administrators and platform roles only; the change is kept in the audit log.',
    returns: SettingsDto,
    versioned: true,
    example: { ...DEFAULT_SETTINGS, timezone: 'Europe/Berlin', frequency_cap: { max: 3, per_days: 7 } },
    bodies: {
      timezone: { timezone: 'Europe/Berlin', frequency_cap: { max: 3, per_days: 7 } },
      sender: { sender: { from_email: 'hello@example.com', from_name: 'Trattoria Example', postal_address: '1 Main Street, Springfield' } },
    },
    errors: [SettingsError.only('currency_fixed', 'settings_in_use')],
    conditional: true,
  })
  updateSettings(@Caller() caller: Principal, @Body() patch: UpdateSettingsDto, @IfMatch() ifMatch?: Versions) {
    return this.settings.update(caller.tenant, caller.subject, patch, ifMatch);
  }
}
