import { Injectable, type PipeTransform } from '@nestjs/common';
import { isProvider, type ProviderId } from './providers.js';
import { WebhookError } from './webhooks.errors.js';

/** A provider named in a path. @throws WebhookError unknown_provider */
@Injectable()
export class ProviderPipe implements PipeTransform<string, ProviderId> {
  transform(name: string): ProviderId {
    if (!isProvider(name)) throw new WebhookError('unknown_provider');
    return name;
  }
}
