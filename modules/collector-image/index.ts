export * from './image-builder.ts';
export * from './image-pipeline.ts';
export * from './policies/builder.ts';
export * from './policies/images-key.ts';
export * from './recipe.ts';
