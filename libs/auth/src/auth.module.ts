import { Global, Module, OnModuleInit } from '@nestjs/common';
import { APP_GUARD, DiscoveryModule, DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import { ACCESS } from './access.js';
import { AccessGuard } from './access.guard.js';
import { TokenVerifier } from './token-verifier.js';

/** Guards every route. Needs a {@link TenantDirectory} from the app that imports it. */
@Global()
@Module({
  imports: [DiscoveryModule],
  providers: [TokenVerifier, { provide: APP_GUARD, useClass: AccessGuard }],
  exports: [TokenVerifier],
})
export class AuthModule implements OnModuleInit {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly reflector: Reflector,
  ) {}

  /** Fails the boot on a route that declares neither @Allow nor @Public. */
  onModuleInit(): void {
    for (const { instance, metatype, name } of this.discovery.getControllers()) {
      const prototype: Record<string, unknown> = Object.getPrototypeOf(instance);
      for (const method of this.scanner.getAllMethodNames(prototype)) {
        const handler = prototype[method];
        if (typeof handler !== 'function' || Reflect.getMetadata('path', handler) === undefined) continue;
        if (this.reflector.getAllAndOverride(ACCESS, [handler, metatype!]) === undefined) {
          throw new Error(`${name}.${method} declares no access: add @Allow(permission) or @Public()`);
        }
      }
    }
  }
}
