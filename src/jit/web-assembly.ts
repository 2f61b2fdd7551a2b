/** What we use of WebAssembly's JavaScript interface: the compiler options leave out the DOM library, which declares it. */
interface Interface {
  readonly Memory: new (descriptor: { initial: number; maximum: number; shared: true }) => {
    readonly buffer: SharedArrayBuffer;
  };
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
}
declare const WebAssembly: Interface;

export const { Memory, Module, Instance } = WebAssembly;
