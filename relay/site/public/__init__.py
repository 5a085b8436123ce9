"""The room of pages that everybody may read."""
