-- pipeline/journal: the event that a row says anew, so that taking that back takes the row back too, over a restart as well. Null for
-- all other rows, which the index leaves out
ALTER TABLE journal ADD COLUMN edits TEXT;
UPDATE journal SET edits = json_extract(event, '$.event.content."m.relates_to".event_id')
  WHERE direction = 1 AND json_extract(event, '$.event.content."m.relates_to".rel_type') = 'm.replace';
CREATE INDEX journal_edits ON journal (edits) WHERE edits IS NOT NULL;
