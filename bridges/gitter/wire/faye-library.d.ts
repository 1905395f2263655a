// What of faye 1.4 is used here; it ships no types, and no others are published. Read in its source.

declare module 'faye' {
  /** A Bayeux message: what goes over the wire. */
  interface FayeMessage {
    channel: string;
    id?: string;
    clientId?: string;
    subscription?: string | string[];
    successful?: boolean;
    error?: string;
    data?: unknown;
    advice?: { reconnect?: 'retry' | 'handshake' | 'none'; interval?: number; timeout?: number };
    ext?: Record<string, unknown>;
  }

  /** `callback` without a message swallows it. */
  interface FayeExtension {
    incoming?(message: FayeMessage, callback: (message?: FayeMessage) => void): void;
    outgoing?(message: FayeMessage, callback: (message?: FayeMessage) => void): void;
  }

  interface FayeSubscription extends PromiseLike<void> {
    cancel(): void;
  }

  interface FayeClientOptions {
    /** Seconds; the server's advice overrides `timeout` and `interval`. */
    readonly timeout?: number;
    readonly interval?: number;
    readonly retry?: number;
    readonly endpoints?: Readonly<Record<string, string>>;
    readonly proxy?: { readonly origin?: string; readonly headers?: Readonly<Record<string, string>> };
    readonly tls?: object;
    readonly scheduler?: typeof Scheduler;
  }

  /**
   * Decides whether a message that failed is sent again. Without one of its own a client tries for ever, `disconnect()` included: where the
   * server is away, nothing else ends it, and the process stays up.
   */
  class Scheduler {
    constructor(message: FayeMessage, options: object);
    isDeliverable(): boolean;
    /** Seconds. */
    getInterval(): number;
    /** How often it was sent. */
    readonly attempts: number;
  }

  class Client {
    constructor(endpoint: string, options?: FayeClientOptions);
    addExtension(extension: FayeExtension): void;
    removeExtension(extension: FayeExtension): void;
    disable(feature: 'websocket' | 'long-polling' | 'autodisconnect'): void;
    setHeader(name: string, value: string): void;
    handshake(callback?: () => void): void;
    connect(callback?: () => void): void;
    disconnect(): PromiseLike<void> | undefined;
    subscribe(channel: string, callback: (data: unknown) => void): FayeSubscription;
    unsubscribe(channel: string, subscription?: FayeSubscription): void;
    publish(channel: string, data: unknown, options?: { readonly attempts?: number; readonly deadline?: number }): PromiseLike<void>;
    bind(event: 'transport:up' | 'transport:down', listener: () => void): void;
    unbind(event: 'transport:up' | 'transport:down', listener: () => void): void;
  }

  const faye: { readonly VERSION: string; readonly Client: typeof Client; readonly Scheduler: typeof Scheduler };
  // biome-ignore lint/style/noDefaultExport: the package is CommonJS, and Node finds no names in it.
  export default faye;
  export type { Client, FayeClientOptions, FayeExtension, FayeMessage, FayeSubscription };
}
