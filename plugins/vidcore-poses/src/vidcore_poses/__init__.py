"""Key points of the people in videos, by ONNX models of others."""
