"""A made task and a metric, so that the core's tests need no plugin. Test plugins list them among their components."""
