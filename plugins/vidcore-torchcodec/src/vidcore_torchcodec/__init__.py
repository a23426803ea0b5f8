"""Reading videos with TorchCodec."""
