import { Global, Inject, Logger, Module, OnApplicationBootstrap } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { Env } from '#config';
import { dataSourceOptions } from './connection-options.js';
import { Database } from './database.js';
import { HeavyReads } from './heavy-reads.js';

@Global()
@Module({
  imports: [
    TypeOrmModule.forRootAsync({
      inject: [Env],
      useFactory: (env: Env) => ({ ...dataSourceOptions(env), autoLoadEntities: true, retryAttempts: 0 }),
    }),
  ],
  providers: [Database, HeavyReads],
  exports: [Database, HeavyReads],
})
export class DatabaseModule implements OnApplicationBootstrap {
  private readonly logger = new Logger(DatabaseModule.name);

  constructor(@Inject(DataSource) private readonly source: DataSource) {}

  /** Refuses to start with a role that is exempt from row-level security. */
  async onApplicationBootstrap(): Promise<void> {
    const [role] = await this.source.query<{ name: string; exempt: boolean; owns: boolean }[]>(`
      SELECT r.rolname AS name, r.rolsuper OR r.rolbypassrls AS exempt,
             EXISTS (SELECT 1 FROM pg_class c WHERE c.relowner = r.oid AND c.relnamespace = 'public'::regnamespace) AS owns
        FROM pg_roles r WHERE r.rolname = current_user`);
    if (role === undefined || role.exempt || role.owns) {
      throw new Error(`The database role "${role?.name}" is exempt from row-level security (superuser, BYPASSRLS or owner); connect as another.`);
    }
    this.logger.log(`connected as ${role.name}`);
  }
}
