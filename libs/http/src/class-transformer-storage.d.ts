declare module 'class-transformer/cjs/storage.js' {
  interface Transformation {
    transformFn(params: import('class-transformer').TransformFnParams): unknown;
  }
  export const defaultMetadataStorage: {
    findTypeMetadata(target: unknown, property: string): { typeFunction(): unknown } | undefined;
    findTransformMetadatas(target: unknown, property: string, transformation: import('class-transformer').TransformationType): Transformation[];
  };
}
