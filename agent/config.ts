/** The collector's configuration: one schema, five sources, every value with its origin. */
export { flagsOf, settingFor, SETTINGS, type CollectorCommand, type Setting } from './config/settings.ts';
export { loadConfig, logsToCloudWatch, readConfig, type LoadConfigInput, type LoadedConfig, type Origins } from './config/load-config.ts';
export { ConfigError, type ConfigProblem } from './config/problems.ts';
export { printConfig } from './config/print-config.ts';
export { parseSize, printSize } from './config/sizes.ts';
export { S3_LOCATION, type CollectorConfig, type ConfigKey } from './config/schema.ts';
