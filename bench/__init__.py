"""Programs that measure and prove; run from a checkout."""
