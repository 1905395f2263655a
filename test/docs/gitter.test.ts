// The page of the Gitter bridge says what is.

import { holdFeatureTable } from './feature-table.ts';

holdFeatureTable('gitter', 26);
