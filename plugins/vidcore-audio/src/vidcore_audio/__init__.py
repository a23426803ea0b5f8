"""Recognition by sound: waveforms, mel spectrograms, and networks that classify them."""
