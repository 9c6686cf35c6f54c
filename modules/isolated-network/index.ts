export * from './account-defaults.ts';
export * from './dns-firewall.ts';
export * from './isolated-network.ts';
export * from './policies/endpoints.ts';
export * from './subnets.ts';
