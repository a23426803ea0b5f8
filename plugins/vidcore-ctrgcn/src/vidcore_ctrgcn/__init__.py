"""CTR-GCN: a graph for every channel of a skeleton network."""
