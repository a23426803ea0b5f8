"""Reading videos with decord."""
