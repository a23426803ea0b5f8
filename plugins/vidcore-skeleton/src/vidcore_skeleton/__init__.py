"""Skeletons: annotation files, graphs of joints, streams, samplings and transforms of key points."""
