"""Many run folders at a glance."""
