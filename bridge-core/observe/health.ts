// Is the bridge well, and can it carry messages now: named checks that parts add, asked when somebody wants to know.

export interface Check {
  /** False: something is wrong that a person should look at. */
  readonly ok: boolean;
  /** False: messages do not flow for now; absent: as `ok`. */
  readonly ready?: boolean;
  /** One line; no secrets. */
  readonly detail?: string;
}

export interface HealthReport {
  readonly ok: boolean;
  readonly ready: boolean;
  readonly details: Readonly<Record<string, Check>>;
}

export class Health {
  readonly #checks = new Map<string, () => Check>();

  /** A check of the same name takes the place of the former. */
  add(name: string, check: () => Check): void {
    this.#checks.set(name, check);
  }

  report(): HealthReport {
    const details: Record<string, Check> = {};
    for (const [name, check] of this.#checks) {
      try {
        details[name] = check();
      } catch (thrown) {
        details[name] = { ok: false, detail: thrown instanceof Error ? thrown.message : String(thrown) };
      }
    }
    const all = Object.values(details);
    return { ok: all.every((one) => one.ok), ready: all.every((one) => one.ready ?? one.ok), details };
  }
}
