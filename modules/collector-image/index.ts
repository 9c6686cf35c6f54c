export * from './image-builder.ts';
export * from './image-pipeline.ts';
export * from './image-receiver.ts';
export * from './policies/builder.ts';
export * from './policies/images-key.ts';
export * from './policies/receiver.ts';
export * from './recipe.ts';
