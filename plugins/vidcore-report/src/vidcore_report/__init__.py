"""Pictures of a run, and one page that shows it all."""
