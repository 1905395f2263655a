// A duration as a setting: the zod schema that the core's own section and every network's share, so that one means the same
// in all of them.

import { z } from 'zod';
import { durationForm, parseDuration } from './durations.ts';

/** In YAML `2m`, in settings milliseconds; `standing` is what counts where nothing is written. */
export const duration = (standing: string, description: string) =>
  written().prefault(standing).meta({ description, allowed: durationForm });

/** Nothing counts where nothing is written. */
export const optionalDuration = (description: string, example: string) =>
  written().exactOptional().meta({ description, allowed: durationForm, example });

const written = () =>
  z.string().transform((text, context) => {
    const ms = parseDuration(text);
    if (ms === undefined) context.issues.push({ code: 'custom', message: 'not a duration', input: text });
    return ms ?? 0;
  });
