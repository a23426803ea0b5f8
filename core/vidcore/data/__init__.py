"""From video files to batches: decoding, sampling, geometry, lists, data sets, the plan, the loader.

Importing this package imports none of its modules: config classes live beside the code and stay free of torch.
"""
