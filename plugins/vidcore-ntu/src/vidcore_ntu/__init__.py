"""Skeleton data sets that are published: NTU RGB+D from its raw files, and the annotation files of the field."""
