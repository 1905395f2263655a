// How long the lanes wait before they try again, park, or tell of it.

/** All in ms but `parkTries`. */
export interface Timing {
  readonly firstDelay: number;
  readonly maxDelay: number;
  readonly parkTries: number;
  readonly parkAfter: number;
  readonly probeEvery: number;
  readonly tellAfter: number;
  readonly parkedFirst: number;
  readonly parkedMax: number;
}

export const usualTiming: Timing = {
  firstDelay: 250,
  maxDelay: 30_000,
  parkTries: 5,
  parkAfter: 15_000,
  probeEvery: 5_000,
  tellAfter: 15_000,
  parkedFirst: 5_000,
  parkedMax: 300_000,
};
