"""A made data set over real files and a transform of colours. Test plugins list them among their components."""
