"""Graph convolutions over skeletons: ST-GCN, ST-GCN++ and 2s-AGCN."""
