// The page of the Slack bridge says what is.

import { holdFeatureTable } from './feature-table.ts';

holdFeatureTable('slack', 40);
