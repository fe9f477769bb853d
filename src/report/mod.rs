//! Verdicts for people and programs: one JSON object a line, or text for a terminal.
