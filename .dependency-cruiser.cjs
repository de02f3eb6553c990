/** Who may know whom. The table is ARCHITECTURE.md's; a domain's door is its index.ts. */
const DOMAINS = {
  tenants: [],
  customers: ['tenants'],
  segments: ['customers', 'tenants'],
  events: ['segments', 'customers', 'tenants'],
  promos: ['events', 'segments', 'customers', 'tenants'],
  delivery: ['promos', 'events', 'segments', 'customers', 'tenants'],
  campaigns: ['delivery', 'promos', 'segments', 'tenants'],
  funnels: ['delivery', 'events', 'segments', 'customers', 'tenants'],
  webhooks: ['delivery', 'customers', 'tenants'],
  subscriptions: ['campaigns', 'delivery', 'promos', 'segments', 'customers', 'tenants'],
};
const FLOOR = ['kernel', 'config', 'database', 'jobs', 'auth', 'http'];

const allowed = [
  ...FLOOR.map((name, index) => [name, FLOOR.slice(0, index)]),
  ...Object.entries(DOMAINS).map(([name, others]) => [name, [...FLOOR, ...others]]),
];

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'libs-never-import-apps', severity: 'error', from: { path: '^libs/' }, to: { path: '^(apps|test)/' } },
    {
      name: 'front-doors-only',
      comment: 'Another library is entered through its index.ts.',
      severity: 'error',
      from: { path: '^(libs/[^/]+|apps|test)/' },
      to: { path: '^libs/[^/]+/src/', pathNot: ['^$1/', '^libs/[^/]+/src/index\\.ts$'] },
    },
    ...allowed.map(([name, others]) => ({
      name: `${name}-knows-only-its-own`,
      comment: `libs/${name} may import: ${others.join(', ') || 'nothing'}`,
      severity: 'error',
      from: { path: `^libs/${name}/` },
      to: { path: '^libs/', pathNot: `^libs/(${[name, ...others].join('|')})/` },
    })),
    { name: 'a-library-without-a-place', comment: 'Every library stands in the table above.', severity: 'error', from: { path: '^libs/', pathNot: `^libs/(${allowed.map(([name]) => name).join('|')})/` }, to: {} },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    { name: 'no-dev-dependency-in-the-product', severity: 'error', from: { path: '^(libs|apps/(api|worker))/', pathNot: '\\.spec\\.ts$' }, to: { dependencyTypes: ['npm-dev'] } },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: ['node_modules', '^dist'] },
    exclude: { path: '^test/support/api\\.d\\.ts$' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types', 'default'], extensions: ['.ts', '.js', '.d.ts'] },
  },
};
